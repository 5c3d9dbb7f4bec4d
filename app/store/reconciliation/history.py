"""Contribution history: storing what each import contributed to a record, and deriving conflicts from it.

contributions + record as last entered --survivorship--> conflicts
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Select, and_, bindparam, delete, func, null, select, update

from app.database import prepared
from app.database.engine import table_of
from app.records.resource import Row
from app.records.vocabularies import RecordType
from app.store.bulk_insert import insert
from app.store.documents import Document
from app.store.import_models import Conflict, Imported
from app.store.reconciliation.contributions import Contribution, bare
from app.store.reconciliation.survivorship import CurrentRecord, Difference
from app.store.rows import among, among_types, batches, ids_by_type
from app.store.versions import Key, entered_before

IMPORTED, CONFLICTS = table_of(Imported), table_of(Conflict)

NEVER = 2**31 - 1
"""A number greater than that of any revision."""

LONGEST_VALUE = 2000
"""A conflict shows a value with more bytes of JSON, such as a registry's results, cut to so many characters."""


def last_entered(connection: Connection, keys: Iterable[Key]) -> dict[Key, bytes]:
    """The JSON that each record was last entered as."""
    return entered_before(connection, keys, NEVER)


class ContributionHistory(NamedTuple):
    """The contributions to a record that count, and whether there ever were any."""

    layers: tuple[Contribution, ...] = ()
    ever: bool = False


_RECORD_KEY = (Imported.record_type, Imported.record_id)
_PLAIN = tuple(column for column in IMPORTED.columns if column.name not in ("offered", "theirs"))
_WITH_CONTENT = select(*_PLAIN, IMPORTED.c.offered, IMPORTED.c.theirs, Document.entered).outerjoin(
    Document,
    and_(
        Imported.offered.is_(None),
        Imported.digest != "",
        Document.type == Imported.record_type,
        Document.id == Imported.record_id,
        Document.revision == Imported.revision,
    ),
)


_WITHOUT_CONTENT = select(
    *_PLAIN, null().label("offered"), null().label("theirs"), null().label("entered")
).select_from(IMPORTED)


class _Stored(NamedTuple):
    """A row of `imported`, and the record as entered in its revision where that is its content."""

    record_type: RecordType
    record_id: str
    source_id: str
    part: str
    revision: int
    format: str
    digest: str
    undone: bool
    offered: bytes | None
    theirs: list[str] | None
    entered: bytes | None


@cache
def _contributions(types: tuple[str, ...], whole: bool) -> Select[*tuple[Any, ...]]:
    query = _WITH_CONTENT if whole else _WITHOUT_CONTENT
    return query.where(among_types(*_RECORD_KEY, types)).order_by(Imported.revision)


def contributions_to(
    connection: Connection, keys: Iterable[Key], *, whole: bool = True
) -> dict[Key, ContributionHistory]:
    """Read the contributions to some records. Records that were never imported are left out.

    If not `whole`, the contributed values are left empty, which saves reading them.
    """
    found: dict[Key, list[_Stored]] = {}
    for some in batches(keys):
        ids = ids_by_type(some)
        for row in map(_Stored._make, prepared.rows(connection, _contributions(tuple(ids), whole), ids)):
            found.setdefault((row.record_type, row.record_id), []).append(row)
    return {key: ContributionHistory(_current_layers(rows), ever=True) for key, rows in found.items()}


def _current_layers(rows: Iterable[_Stored]) -> tuple[Contribution, ...]:
    """The newest contribution of each source that was not undone, from rows in the order of revisions.

    A source whose newest contribution is a withdrawal (an empty digest) is left out.
    """
    layers: dict[tuple[str, str], Contribution] = {}
    for row in rows:
        if not row.undone:
            layer = _layer(row)
            before = layers.get(layer.key)
            layers[layer.key] = layer._replace(since=before.since) if before and before.digest else layer
    return tuple(layer for layer in layers.values() if layer.digest)


def _layer(row: _Stored) -> Contribution:
    content = row.offered if row.offered is not None else row.entered
    offered = bare(row.record_type, orjson.loads(content)) if content is not None else {}
    theirs = frozenset(row.theirs or ())
    return Contribution(row.source_id, row.format, offered, theirs, row.part, row.digest, row.revision, row.revision)


def remembered(key: Key, layer: Contribution, *, as_entered: bool) -> Row:
    """The row of a contribution. `as_entered` says that the record was entered as exactly this contribution in its
    revision; then its values are not stored a second time.
    """
    return {
        "record_type": key[0],
        "record_id": key[1],
        "source_id": layer.source,
        "part": layer.part,
        "revision": layer.revision,
        "format": layer.format,
        "digest": layer.digest,
        "offered": None if as_entered else orjson.dumps(layer.values),
        "theirs": sorted(layer.curator_fields) or None,
        "undone": False,
    }


