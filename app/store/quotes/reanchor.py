"""Re-anchoring quotes after the text of their source was replaced. Each quote's row then has one of these statuses:

ok     the quote is where it was when its record was entered
moved  the quote, or one passage that is nearly the same, is at another place, which the row's offsets name
gone   the quote is nowhere, or in several places that cannot be distinguished; the offsets are those of its last place
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import Connection, Select, and_, bindparam, func, select, update

from app.database import prepared
from app.database.engine import table_of
from app.records.base_models import Provenance, Record
from app.records.base_schemas import as_entered
from app.records.resource import Row
from app.records.sources.models import Source
from app.store.documents import Document
from app.store.quotes.anchor import NotQuoted, Span, locate
from app.store.quotes.relocation import relocate
from app.store.rows import among, among_types, batches, ids_by_type
from app.store.versions import Key

_PROVENANCE = table_of(Provenance)
_KEY = ("record_type", "record_id", "position")
_ANCHOR = ("start_offset", "end_offset", "prefix", "suffix", "checked_at", "status")
_UPDATE_ANCHOR = (
    update(_PROVENANCE)
    .where(*(_PROVENANCE.c[name] == bindparam(f"key_{name}") for name in _KEY))
    .values({name: bindparam(name) for name in _ANCHOR})
)


def digest_of(entered: bytes, cited: Iterable[Row]) -> str:
    """The SHA-256 of a record as entered and of where its quotes are, so that a moved quote is a change too."""
    spans = [(row["start_offset"], row["prefix"], row["suffix"]) for row in cited]
    return sha256(entered + repr(spans).encode()).hexdigest()


@dataclass(slots=True)
class QuotingRecord:
    """A stored record with provenance: its JSON as last entered, its digest, and its provenance rows as they are now.

    The JSON and the digest are empty where its documents were lost and rebuilt, which loses what was entered.
    """

    entered: bytes = b""
    digest: str = ""
    cited: list[Row] = field(default_factory=list)


def load_quoting_records(connection: Connection, keys: Iterable[Key]) -> dict[Key, QuotingRecord]:
    """Read the stored forms of those records that have provenance."""
    found: dict[Key, QuotingRecord] = {}
    for some in batches(keys):
        of = (_PROVENANCE.c.record_type, _PROVENANCE.c.record_id)
        rows = select(_PROVENANCE).where(among(*of, some)).order_by(*of, _PROVENANCE.c.position)
        for row in connection.execute(rows).mappings():
            found.setdefault((row["record_type"], row["record_id"]), QuotingRecord()).cited.append(dict(row))
        for key, (entered, digest) in _last_entries(connection, some).items():
            found[key].entered, found[key].digest = entered, digest
    return found


def _last_entries(connection: Connection, keys: Sequence[Key]) -> dict[Key, tuple[bytes, str]]:
    of = (Document.type, Document.id)
    newest = select(*of, func.max(Document.version).label("version")).where(
        among(*of, keys), Document.entered.is_not(None)
    )
    last = newest.group_by(*of).subquery()
    query = select(*of, Document.entered, Record.digest).where(
        Document.type == last.c.type,
        Document.id == last.c.id,
        Document.version == last.c.version,
        and_(Record.type == Document.type, Record.id == Document.id),
    )
    return {(row[0], row[1]): (row[2] or b"", row[3]) for row in connection.execute(query)}


@cache
def _lost(types: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    """The records with moved or gone quotes."""
    of = (Provenance.record_type, Provenance.record_id)
    return select(*of).where(among_types(*of, types), Provenance.status.in_(("moved", "gone"))).distinct()


def reentered_with_moved_quotes(
    connection: Connection, entered: Mapping[Key, Any], sources: Collection[str]
) -> dict[Key, QuotingRecord]:
    """The stored forms of those `entered` records that are the same as before and have moved or gone quotes.

    Such a record stays as it is, although its quotes may not be found where it says. `sources` are the ids of the
    sources that the same change enters: a record that cites one of these is left out, since its quotes must be in the
    new text.
    """
    lost: list[Key] = []
    for some in batches(entered):
        ids = ids_by_type(some)
        lost += [(type, id) for type, id in prepared.rows(connection, _lost(tuple(ids)), ids)]
    return {
        key: stored
        for key, stored in load_quoting_records(connection, lost).items()
        if stored.entered == as_entered(entered[key]) and not any(row["source_id"] in sources for row in stored.cited)
    }


def replaced_texts(connection: Connection, texts: Mapping[str, str | None]) -> dict[str, str]:
    """The texts that differ from the stored ones, by source; an empty text for a source that has none any more.

    Sources that had no stored text before are left out.
    """
    changed: dict[str, str] = {}
    for some in batches(texts):
        for id, digest in connection.execute(select(Source.id, Source.sha256).where(Source.id.in_(some))):
            text = texts[id]
            if digest and digest != (None if text is None else sha256(text.encode()).hexdigest()):
                changed[id] = text or ""
    return changed


def reanchor_quotes(connection: Connection, texts: Mapping[str, str], but: Collection[Key]) -> None:
    """Find all quotes of replaced texts again and update their rows.

    `texts` are the new texts by source. The records of `but` are left out, since the same change writes them.
    """
    if not texts:
        return
    keys: set[Key] = set()
    for some in batches(texts):
        query = select(Provenance.record_type, Provenance.record_id).where(
            Provenance.source_id.in_(some), Provenance.quote.is_not(None)
        )
        keys.update((type, id) for type, id in connection.execute(query.distinct()))
    at = datetime.now(UTC)
    for some_keys in batches(sorted(keys.difference(but))):
        rows = [
            row
            for record in load_quoting_records(connection, some_keys).values()
            for row in _reanchored_rows(record, texts, at)
        ]
        connection.execute(
            _UPDATE_ANCHOR, [{f"key_{n}": row[n] for n in _KEY} | {n: row[n] for n in _ANCHOR} for row in rows]
        )


def _reanchored_rows(record: QuotingRecord, texts: Mapping[str, str], at: datetime) -> list[Row]:
    """The record's rows that quote replaced texts, with their new places and statuses."""
    return _rows_as_entered(record, texts, at) or [
        _relocated_row(row, texts[row["source_id"]], at) for row in _quotes_of_texts(record, texts)
    ]


