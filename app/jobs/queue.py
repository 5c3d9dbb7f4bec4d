"""The queue of imports: a folder on disk with everything about each import that is not over.

    ROOT/place              a random name, by which the database tells this folder from those of other services
    ROOT/turn               a lock: the process that holds it runs imports or recovers those of ended processes
    ROOT/door               a lock: the process that holds it changes the folder
    ROOT/ID/order.json      the request (`StoredRequest`)
    ROOT/ID/upload          the uploaded file, or
    ROOT/ID/fetched/        the pages of the publisher's service
    ROOT/ID/standing.json   the status (`RunStatus`), and whether the database has it too
    ROOT/ID/report.json     the report, once there is one
    ROOT/ID/answers.json    answers to requests with an `Idempotency-Key` (`KeptAnswer`), until the database has them
    ROOT/ID/cancel          exists if the import was cancelled

SQLite admits one writer at a time, and a running import is one. Nothing here needs the database, so an import can be
requested, followed and cancelled whatever the database does. Each file is replaced whole, so a reader never sees half
of one.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import NamedTuple

import orjson
from pydantic import TypeAdapter

from app.common.strict_json import Json
from app.database.engine import sqlite_file
from app.jobs.locks import locked
from app.jobs.schemas import KeptAnswer, RunStatus, StoredRequest
from app.jobs.vocabulary import STOPPED
from app.settings import Settings

_ANSWERS = TypeAdapter(list[KeptAnswer])

INCOMING = ".incoming-"
STALE = 24 * 3600
"""Seconds after which an upload that was never completed is deleted."""


def write(path: Path, content: bytes) -> None:
    """Write a file atomically: its content is on the disk before it appears under its name."""
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


class OpenRun(NamedTuple):
    """An import in the queue folder."""

    request: StoredRequest
    status: RunStatus
    settled: bool
    """Whether the database has the status too."""


class QueueFolder:
    """The queue of one service, or of several that share a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def _make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def worker_lock(self) -> Path:
        """The file whose lock allows to run imports."""
        return self.root / "turn"

    def lock(self) -> AbstractContextManager[None]:
        """Return a context in which no other process changes the folder."""
        self._make()
        return locked(self.root / "door")

    def of(self, id: str) -> Path:
        """Return the folder of one import."""
        return self.root / id

    def place(self) -> str:
        """Return the name of this folder in the database; make one on the first call."""
        self._make()
        path = self.root / "place"
        with suppress(FileNotFoundError):
            return path.read_text()
        with self.lock():
            if not path.exists():
                write(path, token_hex(8).encode())
        return path.read_text()

    def incoming(self) -> Path:
        """Make a folder for an upload that has not been accepted yet."""
        self._make()
        return Path(mkdtemp(prefix=INCOMING, dir=self.root))

    def accept(self, incoming: Path, request: StoredRequest, answer: KeptAnswer | None) -> None:
        """Add an import to the queue, and keep `answer` for a repeated request. Call it within `lock`."""
        write(incoming / "order.json", request.model_dump_json().encode())
        write(incoming / "answers.json", _ANSWERS.dump_json([answer] if answer else []))
        self._put(incoming, RunStatus(), settled=False)
        incoming.rename(self.of(request.id))

    def _put(self, run: Path, status: RunStatus, *, settled: bool) -> None:
        content = status.model_dump(mode="json") | {"settled": settled}
        write(run / "standing.json", orjson.dumps(content))

    def put(self, id: str, status: RunStatus, *, settled: bool = False) -> None:
        """Replace the status of an import; `settled` says whether the database has it too."""
        self._put(self.of(id), status, settled=settled)

    def ids(self) -> list[str]:
        """Return the ids of all imports here, the newest first."""
        with suppress(FileNotFoundError):
            folders = (path.name for path in self.root.iterdir() if path.is_dir())
            return sorted((name for name in folders if not name.startswith(".")), reverse=True)
        return []

    def find(self, id: str) -> OpenRun | None:
        """Return an import, or None if it is not here."""
        run = self.of(id)
        try:
            request = StoredRequest.model_validate_json((run / "order.json").read_bytes())
            content = orjson.loads((run / "standing.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return OpenRun(request, RunStatus.model_validate(content), content["settled"])

    def runs(self) -> Iterator[OpenRun]:
        """Yield all imports here, the newest first."""
        for id in self.ids():
            found = self.find(id)
            if found:
                yield found

    def report(self, id: str) -> Json | None:
        """Return the report of an import, or None if there is none yet."""
        with suppress(FileNotFoundError):
            found: Json = orjson.loads((self.of(id) / "report.json").read_bytes())
            return found
        return None

    def put_report(self, id: str, report: Json) -> None:
        """Replace the report of an import."""
        write(self.of(id) / "report.json", orjson.dumps(report))

    def answers(self, id: str) -> list[KeptAnswer]:
        """Return the answers that are kept for requests with an `Idempotency-Key`."""
        with suppress(FileNotFoundError):
            return _ANSWERS.validate_json((self.of(id) / "answers.json").read_bytes())
        return []

    def add_answer(self, id: str, answer: KeptAnswer) -> None:
        """Keep another answer for a request with an `Idempotency-Key`. Call it within `lock`."""
        write(self.of(id) / "answers.json", _ANSWERS.dump_json([*self.answers(id), answer]))

    def requeue(self, id: str, status: RunStatus) -> None:
        """Let an import that had stopped wait for another attempt, without its old report. Call it within `lock`."""
        (self.of(id) / "report.json").unlink(missing_ok=True)
        self.put(id, status)

    def cancel(self, id: str) -> None:
        """Mark an import as cancelled; its worker, if it has one, sees that and ends."""
        with suppress(FileNotFoundError):
            (self.of(id) / "cancel").touch()

    def is_cancelled(self, id: str) -> bool:
        """Return whether an import was marked as cancelled."""
        return (self.of(id) / "cancel").exists()

    def remove(self, id: str) -> None:
        """Remove an import. It is renamed first, so that a folder which is half removed is not taken for an import."""
        gone = self.root / f"{INCOMING}{id}"
        with suppress(FileNotFoundError):
            self.of(id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def sweep(self, most: int, seconds: float) -> None:
        """Remove stale incomplete uploads, and of the imports that stopped those before the newest `most`.

        Imports that stopped more than `seconds` ago are removed in any case.
        """
        for path in self.root.glob(f"{INCOMING}*"):
            if _age(path) > STALE:
                shutil.rmtree(path, ignore_errors=True)
        stopped = [run for run in self.runs() if run.status.state in STOPPED and run.settled]
        for number, run in enumerate(stopped):
            ended = run.status.ended_at or run.request.created_at
            if number >= most or (datetime.now(UTC) - ended).total_seconds() > seconds:
                self.remove(run.request.id)


def _age(path: Path) -> float:
    """Return the seconds since a file was last written directly in a folder."""
    with suppress(FileNotFoundError):
        return time.time() - max(inner.stat().st_mtime for inner in (path, *path.iterdir()))
    return 0.0


def folder_of(settings: Settings) -> QueueFolder:
    """Return the queue of `EVIDENCE_IMPORTS_PATH`, or one beside the SQLite file, or one in the working directory."""
    if settings.imports_path:
        return QueueFolder(Path(settings.imports_path).absolute())
    file = sqlite_file(settings.database_url.get_secret_value())
    return QueueFolder(Path(f"{file}.imports" if file else "evidence.imports").absolute())


def new_id() -> str:
    """Return a new id of an import; ids sort by the millisecond in which they were made."""
    return f"{time.time_ns() // 1_000_000:011x}{token_hex(4)}"
