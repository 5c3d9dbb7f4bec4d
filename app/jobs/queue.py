"""Open imports, on disk: what was asked for, what was sent, what was fetched, and where each is.

    ROOT/place           who this folder is
    ROOT/turn, door      locks: one import at a time; one change to this folder at a time
    ROOT/ID/order.json   what was asked for
    ROOT/ID/upload       what was sent; or fetched/, what a service answered
    ROOT/ID/standing.json, report.json, answers.json, cancel

A database that is being written to takes no other writing (SQLite), so nothing here needs it: an import can be asked
for, followed and cancelled whatever the database does. Each file is replaced as a whole, so a reader sees one state.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from tempfile import mkdtemp
from typing import Any, NamedTuple

import orjson

from app.database.engine import sqlite_file
from app.jobs.locks import door
from app.jobs.schemas import Kept, Standing
from app.jobs.vocabulary import STOPPED
from app.settings import Settings

Json = dict[str, Any]

INCOMING = ".incoming-"
STALE = 24 * 3600
"""Seconds after which what somebody began to send and never ended is thrown away."""


def write(path: Path, content: bytes) -> None:
    """All of it or nothing, on the disk before it is there under its name."""
    beside = path.with_name(f".{path.name}.{token_hex(4)}")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


class OpenRun(NamedTuple):
    ordered: Kept
    standing: Standing
    settled: bool
    """The database says so too."""


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def _make(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def turn(self) -> Path:
        return self.root / "turn"

    def door(self) -> Any:
        self._make()
        return door(self.root / "door")

    def of(self, id: str) -> Path:
        return self.root / id

    def place(self) -> str:
        """The name that this folder goes by in the database."""
        self._make()
        path = self.root / "place"
        with suppress(FileNotFoundError):
            return path.read_text()
        with self.door():
            if not path.exists():
                write(path, token_hex(8).encode())
        return path.read_text()

    def incoming(self) -> Path:
        """A new folder for what is being sent."""
        self._make()
        return Path(mkdtemp(prefix=INCOMING, dir=self.root))

    def accept(self, incoming: Path, ordered: Kept, answer: Json | None) -> None:
        """From now on it is an import; asked within `door`."""
        write(incoming / "order.json", ordered.model_dump_json().encode())
        write(incoming / "answers.json", orjson.dumps([answer] if answer else []))
        self._put(incoming, Standing(), settled=False)
        incoming.rename(self.of(ordered.id))

    def _put(self, run: Path, standing: Standing, *, settled: bool) -> None:
        said = standing.model_dump(mode="json") | {"settled": settled}
        write(run / "standing.json", orjson.dumps(said))

    def put(self, id: str, standing: Standing, *, settled: bool = False) -> None:
        self._put(self.of(id), standing, settled=settled)

    def ids(self) -> list[str]:
        """The newest first."""
        with suppress(FileNotFoundError):
            return sorted((path.name for path in self.root.iterdir() if _is_run(path)), reverse=True)
        return []

    def find(self, id: str) -> OpenRun | None:
        run = self.of(id)
        try:
            ordered = Kept.model_validate_json((run / "order.json").read_bytes())
            said = orjson.loads((run / "standing.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        return OpenRun(ordered, Standing.model_validate(said), said["settled"])

    def runs(self) -> Iterator[OpenRun]:
        for id in self.ids():
            found = self.find(id)
            if found:
                yield found

    def report(self, id: str) -> Json | None:
        with suppress(FileNotFoundError):
            found: Json = orjson.loads((self.of(id) / "report.json").read_bytes())
            return found
        return None

    def put_report(self, id: str, report: Json) -> None:
        write(self.of(id) / "report.json", orjson.dumps(report))

    def answers(self, id: str) -> list[Json]:
        with suppress(FileNotFoundError):
            found: list[Json] = orjson.loads((self.of(id) / "answers.json").read_bytes())
            return found
        return []

    def add_answer(self, id: str, answer: Json) -> None:
        write(self.of(id) / "answers.json", orjson.dumps([*self.answers(id), answer]))

    def go_on(self, id: str, standing: Standing) -> None:
        """It waits for its turn again; asked within `door`."""
        (self.of(id) / "report.json").unlink(missing_ok=True)
        self.put(id, standing)

    def cancel(self, id: str) -> None:
        """Its worker ends when it sees this."""
        with suppress(FileNotFoundError):
            (self.of(id) / "cancel").touch()

    def is_cancelled(self, id: str) -> bool:
        return (self.of(id) / "cancel").exists()

    def remove(self, id: str) -> None:
        """Renamed first: a folder half removed is no import."""
        gone = self.root / f"{INCOMING}{id}"
        with suppress(FileNotFoundError):
            self.of(id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def sweep(self, most: int, seconds: float) -> None:
        """Removes what was never sent to its end, and of what stopped all but the newest few, for a bounded time."""
        for path in self.root.glob(f"{INCOMING}*"):
            if _age(path) > STALE:
                shutil.rmtree(path, ignore_errors=True)
        stopped = [run for run in self.runs() if run.standing.state in STOPPED and run.settled]
        for number, run in enumerate(stopped):
            ended = run.standing.ended_at or run.ordered.created_at
            if number >= most or (datetime.now(UTC) - ended).total_seconds() > seconds:
                self.remove(run.ordered.id)


def _is_run(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _age(path: Path) -> float:
    """Seconds since anything was written in it."""
    with suppress(FileNotFoundError):
        return time.time() - max(inner.stat().st_mtime for inner in (path, *path.iterdir()))
    return 0.0


def folder_of(settings: Settings) -> Folder:
    """Where it is said, else beside the SQLite file, else here."""
    if settings.imports_path:
        return Folder(Path(settings.imports_path).absolute())
    file = sqlite_file(settings.database_url.get_secret_value())
    return Folder(Path(f"{file}.imports" if file else "evidence.imports").absolute())


def new_id() -> str:
    """Sorts by time."""
    return f"{time.time_ns() // 1_000_000:011x}{token_hex(4)}"
