"""The writers of the representations: JSON, tables and citations."""

from codecs import BOM_UTF8
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from app.exports import citations
from app.exports.citation_records import distinct_records
from app.exports.content import Content, Writer
from app.exports.tables import csv_head, csv_lines, json_lines


def write_json(content: Content) -> Iterator[bytes]:
    """Write a page with its members, or a record as it is."""
    yield content.page.body() if content.page else next(content.batches)[0]


def write_csv(content: Content) -> Iterator[bytes]:
    """Write a line of column names and a line for each record; with `bom`, the mark by which Excel knows UTF-8."""
    resource = content.of_type()
    yield (BOM_UTF8 if content.has_mark else b"") + csv_head(resource, content.fields)
    for batch in content.batches:
        yield csv_lines(resource, content.fields, batch, raw=content.raw, include=content.include)


def write_ndjson(content: Content) -> Iterator[bytes]:
    """Write each record as a line of JSON."""
    yield from (json_lines(content.fields, batch) for batch in content.batches)


def _write_text(write: Callable[[list[Any]], str], content: Content) -> Iterator[bytes]:
    yield from (write(some).encode() for some in distinct_records(content.batches))


write_ris: Writer = partial(_write_text, citations.ris)
write_bibtex: Writer = partial(_write_text, citations.bibtex)


def write_csl(content: Content) -> Iterator[bytes]:
    """Write citations as one array of CSL-JSON."""
    before = b"["
    for some in distinct_records(content.batches):
        for line in citations.csl_lines(some):
            yield before + line
            before = b",\n"
    yield b"]\n" if before != b"[" else b"[]\n"
