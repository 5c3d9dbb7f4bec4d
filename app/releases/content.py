"""The content of a release: the records to enter and to delete, from sources that can locate a fault.

NDJSON   each line is {"type": "studies", "record": {...}}  or  {"type": "studies", "id": "x", "deleted": true}
YAML     a directory as `evidence load` takes it, in which `{id: x, deleted: true}` deletes a record
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Protocol

from app.common.problems import Fault, Location
from app.common.strict_json import parse
from app.common.suggestions import nearest
from app.records.fields import SLUG
from app.records.vocabularies import RecordType
from app.releases.load import TYPES, files_of, located_in, type_of, with_text
from app.releases.yaml_source import Item, fault_in_file, read
from app.store.submission import Submission

LONGEST_LINE = 25_000_000


@dataclass(frozen=True, slots=True)
class Deletion:
    """A record that the release deletes; `number` is its place in the content, like that of a draft."""

    number: int
    type: RecordType
    id: str


Change = Submission | Deletion


class Content(Protocol):
    """A source of changes."""

    faults: list[Fault]
    """What could not be read, complete after `changes` was exhausted."""

    def changes(self) -> Iterator[Change]:
        """Yield all changes; they can be iterated only once."""

    def locate(self, faults: Sequence[Fault]) -> list[Fault]:
        """Find the file, the line and the record of some faults, after `changes` was exhausted."""


class Drafts:
    """Changes that do not come from files, such as those of a revert."""

    def __init__(self, name: str, changes: Iterable[Change]) -> None:
        self.faults: list[Fault] = []
        self._name, self._changes = Path(name), changes
        self._records: dict[int, str] = {}

    def changes(self) -> Iterator[Change]:
        for change in self._changes:
            self._records[change.number] = f"{change.type}/{_id_of(change)}"
            yield change

    def locate(self, faults: Sequence[Fault]) -> list[Fault]:
        return [self._locate(fault) for fault in faults]

    def _locate(self, fault: Fault) -> Fault:
        record = self._records[fault.number]
        return replace(fault, location=Location(fault.number, str(self._name), fault.number, record))


class UnreadableLine(Exception):
    """A line that is not a change; `fault` says what is wrong at which JSON pointer."""

    def __init__(self, pointer: str, detail: str, near: Iterable[str] = ()) -> None:
        super().__init__(detail)
        self.fault = Fault(detail, pointer, nearest=tuple(near))


def _change(number: int, line: bytes) -> Change:
    try:
        content = parse(line)
    except ValueError as error:
        raise UnreadableLine("", f"this is no JSON that can be read: {error}") from None
    if not isinstance(content, dict):
        raise UnreadableLine("", "a line is one object")
    type = _type(content.get("type"))
    if content.keys() == {"type", "record"}:
        return Submission(number, type, content["record"])
    if content.keys() == {"type", "id", "deleted"} and _is_deletion(content):
        return Deletion(number, type, content["id"])
    raise UnreadableLine("", 'a line has type and record, or type, id and "deleted": true, and nothing else')


def _is_deletion(content: dict[str, Any]) -> bool:
    id = content["id"]
    return content["deleted"] is True and isinstance(id, str) and re.fullmatch(SLUG, id) is not None


def _type(content: Any) -> RecordType:
    for type in TYPES:
        if type == content:
            return type
    raise UnreadableLine("/type", f"{content!r:.80} is no record type", nearest(str(content), TYPES))


class Lines:
    """Changes from a seekable NDJSON file; the number of a record is its line."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.faults: list[Fault] = []
        self._name, self._file = Path(name), file

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        self._file.seek(0)
        number = 0
        while line := self._file.readline(LONGEST_LINE):
            number += 1
            if line.strip():
                yield number, line

    def changes(self) -> Iterator[Change]:
        for number, line in self._lines():
            try:
                yield _change(number, line)
            except UnreadableLine as error:
                self.faults += self._locate_here([error.fault.at(number)], "")

    def locate(self, faults: Sequence[Fault]) -> list[Fault]:
        # The lines with faults are read again, because only they hold the ids of their records.
        wanted = {fault.number for fault in faults}
        ids = {number: _id_of(_change(number, line)) for number, line in self._lines() if number in wanted}
        return [
            found
            for fault in faults
            for found in self._locate_here([fault], ids[fault.number], "/record" if fault.pointer != "/id" else "")
        ]

    def _locate_here(self, faults: Iterable[Fault], record: str, under: str = "") -> list[Fault]:
        return [
            replace(
                fault,
                pointer=under + fault.pointer,
                location=Location(fault.number, str(self._name), fault.number, record),
            )
            for fault in faults
        ]


def _id_of(change: Change) -> str:
    if isinstance(change, Deletion):
        return change.id
    return str(change.data.get("id", "")) if isinstance(change.data, dict) else ""


class Directory:
    """Changes from YAML files, of which one at a time is in memory; the number of a record counts through all files."""

    def __init__(self, path: Path) -> None:
        self.faults: list[Fault] = []
        self._files = files_of(path)
        self._path, self._starts = path, [0]

    def changes(self) -> Iterator[Change]:
        if not self._files:
            self.faults.append(fault_in_file(self._path, 1, "there is no TYPE.yaml in it"))
        for file in self._files:
            items = self._read(file)
            for place, item in enumerate(items):
                change = self._change(self._starts[-1] + place, item)
                if change:
                    yield change
            self._starts.append(self._starts[-1] + len(items))

    def _read(self, file: Path) -> list[Item]:
        items, faults = read(file)
        self.faults += faults
        return items

    def _change(self, number: int, item: Item) -> Change | None:
        type = type_of(item.file)
        data = with_text(item) if not isinstance(type, Fault) else type
        if isinstance(type, Fault) or isinstance(data, Fault):
            fault = data
        elif not isinstance(data, dict) or "deleted" not in data:
            return Submission(number, type, data)
        elif data.keys() == {"id", "deleted"} and _is_deletion(data):
            return Deletion(number, type, data["id"])
        else:
            detail = "what is deleted has its id and `deleted: true`, and nothing else"
            where = Location(number, str(item.file), item.line("/deleted"), str(data.get("id")))
            fault = Fault(detail, "/deleted", location=where)
        if fault not in self.faults:
            self.faults.append(fault)
        return None

    def locate(self, faults: Sequence[Fault]) -> list[Fault]:
        # Files with faults are read again, because the lines of values are not kept for all records.
        by_file: dict[int, list[Fault]] = defaultdict(list)
        for fault in faults:
            by_file[bisect_right(self._starts, fault.number) - 1].append(fault)
        return [found for place, some in by_file.items() for found in self._locate_in(place, some)]

    def _locate_in(self, place: int, faults: Iterable[Fault]) -> Iterator[Fault]:
        items, _ = read(self._files[place])
        return (located_in(items[fault.number - self._starts[place]], fault) for fault in faults)
