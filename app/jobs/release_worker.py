"""A release over HTTP, made in a process of its own: beside its work, whoever reads from the service would wait.

`python -m app.jobs.release_worker JOB`: the content is standard input, the answer one line of JSON on standard output.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InternalError, OperationalError

from app.auth.audit import Who
from app.common.problems import Problem
from app.database.engine import existing, open_engine, sqlite_file
from app.database.errors import driver_error, explained, is_disk_full, is_read_only
from app.editing.idempotency import Asked, Given, given, once, replayed
from app.releases.archive_reader import content_of
from app.releases.load import Faulty, Located
from app.releases.revert import prepared, undo
from app.releases.service import Order, enter, preview
from app.releases.staging import Staged, staged
from app.settings import Settings
from app.store.revision import changing

Json = dict[str, Any]
Work = Callable[[Connection, Staged, Order], Json]

MOST_TOLD = 1000

NICENESS = 10
"""Where cores are few, whoever reads comes first."""


@dataclass(frozen=True, slots=True)
class Job:
    order: Order
    preview: bool
    asked: Asked | None

    def dumped(self) -> str:
        return orjson.dumps(asdict(self) | {"asked": [*self.asked] if self.asked else None}).decode()

    @classmethod
    def of(cls, dumped: str) -> "Job":
        said = orjson.loads(dumped)
        order = Order(**(said["order"] | {"who": Who(**said["order"]["who"])}))
        return cls(order, said["preview"], Asked(*said["asked"]) if said["asked"] else None)


def _entry(fault: Located) -> Json:
    where = {"file": fault.file.name, "line": fault.line, "record": _whole(fault.record)}
    near = [_whole(value) for value in fault.nearest]
    return {"pointer": _whole(fault.pointer), "detail": _whole(fault.detail), "nearest": near, **where}


def _whole(text: str) -> str:
    """What was sent may hold halves of surrogate pairs, which no answer can."""
    return text.encode("utf-8", "backslashreplace").decode()


def invalid(faults: list[Located]) -> Problem:
    shown = " ".join(f"{fault.file.name}:{fault.line}: {fault.detail}." for fault in faults[:3])
    return Problem("invalid-record", _whole(shown), errors=map(_entry, faults[:MOST_TOLD]))


def _answer(report: Json) -> Given:
    path = f"/v1/releases/{report['name']}"
    made = report["revision"] is not None
    return Given(201 if made else 200, {"location": path} if made else {}, orjson.dumps(report))


def _change(engine: Engine, read: Staged, job: Job, work: Work) -> Given:
    """A release and what was answered to its request, both or neither."""
    with changing(engine) as connection:
        return once(connection, job.asked, lambda: _answer(work(connection, read, job.order)))


def _replayed(engine: Engine, job: Job) -> Given | None:
    """Asked again, it is answered as before, whatever would be refused by now."""
    with engine.connect().execution_options(reads=True) as connection:
        before = given(connection, job.asked) if job.asked else None
    return replayed(before) if before else None


def run(engine: Engine, job: Job) -> Given:
    before = _replayed(engine, job)
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
    os.nice(NICENESS)
    job = Job.of(sys.argv[1])
    settings = Settings()
    url = settings.database_url.get_secret_value()
    engine = open_engine(existing(url), lock_timeout_ms=settings.lock_timeout_ms, durable=True)
    try:
        answer = run(engine, job)
        said: Json = answer._asdict() | {"body": orjson.Fragment(answer.body)}
    except Faulty as faulty:
        said = _said(invalid(faulty.faults))
    except Problem as problem:
        said = _said(problem)
    except (OperationalError, InternalError, sqlite3.OperationalError, OSError) as error:
        said = _said(_unavailable(error, sqlite_file(url)))
    finally:
        engine.dispose()
    sys.stdout.buffer.write(orjson.dumps(said))


def _unavailable(error: Exception, file: Path | None) -> Problem:
    """Why nothing can be written; raises the error again where it says nothing of the database or a disk."""
    sys.stderr.write(f"{driver_error(error)}\n")
    if is_disk_full(error, file) or is_read_only(error):
        return explained(error, file)
    if not isinstance(error, OperationalError):
        raise error
    detail = "Another change is under way, or the database does not answer; nothing was changed."
    return Problem("database-unavailable", detail, headers={"retry-after": "5"})


def _said(problem: Problem) -> Json:
    return {"kind": problem.kind, "detail": problem.detail, "errors": problem.errors, "headers": problem.headers}


if __name__ == "__main__":
    main()
