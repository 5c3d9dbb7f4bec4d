"""New records made ready by whoever reads them: rows and document, which whoever writes them puts in as they are.

Only of what shows no record but sources that come with it: then nothing that is stored has a say in how it looks, and
it can be made ready beside whoever writes.
"""

from collections.abc import Iterator
from functools import cache

from app.records.base_schemas import RecordIn, references
from app.records.fields import RecordType
from app.records.registry import RESOURCES
from app.records.resource import Resource, Row, Rows
from app.records.sources.schemas import SourceIn
from app.store import bulk_insert as bulk
from app.store.derived import basis_of
from app.store.documents import packed
from app.store.entry import Entry, Ready, rows_of
from app.store.quotes.citations import provenance_rows
from app.store.rendering import body_of, etag_of
from app.store.rows import every_part, main_tables, part_tables


class Readying:
    """The records that come together, each after those that it refers to; their shapes and own rules are right."""

    def __init__(self) -> None:
        self._sources: dict[str, Row] = {}
        """As they are embedded in what cites them."""
        self._passing: set[str] = set()

    def ready(self, type: RecordType, record: RecordIn) -> Ready | None:
        """Nothing where it shows or quotes more than sources without text that came before it."""
        cited, wrong = provenance_rows(record, {})
        if wrong or not all(of == "sources" and id in self._sources for _, of, id in references(record)):
            return None
        if isinstance(record, SourceIn) and record.text is not None:
            return None
        entry = Entry.of(type, record, cited)
        rows = rows_of(entry)
        self._add(record, rows)
        body = self._body(type, rows)
        return Ready(
            id=record.id,
            kept=packed(entry.entered),
            digest=entry.digest,
            claims=tuple((row["key"], row["name"]) for row in rows["names"] if row["exclusive"]),
            sources=tuple(row["source_id"] for row in cited),
            may_be_alerted=any(row["source_id"] in self._passing for row in cited),
            blocks=dict(_blocks(type, rows)),
            etag=etag_of(body),
            body=body,
        )

    def _add(self, record: RecordIn, rows: Rows) -> None:
        if isinstance(record, SourceIn):
            self._sources[record.id] = RESOURCES["sources"].embed(rows)
            self._passing |= {record.id} if rows["sources"][0]["identifier"] else set()

    def _body(self, type: RecordType, rows: Rows) -> bytes:
        resource, shared = RESOURCES[type], rows["records"][0]
        if type != "sources":
            tiers = (self._sources[row["source_id"]]["tier"] for row in rows["provenance"])
            shared["evidence_basis"] = basis_of(tiers, is_flagged=shared["needs_primary_source"])
        return body_of(resource, shared, _nobody(resource) | rows, {"sources": self._sources})


@cache
def _nobody(resource: Resource) -> Rows:
    """No rows, of all tables that a document is made of."""
    return {part.table.name: [] for part in every_part(resource)}


def _blocks(type: RecordType, rows: Rows) -> Iterator[tuple[str, bulk.Block]]:
    resource = RESOURCES[type]
    for table in (*main_tables(resource), *part_tables(resource)):
        if rows[table.name]:
            yield table.name, bulk.block(table, rows[table.name])
