"""Records as CSV and NDJSON. The columns of CSV are the fields of the `Out` schema, or the paths of `fields=`."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from app.query.projection import Tree, project
from app.records.document_paths import at
from app.records.resource import Resource

Json = Any

SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
"""Characters that begin a formula in a spreadsheet (OWASP, CSV injection), with their full-width and small forms."""
INVISIBLE = r"\s\"\x00-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Characters that may precede such a sign unseen: blanks, control and format characters, and quotes."""
SPLITTING = ";\t\r\n"
"""Characters at which a spreadsheet that does not separate cells by commas begins a new cell, even inside quotes."""

_FORMULA = re.compile(f"[{INVISIBLE}]*[{SIGNS}]")
_SPLIT = re.compile(f"([{SPLITTING}][{INVISIBLE}]*)([{SIGNS}]?)")
"""It matches a whole run of invisible characters whatever follows, so that none is scanned twice (linear time)."""

SEPARATOR = "; "


def _paths(tree: Tree, above: str = "") -> Iterator[str]:
    for name, inner in tree.items():
        if inner is None:
            yield above + name
        else:
            yield from _paths(inner, f"{above}{name}.")


def columns(resource: Resource, fields: Tree | None) -> list[str]:
    """Return the columns of a record type's CSV as paths in the document."""
    return list(resource.out.model_fields) if fields is None else list(_paths(fields))


def defused(text: str) -> str:
    """Return a text with a `'` before each sign that would begin a formula in a spreadsheet."""
    if any(mark in text for mark in SPLITTING):
        text = _SPLIT.sub(lambda found: f"{found[1]}'{found[2]}" if found[2] else found[1], text)
    formula = _FORMULA.match(text)
    if formula:
        return f"{text[: formula.end() - 1]}'{text[formula.end() - 1 :]}"
    return f"'{text}" if text.startswith(("\t", "\r")) else text


def _text(value: Json, *, raw: bool) -> str:
    """Return the text of a value in a cell. Numbers are never marked as text, so that -1 stays a number."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        text = str(value["id"]) if value.get("id") else orjson.dumps(value).decode()
    else:
        text = str(value)
    return text if raw or isinstance(value, int | float) else defused(text)


def _cell(document: Json, path: str, *, raw: bool) -> str:
    return SEPARATOR.join(_text(value, raw=raw) for value in at(document, path) if value != {})


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def csv_head(resource: Resource, fields: Tree | None) -> bytes:
    """Return the line of column names."""
    return _line(columns(resource, fields)).encode()


def csv_lines(resource: Resource, fields: Tree | None, documents: Iterable[bytes], *, raw: bool = False) -> bytes:
    """Return documents as lines of CSV (RFC 4180) in UTF-8.

    Several values of a cell are joined, and an embedded record is shown by its id. With `raw`, text that would begin a
    formula is left as it is, for programs that have no formulas.
    """
    paths = columns(resource, fields)
    parsed = map(orjson.loads, documents)
    return "".join(_line(_cell(document, path, raw=raw) for path in paths) for document in parsed).encode()


def json_lines(fields: Tree | None, documents: Iterable[bytes]) -> bytes:
    """Return documents, or the selected fields of each, as NDJSON."""
    if fields is None:
        return b"".join(document + b"\n" for document in documents)
    return b"".join(orjson.dumps(project(orjson.loads(document), fields)) + b"\n" for document in documents)