_CONTRIBUTION_KEY = ("record_type", "record_id", "source_id", "part", "revision")
_DELETE_CONTRIBUTION = delete(IMPORTED).where(
    *(IMPORTED.c[name] == bindparam(f"its_{name}") for name in _CONTRIBUTION_KEY)
)


def remember(connection: Connection, rows: Sequence[Row], again: Sequence[Row]) -> None:
    """Store rows of contributions. `again` are those of them that replace rows of the same revision."""
    if again:
        connection.execute(
            _DELETE_CONTRIBUTION, [{f"its_{name}": row[name] for name in _CONTRIBUTION_KEY} for row in again]
        )
    insert(connection, IMPORTED, rows)


def mark_undone(connection: Connection, revision: int, *, undone: bool) -> list[Key]:
    """Mark all contributions of a revision as undone, or as counting again; return the records concerned.

    This is done when a release is reverted, or its reversal is. Contributions that changed nothing are marked too,
    since otherwise they could take effect later.
    """
    connection.execute(update(IMPORTED).where(IMPORTED.c.revision == revision).values(undone=undone))
    concerned = select(Imported.record_type, Imported.record_id).where(Imported.revision == revision).distinct()
    return [(type, id) for type, id in connection.execute(concerned)]


def _shortened(value: Any) -> bytes:
    text = orjson.dumps(value)
    return text if len(text) <= LONGEST_VALUE else orjson.dumps(f"{text.decode()[:LONGEST_VALUE]} ...")


def _row(key: Key, found: Difference, revision: int) -> Row:
    values = {
        "current": _shortened(found.current),
        "proposed": _shortened(found.proposed),
        "current_source": found.current_source,
    }
    owner = {"record_type": key[0], "record_id": key[1], "field": found.field, "source_id": found.source}
    return {**owner, **values, "rule": found.rule, "revision": revision}


_CONFLICT_KEY = ("record_type", "record_id", "field", "source_id")


def _conflict_key(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _CONFLICT_KEY)


def conflict_content(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """A conflict's columns without the revision since which it exists, to compare two conflicts by."""
    return sorted((name, value) for name, value in row.items() if name != "revision")


def expected_conflicts(key: Key, entered: bytes, layers: tuple[Contribution, ...], revision: int) -> list[Row]:
    """The rows of the conflicts between a record as entered and the contributions to it."""
    standing = CurrentRecord(key[0], bare(key[0], orjson.loads(entered)), layers)
    return [_row(key, found, revision) for found in standing.differing()]


def stored_conflicts(connection: Connection, keys: Iterable[Key]) -> dict[Key, list[Row]]:
    """The stored conflicts of some records; records without any are left out."""
    found: dict[Key, list[Row]] = {}
    for some in batches(keys):
        query = select(CONFLICTS).where(among(Conflict.record_type, Conflict.record_id, some))
        for row in connection.execute(query.order_by(*CONFLICTS.primary_key)).mappings():
            found.setdefault((row["record_type"], row["record_id"]), []).append(dict(row))
    return found


def derive_conflicts(connection: Connection, entered: Mapping[Key, bytes], revision: int) -> set[Key]:
    """Replace the stored conflicts of some records, given as entered, by those that follow; return the records whose
    conflicts changed. Conflicts that stay keep the revision since which they exist.
    """
    layers = contributions_to(connection, entered)
    if not layers:
        return set()
    stored = stored_conflicts(connection, layers)
    gone: list[Row] = []
    new: list[Row] = []
    for key, known in layers.items():
        before = {_conflict_key(row): row for row in stored.get(key, ())}
        now = {_conflict_key(row): row for row in expected_conflicts(key, entered[key], known.layers, revision)}
        gone += _only_in(before, now)
        new += _only_in(now, before)
    _replace(connection, gone, new)
    return {(row["record_type"], row["record_id"]) for row in (*gone, *new)}


def _only_in(some: Mapping[Any, Row], others: Mapping[Any, Row]) -> list[Row]:
    """Those of some conflicts that are not among others with the same content."""
    return [
        row for key, row in some.items() if key not in others or conflict_content(row) != conflict_content(others[key])
    ]


_DELETE_CONFLICT = delete(CONFLICTS).where(*(CONFLICTS.c[name] == bindparam(f"its_{name}") for name in _CONFLICT_KEY))


def _replace(connection: Connection, gone: Sequence[Row], new: Sequence[Row]) -> None:
    if gone:
        connection.execute(_DELETE_CONFLICT, [{f"its_{name}": row[name] for name in _CONFLICT_KEY} for row in gone])
    if new:
        connection.execute(CONFLICTS.insert(), list(new))


def count_conflicts(connection: Connection, revision: int | None) -> tuple[int, int]:
    """The number of conflicts that a revision opened or changed, and the number of all conflicts."""
    query = select(func.count().filter(CONFLICTS.c.revision == revision), func.count()).select_from(CONFLICTS)
    opened, total = connection.execute(query).one()
    return opened, total
