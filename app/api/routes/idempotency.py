"""Reading an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header) and answering with what it stands for."""

import re
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE
from app.api.http.negotiation import JSON
from app.api.http.request_state import query_string
from app.auth.keys import Identity
from app.common.problems import Problem
from app.editing.idempotency import Asked, Given

_IDEMPOTENCY_KEY = re.compile(r'"?([!-~]{1,255}?)"?')


def idempotency_of(request: Request, identity: Identity, content: bytes) -> Asked | None:
    """Return the `Idempotency-Key` of a request with a hash that tells it from other requests, or None without one.

    Raise a `Problem` (400) for a malformed key.
    """
    lines = request.headers.getlist("idempotency-key")
    if not lines:
        return None
    key = _IDEMPOTENCY_KEY.fullmatch(lines[0])
    if key is None or len(lines) > 1:
        raise Problem("malformed-request", "An Idempotency-Key has 1 to 255 printable ASCII characters, on one line.")
    conditions = "\n".join(request.headers.get(name, "") for name in ("if-match", "content-type"))
    head = f"{request.method} {request.scope['path']}?{query_string(request)}\n{conditions}\n"
    return Asked(identity.key_id, key[1], sha256(head.encode() + content).hexdigest())


def response_of(answer: Given) -> Response:
    """Return the response for an answer that was given now or before."""
    return Response(answer.body, answer.status, {**answer.headers, **NO_STORE}, JSON if answer.body else None)
