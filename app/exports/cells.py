"""Values of documents as the cells of a table. The columns are the fields of `Out`, or the paths of `fields=`.

A value in a cell
  text, number, boolean    as it is
  several of these         joined by `; `
  embedded records         their ids, joined by `; `
  other nested values      JSON: an object, or an array if the path leads through a list
"""

from collections.abc import Iterable, Iterator, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import orjson

from app.query.projection import Tree
from app.records.document_paths import at
from app.records.resource import Resource

Json = Any
Scalar = str | int | float | bool
SEPARATOR = "; "


class JsonText(str):
    """The JSON of a nested value."""

    __slots__ = ()


def _paths(tree: Tree, above: str = "") -> Iterator[str]:
    for name, inner in tree.items():
        if inner is None:
            yield above + name
        else:
            yield from _paths(inner, f"{above}{name}.")


def columns(resource: Resource, fields: Tree | None) -> list[str]:
    """Return the columns of a record type's tables as paths in the document."""
    return list(resource.out.model_fields) if fields is None else list(_paths(fields))


def _plain_types(hint: Any) -> set[Any]:
    """Return the types of which a hint allows one, without None and the annotations of each."""
    if get_origin(hint) is Annotated:
        return _plain_types(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return set().union(*map(_plain_types, get_args(hint)))
    return {hint} - {type(None)}


def column_type(resource: Resource, path: str) -> type[Scalar]:
    """Return the type of all values in a column: int, float or bool, or str for all that is no such field."""
    field = resource.out.model_fields.get(path)
    members = _plain_types(field.annotation) if field else {str}
    if members <= {int, float}:
        return float if float in members else int
    return bool if members == {bool} else str


def shown_by_id(resource: Resource, include: Sequence[str]) -> frozenset[str]:
    """Return the fields that hold embedded records which are not included whole."""
    return frozenset(resource.includes) - frozenset(include)


def values_of(document: Json, path: str, by_id: frozenset[str]) -> list[Scalar]:
    """Return the values of a cell; of nested values one `JsonText`, but of the fields in `by_id` the ids of records."""
    values = [value for value in at(document, path) if value != {}]
    if not any(isinstance(value, dict | list) for value in values):
        return values
    if path in by_id:
        return [value["id"] for value in values]
    is_object = "." not in path and isinstance(document[path], dict)
    return [JsonText(orjson.dumps(values[0] if is_object else values).decode())]


def text_of(value: Scalar) -> str:
    """Return a value as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def joined(values: Iterable[Scalar]) -> str:
    """Return the values of a cell as one text."""
    return SEPARATOR.join(map(text_of, values))
