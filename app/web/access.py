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
from app.web.limits import Limits, Verdict
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
        scope["identity"], refused = None, None
        try:
            scope["identity"] = await self._identify(scope)
        except Problem as problem:
            refused = problem
        except DATABASE_ERRORS as error:
            refused = database_problem(error, scope["request_id"])
        verdict = self._take(scope)
        refused = verdict.problem or refused
        app = problem_response(refused, scope["request_id"]) if refused else self.app
        answered = _Answered(send, verdict)
        await app(scope, receive, answered)
        self._note(scope, answered.status)

    async def _identify(self, scope: Scope) -> Identity | None:
        header = next((value for name, value in scope["headers"] if name == b"authorization"), None)
        if header is None:
            return None
        id, secret = parse(header.decode("latin-1"))
        stored: StoredKey | None = await self.reader.look_up(KEY, id)
        return identify(stored, secret, datetime.now(UTC))

    def _take(self, scope: Scope) -> Verdict:
        if not self.limits.enabled:
            return ALLOWED
        identity = scope["identity"]
        return self.limits.take(key_id=identity.key_id if identity else None, address=address_of(scope))

    def _note(self, scope: Scope, status: int) -> None:
        who = who_of(scope)
        if scope["identity"]:
            self.trail.used(who)
        refused = status in (401, 403) or (scope["method"] not in READS and 400 <= status < 500)
        if refused and status != 429:  # who asks too much must not fill the audit as well
            self.trail.add(Event(who, "refused", status=status, detail=f"{scope['method']} {scope['path']}"))


class _Answered:
    """Passes an answer on with what is left of the limits, and remembers its status."""

    def __init__(self, send: Send, verdict: Verdict) -> None:
        self.send, self.verdict, self.status = send, verdict, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.verdict.headers]
        await self.send(message)


def require_role(request: Request, role: Role) -> Identity:
    """Whoever asks, with a key of this role at least; raises a `Problem`."""
    identity = cast(Identity | None, request.scope.get("identity"))
    if identity is None:
        detail = f"This needs a key of the role {role!r}."
        raise Problem("unauthorized", detail, headers={"www-authenticate": 'Bearer realm="evidence"'})
    if not identity.may(role):
        raise Problem("forbidden", f"This needs the role {role!r}; the key has {identity.role!r}.")
    return identity
