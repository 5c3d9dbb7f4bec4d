"""Records as rows of text: columns are the `Out` schema's fields, or the paths of `fields=`."""

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
"""How text begins that a spreadsheet would run (OWASP, CSV injection), also in their full-width and small forms."""
PASSED_OVER = r"\s\"\x00-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"
"""What may stand before such a sign without being seen: blanks, control and format characters, and quotes."""
SPLITTING = ";\t\r\n"
"""Where a spreadsheet that does not separate cells by commas begins a new one, whatever quotes stand around it."""

_FORMULA = re.compile(f"[{PASSED_OVER}]*[{SIGNS}]")
_SPLIT = re.compile(f"([{SPLITTING}][{PASSED_OVER}]*)([{SIGNS}]?)")
"""Takes a whole run of blanks at once, whatever follows, so that none is looked at twice."""

SEPARATOR = "; "


def _paths(tree: Tree, above: str = "") -> Iterator[str]:
    for name, inner in tree.items():
        if inner is None:
            yield above + name
        else:
            yield from _paths(inner, f"{above}{name}.")


def columns(resource: Resource, fields: Tree | None) -> list[str]:
    return list(resource.out.model_fields) if fields is None else list(_paths(fields))


def defused(text: str) -> str:
    """Text in which a `'` stands before each sign that a spreadsheet would take for the beginning of a formula."""
    if any(mark in text for mark in SPLITTING):
        text = _SPLIT.sub(lambda found: f"{found[1]}'{found[2]}" if found[2] else found[1], text)
    formula = _FORMULA.match(text)
    if formula:
        return f"{text[: formula.end() - 1]}'{text[formula.end() - 1 :]}"
    return f"'{text}" if text.startswith(("\t", "\r")) else text


def _text(value: Json, *, raw: bool) -> str:
    """A value in a cell. Numbers are never marked as text, whatever their sign."""
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
    return _line(columns(resource, fields)).encode()


def csv_lines(resource: Resource, fields: Tree | None, documents: Iterable[bytes], *, raw: bool = False) -> bytes:
    """RFC 4180, UTF-8; several values in a cell are joined, referred records stand by their ids. `raw`: text is left as
    it is, for programs that run none of it.
    """
    paths = columns(resource, fields)
    parsed = map(orjson.loads, documents)
    return "".join(_line(_cell(document, path, raw=raw) for path in paths) for document in parsed).encode()


def json_lines(fields: Tree | None, documents: Iterable[bytes]) -> bytes:
    if fields is None:
        return b"".join(document + b"\n" for document in documents)
    return b"".join(orjson.dumps(project(orjson.loads(document), fields)) + b"\n" for document in documents)
