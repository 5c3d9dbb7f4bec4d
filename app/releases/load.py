"""Loads a directory of YAML files: all records are checked first, and then either all of them are written or none."""

import os
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import Connection, Engine, and_, select, update
from sqlalchemy.orm import aliased

from app.common.problems import Fault, Location
from app.common.suggestions import nearest
from app.database.engine import reading
from app.records.vocabularies import RecordType
from app.releases.yaml_source import Item, fault_in_file, read
from app.store.documents import Document, Revision, State
from app.store.equivalence import with_stored_digests
from app.store.revision import Summary, changing, write
from app.store.submission import Submission
from app.store.validation import check
from app.store.versions import Key

TYPES: tuple[RecordType, ...] = get_args(RecordType)


class InvalidContent(Exception):
    """The content is invalid and nothing was written; `faults` are all of its faults."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


def files_of(path: Path) -> list[Path]:
    """Return the files of a load, sorted: one file, or `TYPE.yaml` and `TYPE.PART.yaml` (or `.yml`) of a directory."""
    if not path.is_dir():
        return [path]
    return sorted(file for ending in ("*.yaml", "*.yml") for file in path.glob(ending) if file.is_file())


def type_of(file: Path) -> RecordType | Fault:
    """Return the record type that a file's name begins with, or a fault."""
    stem = file.name.split(".")[0]
    for type in TYPES:
        if type == stem:
            return type
    near = tuple(nearest(stem, TYPES))
    detail = f"the file's name begins with no record type: {stem!r}"
    return replace(fault_in_file(file, 1, detail), nearest=near)


def located_in(item: Item, fault: Fault) -> Fault:
    """Return a record's fault with the line of its value in the record's YAML file."""
    data = item.data if isinstance(item.data, dict) else {}
    record = str(data.get("id", f"record {item.number}"))
    return replace(fault, location=Location(item.number, str(item.file), item.line(fault.pointer), record))


def place_of(fault: Fault) -> tuple[str, int, str]:
    """Return the file, the line and the pointer of a fault, by which faults are sorted."""
    return fault.location.file, fault.location.line or 0, fault.pointer


def with_text(item: Item) -> Any | Fault:
    """Return the data of an item with the content of its `text_file`, a file beside the YAML, as `text`.

    Return a fault if the file cannot be read, is not UTF-8 or lies elsewhere.
    """
    data = item.data
    if not isinstance(data, dict) or "text_file" not in data:
        return data
    name = str(data["text_file"])
    file = item.file.parent / name
    try:
        if "text" in data:
            raise OSError(0, "give text or text_file, not both")
        if Path(name).name != name:
            raise OSError(0, "it must be a plain name of a file beside this one")
        text = file.read_bytes().decode("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        where = Location(item.number, str(item.file), item.line("/text_file"), str(data.get("id")))
        return Fault(f"{name}: {why}", "/text_file", location=where)
    return {key: value for key, value in data.items() if key != "text_file"} | {"text": text}


@dataclass(slots=True)
class _Batch:
    items: list[Item]
    submissions: list[Submission]
    faults: list[Fault]

    def add(self, type: RecordType, item: Item) -> None:
        data = with_text(item)
        if isinstance(data, Fault):
            self.faults.append(data)
            return
        self.submissions.append(Submission(len(self.items), type, data))
        self.items.append(item)

    def locate(self, fault: Fault) -> Fault:
        return located_in(self.items[fault.number], fault)


def _read_batch(files: Iterable[Path]) -> _Batch:
    batch = _Batch([], [], [])
    for file in files:
        type = type_of(file)
        if isinstance(type, Fault):
            batch.faults.append(type)
            continue
        items, faults = read(file)
        batch.faults += faults
        for item in items:
            batch.add(type, item)
    return batch


def digest_of(path: Path) -> str:
    """Return a SHA-256 digest of a file, or of the names and contents of all files below a directory."""
    digest = sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        digest.update(os.fsencode(file.relative_to(path)) + b"\0" + _digest_of_file(file))
    return digest.hexdigest()


def _digest_of_file(file: Path) -> bytes:
    try:
        return sha256(file.read_bytes()).digest()
    except OSError:
        return b"unreadable"  # the fault is reported when the file is read for its records


def loaded_digest(engine: Engine) -> str | None:
    """Return the digest of the files that were loaded last, or None."""
    with reading(engine) as connection:
        return connection.scalars(select(State.loaded)).one_or_none()


def _missing(connection: Connection, reason: str, there: Set[Key]) -> list[Key]:
    """The current records that loads with a reason have entered, without those that are there now."""
    current = aliased(Document)
    query = (
        select(Document.type, Document.id)
        .join(Revision, Revision.revision == Document.revision)
        .join(current, and_(current.type == Document.type, current.id == Document.id))
        .where(Revision.reason == reason, Document.entered.is_not(None), current.until_revision.is_(None))
        .distinct()
    )
    return sorted({(type, id) for type, id in connection.execute(query)} - there)


def load(
    engine: Engine,
    path: Path,
    *,
    actor: str = "command line",
    started: Callable[[int], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
    missing: Callable[[Sequence[Key]], None] = lambda _: None,
) -> Summary:
    """Load a directory or one file; raise `InvalidContent` with every fault, and then nothing was changed.

    `started` is called with the number of records, and `progress` with the number written since its last call.
    `missing` is called with the records that an earlier load of files of this name entered and that the files no
    longer hold; they stay as they are.
    """
    files = files_of(path)
    if not files:
        raise InvalidContent([fault_in_file(path, 1, "there is no TYPE.yaml in this directory")])
    digest, reason = digest_of(path), f"load of {path.name}"
    batch = _read_batch(files)
    started(len(batch.submissions))
    with changing(engine) as connection:
        entries, faults = check(connection, batch.submissions)
        found = [*batch.faults, *map(batch.locate, faults)]
        if found:
            raise InvalidContent(sorted(found, key=lambda fault: place_of(fault)[:2]))
        missing(_missing(connection, reason, {entry.key for entry in entries}))
        entries = [*with_stored_digests(connection, entries)]
        summary = write(connection, entries, actor=actor, reason=reason, progress=progress)
        connection.execute(update(State).values(loaded=digest))
    return summary
