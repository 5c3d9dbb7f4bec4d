"""Records as rows of text: columns are the `Out` schema's fields, or the paths of `fields=`."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from app.resources import Resource
from app.search.entries import at
from app.selection import Tree, project

Json = Any

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How text begins that a spreadsheet would run (OWASP, CSV injection)."""

SEPARATOR = "; "


def _paths(tree: Tree, above: str = "") -> Iterator[str]:
    for name, inner in tree.items():
        if inner is None:
            yield above + name
        else:
            yield from _paths(inner, f"{above}{name}.")


def columns(resource: Resource, fields: Tree | None) -> list[str]:
    return list(resource.out.model_fields) if fields is None else list(_paths(fields))


def _text(value: Json) -> str:
    """A value in a cell; text that a spreadsheet would run as a formula is marked as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value["id"]) if value.get("id") else orjson.dumps(value).decode()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(FORMULA) else text


def _cell(document: Json, path: str) -> str:
    joined = SEPARATOR.join(_text(value) for value in at(document, path) if value != {})
    return joined


def _line(cells: Iterable[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerow(cells)
    return buffer.getvalue()


def csv_head(resource: Resource, fields: Tree | None) -> bytes:
    return _line(columns(resource, fields)).encode()


def csv_lines(resource: Resource, fields: Tree | None, documents: Iterable[bytes]) -> bytes:
    """RFC 4180, UTF-8; several values in a cell are joined, referred records stand by their ids."""
    paths = columns(resource, fields)
    parsed = map(orjson.loads, documents)
    return "".join(_line(_cell(document, path) for path in paths) for document in parsed).encode()


def json_lines(fields: Tree | None, documents: Iterable[bytes]) -> bytes:
    if fields is None:
        return b"".join(document + b"\n" for document in documents)
    return b"".join(orjson.dumps(project(orjson.loads(document), fields)) + b"\n" for document in documents)
