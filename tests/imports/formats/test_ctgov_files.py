"""The forms of files that ClinicalTrials.gov gives, cut off, endless or wrong."""

import io
import json
import time
import tracemalloc
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import orjson
import pytest

from app.imports.candidates import Found, Rejection, SourceItem, Unreadable
from app.imports.formats.ctgov import reading, units
from app.imports.name_index import NO_NAMES
from tests.imports.formats.ctgov_trial import FORMS, TRIAL, numbered, read, trial


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_file_is_known_by_its_beginning(form: str) -> None:
    places = [found.place for found in read(FORMS[form])]
    assert places == ["NCT00000001", "NCT00000002", "NCT00000003"][: 3 if b"NCT00000003" in FORMS[form] else 1]


def test_an_empty_page_has_no_studies() -> None:
    assert read(b'{"studies": []}') == []
    assert read(b"[]") == []


class Pipe(BytesIO):
    """A file that returns few bytes at a time and is not seekable."""

    def seekable(self) -> bool:
        return False

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 7, 7) if size and size > 0 else 7)


@pytest.mark.parametrize("form", FORMS)
def test_a_pipe_is_read_as_it_comes(form: str) -> None:
    assert list(units(Pipe(FORMS[form]), "-", NO_NAMES)) == read(FORMS[form])


@pytest.mark.parametrize(
    "content",
    [b"", b"  \n ", b"hello", b"<xml/>", b"5", b'"text"', b"{}", b'{"a": 1}', b"[1, 2]", b'[{"a": 1}]', b"[[", b"{",
     b'{"studies": 5}', b'{"studies": [1]}', TRIAL[:-30], b"\xff\xfe{", "{}".encode("utf-16"), b"\x1f\x8b\x08",
     b'{"message": "too many requests"}', b"[" * 5000, b'{"a":' * 5000, b"[" + b"1," * 30 + numbered(1) + b"]"],
)  # fmt: skip
def test_anything_else_is_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        read(content)
    assert str(refused.value)


def test_a_bad_study_among_others_is_refused_alone() -> None:
    bad = numbered(2).replace(b'"count":60', b'"count":"sixty"')
    nameless = b'{"protocolSection": {}}'
    parts = (numbered(1), bad, b"7", nameless, numbered(3))
    in_array = read(b"[" + b",".join(parts) + b"]")
    in_lines = read(b"\n".join((*parts[:2], b'{"broken', *parts[2:])))
    assert [type(found) for found in in_array] == [SourceItem, Rejection, Rejection, Rejection, SourceItem]
    count = "/protocolSection/designModule/enrollmentInfo/count"
    assert in_array[1] == Rejection("NCT00000002", count, "'sixty' is not a whole number")
    assert in_array[2] == Rejection("study 3", "", "this is no object")
    assert in_array[3].place == "study 4"
    assert [found.place for found in in_lines if isinstance(found, Rejection)] == [
        "NCT00000002",
        "line 3",
        "line 4",
        "line 5",
    ]


def test_what_was_read_before_a_file_breaks_off_is_there() -> None:
    whole = FORMS["an array"]
    found: list[Found] = []
    with pytest.raises(Unreadable, match="after study 2"):
        found.extend(iter_into(found, units(BytesIO(whole[:-100]), "a file", NO_NAMES)))
    assert [each.place for each in found] == ["NCT00000001", "NCT00000002"]


def iter_into(found: list[Found], those: Iterator[Found]) -> Iterator[Found]:
    for each in those:
        found.append(each)
        yield from ()


def test_a_line_beyond_the_limit_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 10_000)
    with pytest.raises(Unreadable, match="more than 10,000 bytes"):
        read(numbered(1) + b" " * 10_000)
    with pytest.raises(Unreadable, match="more than 10,000 bytes"):
        read(json.dumps(trial(), indent=9).encode())


