"""Values at paths into documents, with which the search index and as-of queries read texts and the values of filters.

The paths are declared by the types: `Resource.texts`, and the path of each filter.
"""

from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

from app.records.filters import ascii_lower
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType

Walk = tuple[str, tuple[str, ...]]
"""A parsed dotted path: its first name, and those below."""


@cache
def _walk(path: str) -> Walk:
    first, *below = path.split(".")
    return first, tuple(below)


def at(document: Any, path: str) -> list[Any]:
    """All values at a dotted path of a document. Lists on the way are flattened, and null values are left out."""
    return _at(document, *_walk(path))


def _at(document: Any, first: str, below: tuple[str, ...]) -> list[Any]:
    # This runs dozens of times for each record when an index is built, and most fields have no value.
    value = document.get(first)
    return [] if value is None else _below(value, below)


def _below(value: Any, below: tuple[str, ...]) -> list[Any]:
    level = value if type(value) is list else [value]
    for name in below:
        if not level:
            break
        level = _under(level, name)
    return level


def _under(level: list[Any], name: str) -> list[Any]:
    found: list[Any] = []
    for item in level:
        value = item.get(name)
        if type(value) is list:
            found += value
        elif value is not None:
            found.append(value)
    return found


@cache
def _text_plan(type: RecordType) -> tuple[tuple[str, str, str], ...]:
    """The paths of a type's text as `(part, field, name below or "")`. No path has more than two names."""
    every = ((part, path.partition(".")) for part, paths in RESOURCES[type].texts.items() for path in paths)
    return tuple((part, field, name) for part, (field, _, name) in every)


def texts(type: RecordType, document: Any) -> dict[str, list[str]]:
    """A document's searchable text by part, without duplicates. It must be fast, since it runs for every hit."""
    found: dict[str, list[str]] = {}
    for part, field, name in _text_plan(type):
        value = document.get(field)
        if value:
            some = found.setdefault(part, [])
            if value.__class__ is str:
                some.append(value)
            else:
                some += _texts_in(value, name)
    return {part: some if len(some) == 1 else list(dict.fromkeys(some)) for part, some in found.items() if some}


def _texts_in(value: Any, name: str) -> Any:
    """The texts of a list, or, below `name`, of an object or a list of objects."""
    if not name:
        return value
    found: list[Any] = []
    for item in value if value.__class__ is list else (value,):
        text = item.get(name)
        if text.__class__ is list:
            found += text
        elif text:
            found.append(text)
    return found


def first_day(date: Any) -> float:
    """The start of a date as a number that sorts as dates do: 2010-07 is 20100700."""
    return float(str(date).replace("-", "").ljust(8, "0"))


def last_day(date: Any) -> float:
    """The end of a date as a number that sorts as dates do: 2010-07 is 20100799."""
    return float(str(date).replace("-", "").ljust(8, "9"))


LONG = 200
"""Characters. Longer values become hashes in the index, since terms have a maximum length."""
LONG_TEXT = 40
"""The same for filters of kind text. They have no facets, which would need the values themselves, so it is lower."""


def term_of(value: Any, longest: int = LONG) -> str:
    """A value as one term of the index; a text longer than `longest` as its hash."""
    if type(value) is str:
        return value if len(value) <= longest else blake2b(value.encode(), digest_size=16).hexdigest()
    return str(value).lower() if type(value) is bool else str(value)


def text_term(value: Any) -> str:
    """A value of a filter of kind text as one term of the index."""
    return term_of(value, LONG_TEXT)


@cache
def text_filters(type: RecordType) -> frozenset[str]:
    """The filters of a type whose values are text."""
    return frozenset(name for name, kind in RESOURCES[type].kinds.items() if kind.name == "text")


def _reasons(absent: Mapping[str, str]) -> list[Any]:
    return list(absent.values())


_ABSENCES: Mapping[str, Callable[[Any], list[Any]]] = {"absent": list, "absence_reason": _reasons}
"""The filters of absences, which are no list in a document, but an object of reasons by field."""


@cache
def value_paths(type: RecordType) -> Mapping[str, str]:
    """The path of each filter's values in a type's documents, without the filters of absences."""
    return {name: filter.path for name, filter in RESOURCES[type].filters.items() if name not in _ABSENCES}


@cache
def _value_walks(type: RecordType) -> tuple[tuple[str, Walk], ...]:
    return tuple((name, _walk(path)) for name, path in value_paths(type).items())


def values_of(type: RecordType, name: str, document: Any) -> list[Any]:
    """The values of one filter in a document, as they stand there."""
    return _ABSENCES[name](document["absent"]) if name in _ABSENCES else at(document, value_paths(type)[name])


def values(type: RecordType, document: Any) -> dict[str, list[Any]]:
    """The values of each filter that has any in a document. Text is lowered, since its case does not matter."""
    found = {name: some for name, walk in _value_walks(type) if (some := _at(document, *walk))}
    if document["absent"]:
        known = RESOURCES[type].filters
        found |= {name: read(document["absent"]) for name, read in _ABSENCES.items() if name in known}
    for name in text_filters(type).intersection(found):
        found[name] = [value.lower() if value.isascii() else ascii_lower(value) for value in found[name]]
    return found


@cache
def parts() -> frozenset[str]:
    """All parts of text, which may stand before a colon in a search query."""
    return frozenset(part for resource in RESOURCES.values() for part in resource.texts)
