"""Authentication by key, rate limiting, and noting refused requests in the audit, as plain ASGI middleware.

It runs inside `RequestContext`, whose request id and status it uses, and before any route.
"""

import time
from datetime import UTC, datetime
from typing import cast

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.audit_buffer import AuditBuffer
from app.api.http.exception_handlers import DATABASE_ERRORS, database_problem
from app.api.http.problems import problem_response
from app.api.http.stream_requests import is_stream
from app.api.limits.rate_limit import Headers, RateLimiter, Verdict
from app.api.middleware.client_address import address_of
from app.auth.audit import LONGEST_DETAIL, Event, Who
from app.auth.keys import KEY, Identity, StoredKey, identify, parse
from app.auth.models import Role
from app.common.ip_addresses import network_of
from app.common.problems import Problem
from app.database.reader_pool import Reader

READS = frozenset({"GET", "HEAD", "OPTIONS"})
UNCOUNTED = frozenset({"/healthz", "/readyz"})
"""Probes, which no limit applies to: behind an untrusted proxy all users share one address."""
ALLOWED = Verdict([], None)
LONGEST_WORK = 1.0
"""The most seconds that are charged for an event stream or a request that waits for a change."""


def who_of(scope: Scope) -> Who:
    """Return the actor of a request for the audit: the name of its key or `anonymous`, its address and its id."""
    identity: Identity | None = scope.get("identity")
    return Who(identity.name if identity else "anonymous", address_of(scope), scope["request_id"])


def party_of(scope: Scope) -> str:
    """Return whose share of the service a request counts for: its key, or its address without one.

    An IPv6 address counts as its network.
    """
    identity: Identity | None = scope.get("identity")
    return f"key {identity.key_id}" if identity else network_of(address_of(scope))


class Authentication:
    """Sets `scope["identity"]`, refuses invalid keys and spent limits, and notes uses and refusals in the audit."""

    def __init__(self, app: ASGIApp, reader: Reader, rate_limiter: RateLimiter, audit_buffer: AuditBuffer) -> None:
        self.app, self.reader, self.rate_limiter, self.audit_buffer = app, reader, rate_limiter, audit_buffer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope["identity"] = None
        header = dict(scope["headers"]).get(b"authorization")
        uncounted = not self.rate_limiter.enabled or scope["path"] in UNCOUNTED
        if header is None and uncounted:  # there is no key to check and nothing to measure
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
        if not self.rate_limiter.enabled:
            await app(scope, receive, send)
            return
        meter = _Meter(send, verdict.headers)
        try:
            await app(scope, receive, meter)
        finally:
            self._charge(scope, meter)

    def _charge(self, scope: Scope, meter: "_Meter") -> None:
        """Charge a response's bytes and its seconds.

        The seconds of a write are not charged, because writes wait for each other; those of a stream only up to
        `LONGEST_WORK`, because it mostly waits.
        """
        identity: Identity | None = scope["identity"]
        seconds = min(meter.seconds, LONGEST_WORK) if is_stream(scope) else meter.seconds
        self.rate_limiter.charge(
            key_id=identity.key_id if identity else None,
            address=address_of(scope),
            bytes_sent=meter.bytes_sent,
            seconds=seconds if scope["method"] in READS else 0.0,
        )

    async def _identify(self, header: bytes) -> Identity:
        id, secret = parse(header.decode("latin-1"))
        stored: StoredKey | None = await self.reader.look_up(KEY, id)
        return identify(stored, secret, datetime.now(UTC))

    def _take(self, scope: Scope) -> Verdict:
        if not self.rate_limiter.enabled:
            return ALLOWED
        identity = scope["identity"]
        return self.rate_limiter.take(key_id=identity.key_id if identity else None, address=address_of(scope))

    def _note(self, scope: Scope) -> None:
        status = scope["status"]
        if scope["identity"]:
            self.audit_buffer.used(who_of(scope))
        refused = status in (401, 403) or (scope["method"] not in READS and 400 <= status < 500)
        if refused and status != 429:  # a client that sends too much must not fill the audit as well
            detail = f"{scope['method']} {scope['path']}"[:LONGEST_DETAIL]  # it stays in memory until its minute ends
            event = Event(who_of(scope), "refused", status=status, detail=detail)
            self.audit_buffer.refused(event, is_known=scope["identity"] is not None)


class _Meter:
    """A `send` that adds the `RateLimit` headers to a response and measures its bytes and seconds."""

    def __init__(self, send: Send, headers: Headers) -> None:
        self.send, self.headers = send, headers
        self.started = time.perf_counter()
        self.seconds = 0.0
        """Seconds from the request to the head of its response."""
        self.bytes_sent = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.seconds = time.perf_counter() - self.started
            message["headers"] = [*message["headers"], *self.headers]
        else:
            self.bytes_sent += len(message.get("body", b""))
        await self.send(message)


def require_role(request: Request, role: Role) -> Identity:
    """Return the identity of a request whose key has a role, or a higher one.

    Raise a `Problem`: 401 without a key, 403 with a key of a lower role.
    """
    identity = cast(Identity | None, request.scope.get("identity"))
    if identity is None:
        detail = f"This needs a key of the role {role!r}."
        raise Problem("unauthorized", detail, headers={"www-authenticate": 'Bearer realm="evidence"'})
    if not identity.may(role):
        raise Problem("forbidden", f"This needs the role {role!r}; the key has {identity.role!r}.")
    return identity
