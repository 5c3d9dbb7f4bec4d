"""One message to one receiver: signed, posted, and what came of it."""

import asyncio
import time
from contextlib import suppress

import httpx

from app.common.safe_http import Refused, retry_after
from app.webhooks.messages import Message, Receiver
from app.webhooks.signing import signed
from app.webhooks.state import Failure

PATIENCE = 10.0
"""Seconds for all of it, from the name's resolution to the answer."""
MOST_READ, PATIENCE_WITH_CONTENT = 4096, 1.0
"""Bytes and seconds for an answer's content, so that a receiver that writes some is not cut off; the status counts."""
GONE = 410


async def post(client: httpx.AsyncClient, to: Receiver, message: Message) -> int | Failure:
    """The status of an answer that says that the message was taken, or what failed."""
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
    except (httpx.HTTPError, httpx.InvalidURL) as error:  # also of a redirect that is not followed
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
