"""Why a record was found: which parts of it hold which terms, and a passage with the places marked."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypedDict

from app.fields import RecordType
from app.search import analysis
from app.search.entries import texts

PASSAGE = 240
"""Code points of a passage, about three lines."""


class Snippet(TypedDict):
    part: str
    text: str
    marks: list[tuple[int, int]]


class Hit(TypedDict):
    id: str
    type: RecordType
    score: float
    matched: dict[str, list[str]]
    snippet: Snippet | None


@lru_cache(maxsize=256)
def _beginnings(terms: frozenset[str]) -> re.Pattern[str]:
    """Finds words that may become one of some terms: taking a word apart costs more than passing it over."""
    beginnings = "|".join(sorted({re.escape(term[:2]) for term in terms}))
    return re.compile(rf"(?<![^\W_])(?:{beginnings})", re.IGNORECASE)


def explain(type: RecordType, document: Any, score: float, terms: frozenset[str]) -> Hit:
    parts = {part: "\n".join(some) for part, some in texts(type, document).items()}
    begins = _beginnings(terms).search
    matched = {
        part: sorted(terms.intersection(analysis.terms(text)))
        for part, text in parts.items()
        if begins(text) or not text.isascii()
    }
    found = {part: some for part, some in matched.items() if some}
    return {
        "id": document["id"],
        "type": type,
        "score": round(score, 4),
        "matched": found,
        "snippet": _snippet(parts, found, terms),
    }


def _snippet(parts: Mapping[str, str], matched: Mapping[str, list[str]], terms: frozenset[str]) -> Snippet | None:
    """The passage of the part that says most of what was asked, titles last: they are seen anyway."""
    if not matched:
        return None
    part = max(matched, key=lambda name: (len(matched[name]) - (name in ("title", "name")) * 0.5, len(parts[name])))
    text = parts[part]
    places = list(_places(text, terms))
    start, end = _window(text, places)
    marks = [(low - start, high - start) for low, high in places if low >= start and high <= end]
    return {"part": part, "text": text[start:end], "marks": marks}


def _places(text: str, terms: frozenset[str]) -> Iterable[tuple[int, int]]:
    for token in analysis.stemmed().pre_tokenize(text).tokens:
        if token.text in terms:
            yield token.char_offset_from, token.char_offset_to or token.char_offset_from


def _window(text: str, places: list[tuple[int, int]]) -> tuple[int, int]:
    """The stretch that holds most places, from word to word."""
    if len(text) <= PASSAGE:
        return 0, len(text)
    best = max(places, key=lambda place: sum(place[0] <= other[0] < place[0] + PASSAGE - 40 for other in places))
    start = max(0, min(best[0] - 40, len(text) - PASSAGE))
    start = text.find(" ", start - 1) + 1 if start else 0
    end = text.rfind(" ", start, start + PASSAGE)
    return start, end if end > best[1] else min(len(text), start + PASSAGE)
