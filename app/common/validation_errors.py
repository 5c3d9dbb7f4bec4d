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


def text_faults(value: Any) -> Iterator[Fault]:
    """Faults of texts that not every database can store: NUL characters and lone surrogates."""
    if not _is_storable(value):
        yield from _text_faults(value, "")


def _is_storable(value: Any) -> bool:
    """A fast check that nearly all values pass. orjson refuses lone surrogates, and escapes NUL characters."""
    try:
        return is_storable(orjson.dumps(value))
    except TypeError:
        return False


def is_storable(json: bytes) -> bool:
    """Whether JSON that orjson wrote has no NUL character. JSON with the text `\\u0000` counts as having one, too."""
    return b"\\u0000" not in json


def _text_faults(value: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(value, str) and _UNSTORABLE.search(value):
        yield Fault("there is a NUL character or half a surrogate pair in this text", pointer)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _text_faults(inner, f"{pointer}{pointer_of((str(name),))}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _text_faults(inner, f"{pointer}/{index}")


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
