"""Sends one message to one receiver: it is signed and posted, and the answer is judged."""

import asyncio
import time
from contextlib import suppress

import httpx

from app.common.safe_http import Refused, retry_after
from app.webhooks.messages import Message, Receiver
from app.webhooks.signing import signed
from app.webhooks.state import Failure

PATIENCE = 10.0
"""The seconds for a whole attempt, from the resolution of the host name to the answer."""
MOST_READ, PATIENCE_WITH_CONTENT = 4096, 1.0
"""The bytes that are read of an answer's content, and the seconds for it. Only the status matters, but a receiver that
writes a short answer should not be cut off."""
GONE = 410


async def post(client: httpx.AsyncClient, to: Receiver, message: Message) -> int | Failure:
    """Send a message once; returns the status of an answer that acknowledges it (2xx), or the failure."""
    headers = {"content-type": "application/json", **signed(to.secret, message.id, int(time.time()), message.body)}
    try:
        async with (
            asyncio.timeout(PATIENCE),
            client.stream("POST", to.url, content=message.body, headers=headers) as answer,
        ):
            with suppress(httpx.HTTPError, TimeoutError):
                await _read_some(answer)
            return answer.status_code if answer.is_success else _failure(answer)
    except Refused as refused:
        return Failure(str(refused))
    except (TimeoutError, httpx.TimeoutException):
        return Failure(f"no answer within {PATIENCE:g} seconds")
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # including a redirect without a usable address
        return Failure(f"{type(error).__name__}: {error}")


async def _read_some(answer: httpx.Response) -> None:
    size = 0
    async with asyncio.timeout(PATIENCE_WITH_CONTENT):
        async for piece in answer.aiter_raw():
            size += len(piece)
            if size >= MOST_READ:
                break


def _failure(answer: httpx.Response) -> Failure:
    status = answer.status_code
    detail = "redirects are not followed" if answer.is_redirect else f"answered {status}"
    return Failure(detail, status, retry_after(answer.headers.get("retry-after", "")), status == GONE)
