"""MeSH descriptors from tab-separated text, plain or gzipped: id, heading, entry terms by `|`, tree numbers by `|`."""

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, select

from app.db import reading, table_of
from app.resources import Row
from app.rows import batches
from app.search.mesh import MeshDescriptor, MeshTerm
from app.writing import changing, close_revision, open_revision

LONGEST_LINE = 1_000_000
_ID = re.compile(r"D[0-9]{6,9}")


class Descriptor(NamedTuple):
    id: str
    heading: str
    terms: tuple[str, ...]
    tree_numbers: tuple[str, ...]


class Unreadable(Exception):
    """Nothing was imported; says which line cannot be read and why."""


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with gzip.open(file, "rb") if packed else file.open("rb") as lines:
        number = 0
        while line := lines.readline(LONGEST_LINE):
            number += 1
            if len(line) == LONGEST_LINE:
                raise Unreadable(f"{file}:{number}: the line is longer than {LONGEST_LINE:,} bytes")
            yield number, line.decode("utf-8").rstrip("\r\n")


def _split(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split("|") if part.strip()))


def _descriptor(file: Path, number: int, line: str) -> Descriptor:
    fields = line.split("\t")
    if len(fields) != 4:
        raise Unreadable(f"{file}:{number}: there are {len(fields)} columns, not 4")
    id, heading, terms, trees = fields
    if not _ID.fullmatch(id) or not heading.strip() or "\0" in line:
        raise Unreadable(f"{file}:{number}: {id[:40]!r} {heading[:40]!r} is no descriptor with a heading")
    return Descriptor(id, heading.strip(), _split(terms), _split(trees))


def read(file: Path) -> dict[str, Descriptor]:
    """All descriptors of a file, by id; raises `Unreadable` where any cannot be read or stands there twice."""
    found: dict[str, Descriptor] = {}
    try:
        for number, line in _lines(file):
            descriptor = _descriptor(file, number, line)
            if descriptor.id in found:
                raise Unreadable(f"{file}:{number}: {descriptor.id} stands here twice")
            found[descriptor.id] = descriptor
    except UnicodeDecodeError as error:
        raise Unreadable(f"{file}: it is not UTF-8: {error.reason}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{file}: {error}") from None
    if not found:
        raise Unreadable(f"{file}: there is nothing in it")
    return found


def _stored(connection: Connection) -> dict[str, Descriptor]:
    terms: dict[str, list[str]] = {}
    ordered = select(MeshTerm.descriptor_id, MeshTerm.term).order_by(MeshTerm.descriptor_id, MeshTerm.position)
    for id, term in connection.execute(ordered):
        terms.setdefault(id, []).append(term)
    rows = connection.execute(select(MeshDescriptor.id, MeshDescriptor.heading, MeshDescriptor.tree_numbers))
    return {r.id: Descriptor(r.id, r.heading, tuple(terms.get(r.id, ())), tuple(r.tree_numbers)) for r in rows}


def _term_rows(descriptor: Descriptor) -> Iterator[Row]:
    for position, term in enumerate(descriptor.terms):
        yield {"descriptor_id": descriptor.id, "position": position, "term": term}


def _write(connection: Connection, changed: list[Descriptor], progress: Callable[[int], None]) -> None:
    for some in batches(changed):
        gone = [descriptor.id for descriptor in some]
        connection.execute(delete(MeshTerm).where(MeshTerm.descriptor_id.in_(gone)))
        connection.execute(delete(MeshDescriptor).where(MeshDescriptor.id.in_(gone)))
        rows = [{"id": d.id, "heading": d.heading, "tree_numbers": list(d.tree_numbers)} for d in some]
        connection.execute(table_of(MeshDescriptor).insert(), rows)
        terms = [row for descriptor in some for row in _term_rows(descriptor)]
        if terms:
            connection.execute(table_of(MeshTerm).insert(), terms)
        progress(len(some))


def import_mesh(
    engine: Engine,
    file: Path,
    *,
    actor: str,
    reason: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[int, int]:
    """Makes the stored descriptors as in the file, those it does not name left alone: `(changed, unchanged)`."""
    wanted = read(file)
    with changing(engine) as connection:
        stored = _stored(connection)
        changed = [descriptor for id, descriptor in wanted.items() if stored.get(id) != descriptor]
        if changed:
            revision = open_revision(connection, actor, reason or f"import of {file.name}")
            _write(connection, changed, progress)
            close_revision(connection, revision)
    return len(changed), len(wanted) - len(changed)


def preview_mesh(engine: Engine, file: Path) -> tuple[int, int]:
    """How many descriptors would change, and how many would not."""
    wanted = read(file)
    with reading(engine) as connection:
        stored = _stored(connection)
    changed = sum(stored.get(id) != descriptor for id, descriptor in wanted.items())
    return changed, len(wanted) - changed
