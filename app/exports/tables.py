"""Records as CSV and NDJSON."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

import orjson

from app.exports.cells import SEPARATOR, JsonText, Scalar, columns, shown_by_id, text_of, values_of
from app.query.projection import Tree, project
from app.records.resource import Resource

SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
"""Characters that begin a formula in a spreadsheet (OWASP, CSV injection), with their full-width and small forms."""
INVISIBLE = r"\s\"\x00-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""Characters that may precede such a sign unseen: blanks, control and format characters, and quotes."""
SPLITTING = ";\t\r\n"
"""Characters at which a spreadsheet that does not separate cells by commas begins a new cell, even inside quotes."""

_FORMULA = re.compile(f"[{INVISIBLE}]*[{SIGNS}]")
_SPLIT = re.compile(f"([{SPLITTING}][{INVISIBLE}]*)([{SIGNS}]?)")
"""It matches a whole run of invisible characters whatever follows, so that none is scanned twice (linear time)."""


def defused(text: str) -> str:
    """Return a text with a `'` before each sign that would begin a formula in a spreadsheet."""
    if any(mark in text for mark in SPLITTING):
        text = _SPLIT.sub(lambda found: f"{found[1]}'{found[2]}" if found[2] else found[1], text)
    formula = _FORMULA.match(text)
    if formula:
        return f"{text[: formula.end() - 1]}'{text[formula.end() - 1 :]}"
    return f"'{text}" if text.startswith(("\t", "\r")) else text


def _defused_json(text: str) -> str:
    """Return JSON in which such a sign, which can only stand within a string, is written as `\\u003d`."""
    return _SPLIT.sub(lambda found: f"{found[1]}\\u{ord(found[2]):04x}" if found[2] else found[1], text)


def _text(value: Scalar, *, raw: bool) -> str:
    """Return the text of a value in a cell. Numbers are never marked as text, so that -1 stays a number."""
    text = text_of(value)
    if raw or not isinstance(value, str):
        return text
    return _defused_json(text) if isinstance(value, JsonText) else defused(text)


def _cell(values: Iterable[Scalar], *, raw: bool) -> str:
    return SEPARATOR.join(_text(value, raw=raw) for value in values)


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def csv_head(resource: Resource, fields: Tree | None) -> bytes:
    """Return the line of column names."""
    return _line(columns(resource, fields)).encode()


def csv_lines(
    resource: Resource,
    fields: Tree | None,
    documents: Iterable[bytes],
    *,
    raw: bool = False,
    include: Sequence[str] = (),
) -> bytes:
    """Return documents as lines of CSV (RFC 4180) in UTF-8, with the cells of `cells`.

    With `raw`, text that would begin a formula is left as it is, for programs that have no formulas.
    """
    paths, by_id = columns(resource, fields), shown_by_id(resource, include)
    parsed = map(orjson.loads, documents)
    rows = ((_cell(values_of(document, path, by_id), raw=raw) for path in paths) for document in parsed)
    return "".join(map(_line, rows)).encode()


def json_lines(fields: Tree | None, documents: Iterable[bytes]) -> bytes:
    """Return documents, or the selected fields of each, as NDJSON."""
    if fields is None:
        return b"".join(document + b"\n" for document in documents)
    return b"".join(orjson.dumps(project(orjson.loads(document), fields)) + b"\n" for document in documents)
