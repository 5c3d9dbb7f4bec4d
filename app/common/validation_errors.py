"""Turning Pydantic's validation errors into faults at JSON pointers, with the nearest valid names and values."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from app.common.patterns import meaning_of
from app.common.problems import Fault
from app.common.suggestions import nearest
from app.common.text import INVISIBLE


def pointer_of(path: tuple[int | str, ...]) -> str:
    """The JSON pointer (RFC 6901) of a path of names and indexes."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _models(hint: Any) -> Iterator[type[BaseModel]]:
    """The models in a type hint; for instance, `list[Arm] | None` has one."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for argument in getattr(hint, "__args__", ()):
        yield from _models(argument)


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    for part in path:
        field = model.model_fields.get(str(part))
        inner = next(_models(field.annotation), None) if field else None
        model = inner or model
    return model


def _choices(error: ErrorDetails) -> list[str]:
    expected = str(error.get("ctx", {}).get("expected", ""))
    return [choice.strip().strip("'") for choice in expected.replace(" or ", ", ").split(",")]


def _fault(model: type[BaseModel], error: ErrorDetails) -> Fault:
    path, kind, value = error["loc"], error["type"], error["input"]
    if kind == "extra_forbidden":
        fields = _model_at(model, path[:-1]).model_fields
        near = tuple(nearest(str(path[-1]), fields))
        return Fault(f"there is no field {path[-1]!r}", pointer_of(path), nearest=near)
    if kind == "literal_error":
        near = tuple(nearest(str(value), _choices(error)))
        return Fault(f"{value!r} is not one of the known values", pointer_of(path), nearest=near)
    if kind == "string_pattern_mismatch" and (meaning := meaning_of(str(error.get("ctx", {}).get("pattern")))):
        return Fault(f"{_short(value)} is not {meaning}", pointer_of(path))
    if kind == "missing":
        return Fault("this field is required", pointer_of(path))
    return Fault(f"{error['msg']}, not {_short(value)}", pointer_of(path))


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_VERBATIM = frozenset({"text", "quote", "prefix", "suffix"})
"""The fields whose texts are those of a source, character by character."""


def text_faults(value: Any) -> Iterator[Fault]:
    """Yield the faults of texts: NUL characters and lone surrogates, which not every database can store, and invisible
    characters, with which equal texts look the same and are not. Texts of sources are verbatim and may have those.
    """
    if not _is_clean(value):
        yield from _text_faults(value, ())


def _is_clean(value: Any) -> bool:
    """A fast check that nearly all values pass. orjson refuses lone surrogates, and escapes NUL characters."""
    try:
        return is_clean(orjson.dumps(value))
    except TypeError:
        return False


def is_clean(json: bytes) -> bool:
    """Whether JSON of orjson has neither NUL nor invisible characters. The text `\\u0000` counts as one, too."""
    return b"\\u0000" not in json and (json.isascii() or not _INVISIBLE.search(json.decode()))


def _text_faults(value: Any, path: tuple[int | str, ...]) -> Iterator[Fault]:
    if isinstance(value, str):
        yield from _faults_of(value, path)
    elif isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _text_faults(inner, (*path, name))


def _faults_of(text: str, path: tuple[int | str, ...]) -> Iterator[Fault]:
    if _UNSTORABLE.search(text):
        yield Fault("there is a NUL character or half a surrogate pair in this text", pointer_of(path))
    elif (found := _INVISIBLE.search(text)) and path[-1:] not in {(name,) for name in _VERBATIM}:
        yield Fault(f"there is an invisible character (U+{ord(found[0]):04X}) in this text", pointer_of(path))


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 80 else shown[:77] + "..."


def shape_faults(model: type[BaseModel], error: ValidationError) -> list[Fault]:
    """The faults of a validation error, one for each place: if a value fits none of several types, only the error of
    the first type is kept.
    """
    found: dict[str, Fault] = {}
    for detail in error.errors(include_url=False):
        detail["loc"] = tuple(part for part in detail["loc"] if part not in ("int", "float", "constrained-int"))
        fault = _fault(model, detail)
        found.setdefault(fault.pointer, fault)
    return list(found.values())
