"""Files of references that were damaged at random: no line and no record is lost without a word."""

import re
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from app.imports.candidates import Rejection, SourceItem, Unreadable
from app.imports.formats.references.accounting import Options, Reading
from app.imports.formats.references.reading import readings
from tests.offered import DATA, FIXTURES, faults, offered

REAL = sorted((DATA / "references").glob("*.*"))
OWN = [FIXTURES / "references/tools.ris", FIXTURES / "references/pubmed.nbib", FIXTURES / "references/library.bib"]
needs_data = pytest.mark.skipif(not REAL, reason="the real files are not here")
BEGINNINGS = re.compile(r"\ufeff?(?:TY  -|PMID-|@[a-z]+\{)")
BLANK = re.compile("[\\s\ufeff\u200b\u00ad]*")
RECORDS_OF_A_FILE = 12


class Mutant(NamedTuple):
    """A damaged file: its lines, and the records that nothing was done to."""

    lines: list[str]
    whole: list[list[str]]


def records(text: str) -> list[list[str]]:
    """The lines of each record, up to the beginning of the next one."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if BEGINNINGS.match(line):
            found.append([])
        found[-1].append(line)
    return [record for record in found[1:] if any(record)]


def drop(record: list[str], random: Random) -> None:
    del record[random.randrange(len(record))]


def double(record: list[str], random: Random) -> None:
    at = random.randrange(len(record))
    record.insert(at, record[at])


def swap(record: list[str], random: Random) -> None:
    one, other = random.randrange(len(record)), random.randrange(len(record))
    record[one], record[other] = record[other], record[one]


def truncate(record: list[str], random: Random) -> None:
    at = random.randrange(len(record))
    record[at] = record[at][: random.randrange(len(record[at]) + 1)]


def mark(record: list[str], random: Random) -> None:
    at = random.randrange(len(record))
    place = random.choice([0, random.randrange(len(record[at]) + 1)])
    letter = random.choice(["\ufeff", "\u00a0", "\u200b", "\u00ad", " ", "\t"])
    record[at] = record[at][:place] + letter + record[at][place:]


def change_tag(record: list[str], random: Random) -> None:
    at = random.randrange(len(record))
    record[at] = "".join(random.choices("ABDETUY0159@%", k=2)) + record[at][2:]


def tighten(record: list[str], random: Random) -> None:
    at = random.randrange(len(record))
    record[at] = re.sub(
        r" {1,2}- ?", random.choice([" - ", "- ", "-", "  -", " – ", "\u00a0\u00a0-\u00a0"]), record[at], count=1
    )


def interrupt(record: list[str], random: Random) -> None:
    texts = ["", "some words", "PMID- 123", "Record #3 of 9", "ER  - ", "AB - and more", "}", "T2-weighted images"]
    record.insert(random.randrange(len(record) + 1), random.choice(texts))


MUTATIONS: list[Callable[[list[str], Random], None]] = [
    *(drop, double, swap, truncate, mark, change_tag, tighten, interrupt),
]
REFERRING = ("crossref", "= inv #")
"""What shows that a record of BibTeX is not whole by itself."""


def mutant(files: list[list[list[str]]], random: Random) -> Mutant:
    """One or two files joined, with some of their records damaged."""
    chosen = [random.choice(files) for _ in range(random.choice([1, 1, 2]))]
    parts = [[list(record) for record in some[:RECORDS_OF_A_FILE]] for some in chosen]
    lines: list[str] = []
    whole: list[list[str]] = []
    for part in parts:
        damaged = {-1} if lines else set()  # the last record of the other file may reach into this one
        damaged |= set(random.sample(range(len(part)), k=min(len(part), random.randrange(4))))
        for number, record in enumerate(part):
            if number in damaged:
                random.choice(MUTATIONS)(record, random)
            elif not {number - 1, number + 1} & damaged and not any(sign in "".join(record) for sign in REFERRING):
                whole.append(record)
            lines += record
    return Mutant(lines, whole)


def result(lines: list[str]) -> list[Reading]:
    content = "\n".join(lines).encode() + b"\n"
    return list(readings(BytesIO(content), Options("x", date(2026, 1, 1), store_abstracts=True)))


def key(record: list[str]) -> list[object]:
    """What an undamaged record is read as by itself."""
    found = [found for reading in result(record) for found in reading.found]
    return [bare(one) for one in found]


def bare(found: object) -> object:
    if isinstance(found, SourceItem) and found.candidates:
        return {name: value for name, value in offered(found, "publications").items() if name != "provenance"}
    return found.detail if isinstance(found, Rejection) else None


def check(one: Mutant) -> None:
    try:
        read = result(one.lines)
    except Unreadable:
        return
    numbers = [number for reading in read for number, _ in reading.states]
    expected = [number for number, line in enumerate(one.lines, 1) if not BLANK.fullmatch(line)]
    assert sorted(numbers) == expected
    found = [each for reading in read for each in reading.found]
    named = [
        number
        for reading in read
        if any(isinstance(x, Rejection) for x in reading.found)
        for number, _ in reading.states
    ]
    refused = [number for reading in read for number, state in reading.states if state == "refused"]
    warned = " ".join(warning.text for each in found if isinstance(each, SourceItem) for warning in each.warnings)
    assert [number for number in refused if number not in named and not re.search(rf"\b{number}\b", warned)] == []
    assert [fault for each in found if isinstance(each, SourceItem) for fault in faults(each)] == []
    known = [bare(each) for each in found]
    for record in one.whole:
        assert all(each in known for each in key(record)), record[0]


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_lose_nothing(seed: int) -> None:
    files, random = [records(file.read_text("utf-8-sig")) for file in OWN], Random(seed)
    for _ in range(60):
        check(mutant(files, random))


@pytest.mark.long
@needs_data
@pytest.mark.parametrize("seed", range(8))
def test_damaged_real_files_lose_nothing(seed: int) -> None:
    files, random = [records(Path(file).read_text("utf-8-sig")) for file in REAL], Random(seed)
    for _ in range(600):
        check(mutant(files, random))
