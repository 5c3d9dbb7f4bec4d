"""The differences between two JSON values, by JSON pointer."""

from collections.abc import Iterator
from typing import Any

from app.common.validation_errors import pointer_of

Path = tuple[int | str, ...]
Difference = dict[str, Any]
"""A `pointer`, with `before` and `after` where there is a value."""

ABSENT = object()


def _inner(value: Any) -> dict[Any, Any] | None:
    if isinstance(value, dict):
        return value
    return dict(enumerate(value)) if isinstance(value, list) else None


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Compare two JSON values member by member; list items are compared by their index. 1 and 1.0 differ here."""
    old, new = _inner(before), _inner(after)
    if old is None or new is None or type(before) is not type(after):
        if repr(before) != repr(after):
            yield _difference(path, before, after)
        return
    for name in dict.fromkeys((*old, *new)):
        yield from _member(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))


def _member(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    if before is ABSENT or after is ABSENT:
        yield _difference(path, before, after)
    else:
        yield from differences(before, after, path)


def _difference(path: Path, before: Any, after: Any) -> Difference:
    values = {"before": before, "after": after}
    return {"pointer": pointer_of(path), **{name: value for name, value in values.items() if value is not ABSENT}}
