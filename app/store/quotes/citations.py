"""Citations: the provenance that a record is entered with, as rows that say where each quote is in its source."""

from collections.abc import Mapping
from datetime import UTC, datetime

from app.common.problems import Fault
from app.records.base_schemas import Cited, ProvenanceIn, RecordIn
from app.records.resource import Row
from app.store.quotes.anchor import NotQuoted, locate


def cited_by(record: RecordIn) -> list[ProvenanceIn]:
    """The provenance items of a record; a source has none."""
    return record.provenance if isinstance(record, Cited) else []


def _quote_columns(item: ProvenanceIn, text: str | None, at: datetime) -> Row:
    if item.quote is None:
        nowhere = dict.fromkeys(("quote", "start_offset", "end_offset", "prefix", "suffix", "checked_at"))
        return {**nowhere, "status": "unquoted"}
    if text is None:
        raise NotQuoted("the source has no stored text to quote from")
    span = locate(item.quote, text, item.start)
    where = {"start_offset": span.start, "end_offset": span.end, "prefix": span.prefix, "suffix": span.suffix}
    return {"quote": item.quote, **where, "checked_at": at, "status": "ok"}


def provenance_rows(record: RecordIn, texts: Mapping[str, str | None]) -> tuple[tuple[Row, ...], list[Fault]]:
    """Make a record's provenance rows, without the columns that name the record, and the faults of its quotes.

    `texts` holds the text of each quoted source by id, or nothing for a source without one. An item with a fault gets
    no row.
    """
    now = datetime.now(UTC)
    rows, wrong = [], list[Fault]()
    for position, item in enumerate(cited_by(record)):
        try:
            span = _quote_columns(item, texts.get(item.source), now)
        except NotQuoted as fault:
            near = (fault.near,) if fault.near else ()
            wrong.append(Fault(fault.detail, f"/provenance/{position}/quote", nearest=near))
        else:
            place = {"source_id": item.source, "section": item.section, "paths": item.paths or None}
            rows.append({"position": position, **place, **span})
    return tuple(rows), wrong