@pytest.mark.parametrize("begins", [b"[", b'{"studies": ['])
def test_what_is_nested_without_end_is_not_followed(begins: bytes) -> None:
    """ijson keeps a path for each bracket, and each path is longer than the one before."""
    tracemalloc.start()
    with pytest.raises(Unreadable, match="nested more than 64 deep"):
        read(begins + b"[" * 8000)
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_a_study_of_an_array_has_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LARGEST", 500_000)
    whole = orjson.dumps([trial()] * 300)
    assert len(whole) > 2 * 500_000
    assert len(read(whole)) == 300
    with pytest.raises(Unreadable, match="no study ends within 500,000 bytes"):
        read(b"[" + b'{"x": [' + b'"long", ' * 100_000)


class Endless(io.RawIOBase):
    """An endless file: a beginning, and then one letter for ever. It counts how much of it was read."""

    def __init__(self, beginning: bytes) -> None:
        self.beginning, self.taken = beginning, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        some = self.beginning[self.taken : self.taken + len(buffer)] or b"x" * len(buffer)
        buffer[: len(some)] = some
        self.taken += len(some)
        assert self.taken < 150_000_000
        return len(some)


@pytest.mark.parametrize(
    ("beginning", "most", "said"),
    [
        (
            b'[{"protocolSection": {"briefTitle": "',
            10_000_000,
            "after study 0 it cannot be read: a text in it has more",
        ),
        (b'{"studies": [{"protocolSection": {"briefTitle": "', 10_000_000, "after study 0 it cannot be read: a text"),
        (b'[{"protocolSection": 1', 10_000_000, "after study 0 it "),
        (b'[ {"', 10_000_000, "after study 0 it cannot be read: a text"),
        (b'{"protocolSection": {"briefTitle": "', 50_000_000, "line 1 has more than 50,000,000 bytes"),
        (b'{"protocolSection":\n {"briefTitle": "', 50_000_000, "line 2 has more than 50,000,000 bytes"),
        (b'{"protocolSection":\n {\n"briefTitle": "', 50_000_000, "one study has more than 50,000,000 bytes"),
    ],
)
def test_a_text_that_does_not_end_is_refused_before_it_is_whole(beginning: bytes, most: int, said: str) -> None:
    """The parser scans such a text again with each piece: 150 MB took minutes, during which other imports waited."""
    file, started = Endless(beginning), time.process_time()
    with pytest.raises(Unreadable, match=said):
        list(reading.records(io.BufferedReader(file)))
    assert file.taken < most + 1_000_000
    assert time.process_time() - started < 5


def test_a_text_that_is_too_long_is_refused_in_a_line_of_its_own_too() -> None:
    long = {"protocolSection": {"briefTitle": "x" * 10_000_001}}
    lines = b"\n".join(orjson.dumps(study) for study in ({"a": 1}, long, {"b": 1}))
    found = list(reading.records(io.BytesIO(lines)))
    assert [type(record).__name__ for record in found] == ["Record", "Rejection", "Record"]
    assert found[1] == Rejection("line 2", "", "a text in it has more than 10,000,000 bytes")


@pytest.mark.parametrize("form", FORMS)
def test_a_page_that_is_not_the_last_one_says_so(form: str) -> None:
    has_more = "nextPageToken" in FORMS[form].decode("utf-8-sig")
    *before, last = [found for found in read(FORMS[form]) if isinstance(found, SourceItem)]
    assert [warning.kind for found in before for warning in found.warnings if warning.kind == "more-pages"] == []
    assert ("more-pages" in [warning.kind for warning in last.warnings]) == has_more


def test_a_last_page_says_nothing_of_more() -> None:
    content = b'{"studies": [' + FORMS["one line"] + b'], "nextPageToken": null}'
    [found] = read(content)
    assert isinstance(found, SourceItem)
    assert "more-pages" not in [warning.kind for warning in found.warnings]


def test_a_page_whose_last_record_is_none_says_so_there() -> None:
    content = b'{"studies": [' + FORMS["one line"] + b', {}], "nextPageToken": "x"}'
    assert [found.detail for found in read(content) if isinstance(found, Rejection)][-1].endswith("more studies")
