"""The cases of `benchmarks.rivals`, and how the records or counts of an answer are counted, to compare the answers."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.load import Failed
from benchmarks.rival_data import indications, search_phrases
from benchmarks.rival_targets import (
    Targets,
    facets,
    filtered,
    filtered_columns,
    words,
    words_columns,
    words_unranked,
)


class Case(NamedTuple):
    """A kind of request that is measured on all servers."""

    name: str
    targets: list[Targets]
    count: Callable[[bytes], int]
    """Counts what an answer holds; the servers' answers should have equal counts."""
    least: tuple[float | None, float | None]
    """The factors by which our service should be faster than Datasette and than Django; None means no target."""


def _members(body: bytes) -> int:
    """The number of records in an answer."""
    answer = orjson.loads(body)
    return len(answer.get("items", answer.get("results", answer.get("rows", ()))))


def _counts(body: bytes) -> int:
    """The sum of the counts of all facets in an answer, without those of studies that have no value."""
    answer = orjson.loads(body)
    if "facet_results" in answer:
        if answer.get("facets_timed_out"):
            raise Failed("Datasette gave up counting")
        lists = [facet["results"] for facet in answer["facet_results"].values()]
        return sum(entry["count"] for entries in lists for entry in entries if entry["value"] is not None)
    if "results" in answer or "items" not in answer:
        entries = [(entry.get(name), entry["count"]) for name, found in answer["facets"].items() for entry in found]
        return sum(count for value, count in entries if value is not None)
    return sum(entry["count"] for facet in answer["facets"].values() for entry in facet["values"])


def cases(rival: Path, number: int) -> list[Case]:
    """All cases, each with `number` different requests."""
    ranges = [(1985 + place % 12, 2026 - place // 12 % 12) for place in range(number)]
    lows = (None, 1990, 1995, 2000, 2005, 2010)
    pages = [(indication, low) for low in lows for indication in indications(rival)][:number]
    phrases = search_phrases(rival, 3 * number)
    best, best_columns, first = (phrases[place::3] for place in range(3))
    none = (None, None)
    return [
        Case("full text, best 20", [words(some) for some in best], _members, (5, 5)),
        Case("  the same, columns", [words_columns(some) for some in best_columns], _members, none),
        Case("  Datasette's first 20, columns", [words_unranked(some) for some in first], _members, none),
        Case("two facets, a range of years", [facets(*years) for years in ranges], _counts, (10, 10)),
        Case("a filtered page of 50", [filtered(*page) for page in pages], _members, (8, None)),
        Case("  the same, columns", [filtered_columns(*page) for page in pages], _members, none),
    ]