def _quotes_of_texts(record: QuotingRecord, texts: Mapping[str, str]) -> Iterator[Row]:
    yield from (row for row in record.cited if row["quote"] is not None and row["source_id"] in texts)


def _rows_as_entered(record: QuotingRecord, texts: Mapping[str, str], at: datetime) -> list[Row]:
    """The rows as they were when the record was entered, if the new texts have all quotes at those places again.

    The digest then equals the stored one, so the record is as if the texts had never been replaced.
    """
    entered = orjson.loads(record.entered or b'{"provenance": []}')["provenance"]
    fresh: dict[int, Row] = {}
    if not entered:
        return []
    try:
        for row in _quotes_of_texts(record, texts):
            span = locate(row["quote"], texts[row["source_id"]], entered[row["position"]]["start"])
            fresh[row["position"]] = row | _columns(span) | {"checked_at": at, "status": "ok"}
    except NotQuoted:
        return []
    cited = [fresh.get(row["position"], row) for row in record.cited]
    return list(fresh.values()) if digest_of(record.entered, cited) == record.digest else []


def _columns(span: Span) -> Row:
    return {"start_offset": span.start, "end_offset": span.end, "prefix": span.prefix, "suffix": span.suffix}


def _relocated_row(row: Row, text: str, at: datetime) -> Row:
    last = Span(row["start_offset"], row["end_offset"], row["prefix"], row["suffix"])
    span = relocate(row["quote"], text, last)
    if span is None:
        return row | {"status": "gone"}
    stays = row["status"] == "ok" and span.start == last.start and text.startswith(row["quote"], span.start)
    return row | _columns(span) | {"checked_at": at, "status": "ok" if stays else "moved"}
