"""The writers of the representations: JSON, tables and citations."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson

from app.exports import citations
from app.exports.content import Batches, Content, Writer
from app.exports.tables import csv_head, csv_lines, json_lines


def write_json(content: Content) -> Iterator[bytes]:
    """Write a page with its members, or a record as it is."""
    yield content.page.body() if content.page else next(content.batches)[0]


def write_csv(content: Content) -> Iterator[bytes]:
    """Write a line of column names and a line for each record."""
    resource = content.of_type()
    yield csv_head(resource, content.fields)
    yield from (csv_lines(resource, content.fields, batch, raw=content.raw) for batch in content.batches)


def write_ndjson(content: Content) -> Iterator[bytes]:
    """Write each record as a line of JSON."""
    yield from (json_lines(content.fields, batch) for batch in content.batches)


def _distinct(batches: Batches) -> Iterator[list[Any]]:
    """Yield the publications of each batch that no earlier batch had; several studies may share a publication."""
    seen: set[str] = set()
    for batch in batches:
        cited = (publication for body in batch for publication in citations.publications_of(orjson.loads(body)))
        new = {publication["id"]: publication for publication in cited if publication["id"] not in seen}
        seen.update(new)
        yield list(new.values())


def _write_text(write: Callable[[list[Any]], str], content: Content) -> Iterator[bytes]:
    yield from (write(some).encode() for some in _distinct(content.batches))


write_ris: Writer = partial(_write_text, citations.ris)
write_bibtex: Writer = partial(_write_text, citations.bibtex)


def write_csl(content: Content) -> Iterator[bytes]:
    """Write publications as one array of CSL-JSON."""
    before = b"["
    for some in _distinct(content.batches):
        for line in citations.csl_lines(some):
            yield before + line
            before = b",\n"
    yield b"]\n" if before != b"[" else b"[]\n"
