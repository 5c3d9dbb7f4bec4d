"""A registered trial with odd values, doubled parts or flipped bytes makes no odd record."""

import copy
import random
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from app.imports.candidates import Rejection, SourceItem, Unreadable
from app.imports.formats.ctgov import mapped, units
from tests.imports.formats.ctgov_trial import FORMS, NAMES, Json, assert_sound, places, trial

ODD: tuple[Json, ...] = (
    None, True, 0, -1, 10**12, 1.5, "", " ", "x", "NA", "\x00", "\x07\x85", "a/~b", "<0.1", "9" * 500, "-3", "101",
    "2010-02-31", "0000", "NCT1", "Ünïcode ﷽ 漢字", "word " * 9000, [], {}, [None], [[]], [{}], {"x": []},
)  # fmt: skip


def changed(study: Json, path: tuple[int | str, ...], change: Callable[[Json, Any], None]) -> Json:
    twin = copy.deepcopy(study)
    owner = twin
    for part in path[:-1]:
        owner = owner[part]
    change(owner, path[-1])
    return twin


def test_an_odd_value_at_any_place_makes_no_odd_record() -> None:
    chance = random.Random(7)
    study = trial()
    kinds = set()
    for path in [path for path in places(study) if path]:
        for value in chance.sample(ODD, 9):
            found = mapped(changed(study, path, lambda owner, at: owner.__setitem__(at, value)), NAMES, place="x")  # noqa: B023
            kinds.add(type(found))
            assert_sound(found)
        assert_sound(mapped(changed(study, path, lambda owner, at: owner.pop(at)), NAMES, place="x"))
    assert kinds == {SourceItem, Rejection}


def test_doubled_parts_make_no_odd_record() -> None:
    study = trial()
    for path in places(study):
        owner = study
        for part in path:
            owner = owner[part]
        if isinstance(owner, list) and owner:
            assert_sound(mapped(changed(study, path, lambda o, at: o.__setitem__(at, o[at] * 3)), NAMES, place="x"))


@pytest.mark.parametrize("form", ["one study", "lines", "an array", "a page"])
def test_bytes_cut_off_or_flipped_make_no_odd_record(form: str) -> None:
    chance = random.Random(form)
    for _ in range(150):
        content = bytearray(FORMS[form][: chance.randrange(len(FORMS[form]))] if chance.random() < 0.3 else FORMS[form])
        for _ in range(chance.randrange(4)):
            content[chance.randrange(len(content) or 1) : 1] = bytes([chance.randrange(256)])
            if content:
                content[chance.randrange(len(content))] = chance.randrange(256)
        try:
            for found in units(BytesIO(bytes(content)), "a file", NAMES):
                assert_sound(found)
        except Unreadable:
            pass
