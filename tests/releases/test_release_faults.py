"""A release with faults is refused as a whole, and each fault has its place."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine

from tests.releases.operations import Lines, faults_of, gone, product, source

FAULTS: dict[str, tuple[list[Any], list[str]]] = {
    "deleted-but-absent": ([gone("sources", "zz")], ["1: zz /id there is no 'zz' among the sources to delete"]),
    "deleted-twice": (
        [gone("products", "p"), gone("products", "p")],
        ["2: p /id 'p' is deleted twice"],
    ),
    "entered-and-deleted": ([source("a"), gone("sources", "a")], ["2: a /id 'a' is both entered and deleted"]),
    "entered-twice": ([source("x"), source("x")], ["2: x /id the id 'x' is taken by another of the sources"]),
    "no-type": ([{"record": {}}], ["1: /type None is no record type (nearest: safety-notes)"]),
    "misspelt": (
        [{"type": "surces", "record": {}}],
        ["1: /type 'surces' is no record type (nearest: sources, studies)"],
    ),
    "more": (
        [{**source("x"), "id": "x"}],
        ['1: a line has type and record, or type, id and "deleted": true, and nothing else'],
    ),
    "deleted-false": (
        [{**gone("sources", "a"), "deleted": False}],
        ['1: a line has type and record, or type, id and "deleted": true, and nothing else'],
    ),
    "list": (["[1]"], ["1: a line is one object"]),
    "every-line": (
        [source("x", tier="primry"), "", "{", b'{"a": "\xff"}'],
        [
            "1: x /record/tier 'primry' is not one of the known values (nearest: primary)",
            "3: this is no JSON that can be read: Expecting property name enclosed in double quotes: line 2 column 1 "
            "(char 2)",
            "4: this is no JSON that can be read: 'utf-8' codec can't decode byte 0xff in position 7: invalid start "
            "byte",
        ],
    ),
    "repeated-name": (
        ['{"type": "sources", "type": "sources"}'],
        ["1: this is no JSON that can be read: the name 'type' stands twice in one object"],
    ),
    "deep": (["[" * 100_000], ["1: this is no JSON that can be read: it is nested more than 64 deep"]),
    "nul": (
        [source("x", title="a\0b")],
        ["1: x /record/title there is a NUL character or half a surrogate pair in this text"],
    ),
    "invisible": (
        [source("x", title="a\u200bb", text="so\u00adft as its source has it")],
        ["1: x /record/title there is an invisible character (U+200B) in this text"],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_told_with_their_line_and_pointer(first: Engine, lines: Lines, case: str) -> None:
    items, expected = FAULTS[case]
    assert faults_of(first, lines(*items)) == expected


def test_a_cut_file_changes_nothing(first: Engine, lines: Lines) -> None:
    path = lines(source("x"), source("y"))
    path.write_bytes(path.read_bytes()[:-20])
    assert faults_of(first, path)[0].startswith("2: this is no JSON that can be read: ")


def test_a_thousand_faults_are_enough(first: Engine, tmp_path: Path) -> None:
    path = tmp_path / "faulty.ndjson"
    path.write_bytes(b"".join(orjson.dumps(product(f"p-{n}", "nowhere")) + b"\n" for n in range(5000)))
    assert 1000 <= len(faults_of(first, path)) < 2000
