"""A registered trial, and what becomes of it when it is read."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import orjson

from app.common.validation_errors import text_faults
from app.imports.candidates import Found, Rejection
from app.imports.formats.ctgov import units
from app.imports.name_index import NO_NAMES, Names
from app.records.registry import RESOURCES
from tests.offered import FIXTURES

Json = Any


TRIAL = (FIXTURES / "ctgov/trial.json").read_bytes()


NAMES = Names(
    products={"botox": "onabotulinumtoxina"},
    indications={"chronic migraine": "chronic-migraine"},
    mesh={"D008881": "migraine", "D020773": "headache"},
)


def trial() -> Json:
    return orjson.loads(TRIAL)


def read(content: bytes) -> list[Found]:
    return list(units(BytesIO(content), "a file", NO_NAMES))


def assert_sound(found: Found) -> None:
    """Checks that every candidate is a valid record that breaks no rule."""
    if isinstance(found, Rejection):
        return
    for candidate in found.candidates:
        resource = RESOURCES[candidate.type]
        assert list(text_faults(candidate.data)) == []
        record = resource.entered.model_validate(candidate.data)
        assert resource.faults(record) == []


def numbered(number: int) -> bytes:
    return orjson.dumps(trial()).replace(b"NCT00000001", b"NCT%08d" % number)


LINES = b"\n".join(numbered(number) for number in (1, 2, 3))


FORMS = {
    "one study": TRIAL,
    "one line": numbered(1),
    "with a byte order mark": b"\xef\xbb\xbf" + TRIAL,
    "lines": LINES,
    "lines with empty ones": LINES.replace(b"\n", b"\n\n") + b"\n",
    "an array": b" [" + LINES.replace(b"\n", b",") + b"]",
    "a page": b'{"nextPageToken": "x", "studies": [' + LINES.replace(b"\n", b",") + b"]}",
    "a page with its token last": b'{"studies":[' + LINES.replace(b"\n", b",\n") + b'],"nextPageToken":"x"}',
    "a counted page": b'{"totalCount": 3, "studies": [' + LINES.replace(b"\n", b",") + b"]}",
}


def places(value: Json, path: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from places(item, (*path, name))
