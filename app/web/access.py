"""Who asks, and how much they may: plain ASGI, inside the envelope and before any route."""

from datetime import UTC, datetime
from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.audit import Event, Who
from app.access.keys import KEY, Identity, StoredKey, identify, parse
from app.access.tables import Role
from app.errors import Problem
from app.web.errors import DATABASE_ERRORS, database_problem
from app.web.limits import Headers, Limits, Verdict
from app.web.problems import problem_response
from app.web.reader import Reader
from app.web.trail import Trail

READS = frozenset({"GET", "HEAD", "OPTIONS"})
ALLOWED = Verdict([], None)


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else "unknown"


def who_of(scope: Scope) -> Who:
    identity: Identity | None = scope.get("identity")
    return Who(identity.name if identity else "anonymous", address_of(scope), scope["request_id"])


class Access:
    def __init__(self, app: ASGIApp, reader: Reader, limits: Limits, trail: Trail) -> None:
        self.app, self.reader, self.limits, self.trail = app, reader, limits, trail

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["identity"] = None
        header = dict(scope["headers"]).get(b"authorization")
        if header is None and not self.limits.enabled:  # nothing to find out, so nothing is wrapped
            await self.app(scope, receive, send)
        else:
            await self._admit(header, scope, receive, send)
        self._note(scope)

    async def _admit(self, header: bytes | None, scope: Scope, receive: Receive, send: Send) -> None:
        refused = None
        try:
            scope["identity"] = await self._identify(header) if header is not None else None
        except Problem as problem:
            refused = problem
        except DATABASE_ERRORS as error:
            refused = database_problem(error, scope["request_id"], self.reader.file)
        verdict = self._take(scope)
        refused = verdict.problem or refused
        app = problem_response(refused, scope["request_id"]) if refused else self.app
        await app(scope, receive, _telling(send, verdict.headers) if verdict.headers else send)

    async def _identify(self, header: bytes) -> Identity:
        id, secret = parse(header.decode("latin-1"))
        stored: StoredKey | None = await self.reader.look_up(KEY, id)
        return identify(stored, secret, datetime.now(UTC))

    def _take(self, scope: Scope) -> Verdict:
        if not self.limits.enabled:
            return ALLOWED
        identity = scope["identity"]
        return self.limits.take(key_id=identity.key_id if identity else None, address=address_of(scope))

    def _note(self, scope: Scope) -> None:
        status = scope["status"]
        if scope["identity"]:
            self.trail.used(who_of(scope))
        refused = status in (401, 403) or (scope["method"] not in READS and 400 <= status < 500)
        if refused and status != 429:  # who asks too much must not fill the audit as well
            detail = f"{scope['method']} {scope['path']}"
            self.trail.add(Event(who_of(scope), "refused", status=status, detail=detail))


def _telling(send: Send, headers: Headers) -> Send:
    """Passes an answer on with what is left of the limits."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return tell


def require_role(request: Request, role: Role) -> Identity:
    """Whoever asks, with a key of this role at least; raises a `Problem`."""
    identity = cast(Identity | None, request.scope.get("identity"))
    if identity is None:
        detail = f"This needs a key of the role {role!r}."
        raise Problem("unauthorized", detail, headers={"www-authenticate": 'Bearer realm="evidence"'})
    if not identity.may(role):
        raise Problem("forbidden", f"This needs the role {role!r}; the key has {identity.role!r}.")
    return identity
