"""Releases as jobs: the content comes from an open file, and the response or the problem goes to standard output."""

from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
import structlog
from sqlalchemy import Engine

from app.common.problems import Fault, Problem
from app.common.strict_json import Json
from app.editing.idempotency import Asked, Given, given, once, replayed
from app.releases.archive_reader import content_of
from app.releases.revert import prepared, undo
from app.releases.service import ReleaseRequest, enter, preview
from app.releases.staging import StagedRelease, staged
from app.settings import Settings
from app.store.revision import changing


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """A release to make, preview or revert, and the identity of its request if it has an `Idempotency-Key`."""

    release: ReleaseRequest
    asked: Asked | None
    preview: bool = False

    kind: ClassVar[str] = "release"
    writes_output: ClassVar[bool] = True
    lock_timeout_ms: ClassVar[int] = 0  # a client waits for it

    def is_cancelled(self) -> bool:
        """Return False: a client that disconnects does not stop its release."""
        return False

    def run(self, engine: Engine, settings: Settings, descriptor: int) -> bytes:  # imports use them
        """Make, preview or revert the release; the output is its response."""
        structlog.contextvars.bind_contextvars(request_id=self.release.who.request_id)
        response = _kept_response(engine, self.asked) or self._respond(engine, descriptor)
        return orjson.dumps(response._asdict() | {"body": orjson.Fragment(response.body)})

    def fail(self, problem: Problem) -> bytes:
        """Return the problem as output."""
        return orjson.dumps(vars(problem) | {"errors": [fault.as_json() for fault in problem.errors]})

    def _respond(self, engine: Engine, descriptor: int) -> Given:
        if self.release.reverts:
            with prepared(engine, self.release.reverts) as read:
                return self._change(engine, read)
        with open(descriptor, "rb") as file, content_of("release", file) as content, staged(content) as read:
            if self.preview:
                return Given(200, {}, orjson.dumps(preview(engine, read, self.release)))
            return self._change(engine, read)

    def _change(self, engine: Engine, read: StagedRelease) -> Given:
        """Make or revert a release, and keep its response for a repeated request in the same transaction."""
        work = undo if self.release.reverts else enter
        with changing(engine) as connection:
            return once(connection, self.asked, lambda: _response(work(connection, read, self.release)))


def _response(report: Json) -> Given:
    path = f"/v1/releases/{report['name']}"
    made = report["revision"] is not None
    return Given(201 if made else 200, {"location": path} if made else {}, orjson.dumps(report))


def _kept_response(engine: Engine, asked: Asked | None) -> Given | None:
    """Return the response to an earlier request with the same `Idempotency-Key`, even if it would be refused now."""
    if asked is None:
        return None
    with engine.connect().execution_options(reads=True) as connection:
        before = given(connection, asked)
    return replayed(before) if before else None


def read_response(output: bytes) -> Given:
    """Return the response that the output of a job holds, or raise its `Problem`."""
    found: dict[str, Any] = orjson.loads(output)
    if "kind" in found:
        errors = map(Fault.from_json, found["errors"])
        raise Problem(found["kind"], found["detail"], errors=errors, headers=found["headers"])
    return Given(found["status"], found["headers"], orjson.dumps(found["body"]))
