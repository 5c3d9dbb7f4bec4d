"""The process that makes one release which was requested over HTTP.

It is started as `python -m app.jobs.release_worker JOB`, where JOB is JSON (`Job.to_json`). It reads the content of the
release from standard input and writes one JSON object to standard output: the response, or the problem that refuses it.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InternalError, OperationalError

from app.auth.audit import Who
from app.common.problems import MOST_SUMMED_UP, Fault, Problem
from app.database.engine import existing, open_engine, sqlite_file
from app.database.errors import driver_error, explained, is_disk_full, is_read_only
from app.editing.idempotency import Asked, Given, given, once, replayed
from app.releases.archive_reader import content_of
from app.releases.load import InvalidContent
from app.releases.revert import prepared, undo
from app.releases.service import Order, enter, preview
from app.releases.staging import StagedRelease, staged
from app.settings import Settings
from app.store.revision import changing

Json = dict[str, Any]
Work = Callable[[Connection, StagedRelease, Order], Json]

MOST_FAULTS = 1000
"""The most faults of a refused release that are sent."""

NICENESS = 10
"""Lowers the priority of the process, so that reads of the service come first where cores are few."""


@dataclass(frozen=True, slots=True)
class Job:
    """A release to make or to preview, and the identity of its request if it has an `Idempotency-Key`."""

    order: Order
    preview: bool
    asked: Asked | None

    def to_json(self) -> str:
        """Return the job as JSON for the command line."""
        return orjson.dumps(asdict(self) | {"asked": [*self.asked] if self.asked else None}).decode()

    @classmethod
    def from_json(cls, text: str) -> "Job":
        """Return the job that `to_json` has written."""
        fields = orjson.loads(text)
        order = Order(**(fields["order"] | {"who": Who(**fields["order"]["who"])}))
        return cls(order, fields["preview"], Asked(*fields["asked"]) if fields["asked"] else None)


def _sendable(fault: Fault) -> Fault:
    """Return a fault whose texts UTF-8 can encode, with the file by its name alone."""
    location, near = fault.location, tuple(map(_encodable, fault.nearest))
    where = replace(location, file=Path(location.file).name, record=_encodable(location.record))
    return Fault(_encodable(fault.detail), _encodable(fault.pointer), nearest=near, location=where)


def _encodable(text: str) -> str:
    """Escape lone surrogates, which content may hold and UTF-8 cannot."""
    return text.encode("utf-8", "backslashreplace").decode()


def invalid(faults: list[Fault]) -> Problem:
    """Return the problem (422) for the faults of a release, each with its file and line."""
    found = [_sendable(fault) for fault in faults[:MOST_FAULTS]]
    places = (f"{fault.location.file}:{fault.location.line}" for fault in found)
    shown = " ".join(f"{place}: {fault.detail}." for place, fault in zip(places, found[:MOST_SUMMED_UP], strict=False))
    return Problem("invalid-record", shown, errors=found)


def _response(report: Json) -> Given:
    path = f"/v1/releases/{report['name']}"
    made = report["revision"] is not None
    return Given(201 if made else 200, {"location": path} if made else {}, orjson.dumps(report))


def _change(engine: Engine, read: StagedRelease, job: Job, work: Work) -> Given:
    """Make a release, and keep its response for a repeated request in the same transaction."""
    with changing(engine) as connection:
        return once(connection, job.asked, lambda: _response(work(connection, read, job.order)))


def _kept_response(engine: Engine, job: Job) -> Given | None:
    """Return the response to an earlier request with the same `Idempotency-Key`, even if it would be refused now."""
    with engine.connect().execution_options(reads=True) as connection:
        before = given(connection, job.asked) if job.asked else None
    return replayed(before) if before else None


def run(engine: Engine, job: Job) -> Given:
    """Make, preview or revert a release, and return the response; the content comes from standard input."""
    before = _kept_response(engine, job)
    if before:
        return before
    if job.order.reverts:
        with prepared(engine, job.order.reverts) as read:
            return _change(engine, read, job, undo)
    with content_of("release", sys.stdin.buffer) as content, staged(content) as read:
        if job.preview:
            return Given(200, {}, orjson.dumps(preview(engine, read, job.order)))
        return _change(engine, read, job, enter)


def main() -> None:
    """Run the job of the command line and write its outcome to standard output."""
    os.nice(NICENESS)
    job = Job.from_json(sys.argv[1])
    settings = Settings()
    url = settings.database_url.get_secret_value()
    engine = open_engine(existing(url), lock_timeout_ms=settings.lock_timeout_ms, durable=True)
    try:
        response = run(engine, job)
        output: Json = response._asdict() | {"body": orjson.Fragment(response.body)}
    except InvalidContent as faulty:
        output = _problem_output(invalid(faulty.faults))
    except Problem as problem:
        output = _problem_output(problem)
    except (OperationalError, InternalError, sqlite3.OperationalError, OSError) as error:
        output = _problem_output(_unavailable(error, sqlite_file(url)))
    finally:
        engine.dispose()
    sys.stdout.buffer.write(orjson.dumps(output))


def _unavailable(error: Exception, file: Path | None) -> Problem:
    """Return the problem for an error of the database or a disk; raise any other error again."""
    sys.stderr.write(f"{driver_error(error)}\n")
    if is_disk_full(error, file) or is_read_only(error):
        return explained(error, file)
    if not isinstance(error, OperationalError):
        raise error
    detail = "Another change is under way, or the database does not answer; nothing was changed."
    return Problem("database-unavailable", detail, headers={"retry-after": "5"})


def _problem_output(problem: Problem) -> Json:
    errors = [fault.as_json() for fault in problem.errors]
    return {"kind": problem.kind, "detail": problem.detail, "errors": errors, "headers": problem.headers}


if __name__ == "__main__":
    main()
