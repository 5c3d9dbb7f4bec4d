"""Why a record was found: which parts of it hold which terms, and a passage with the places marked."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
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


Places = dict[str, list[tuple[int, int]]]
"""Where in a text each term is, from the first code point to behind the last."""


class Marker:
    """Finds terms in texts. Only words that begin as a term does are reduced to one, and each of them once."""

    def __init__(self, terms: frozenset[str]) -> None:
        self.terms = terms
        beginnings = sorted({_beginning(term) for term in terms})
        self.words = re.compile(f"(?<![a-z0-9])(?:{'|'.join(map(re.escape, beginnings))})[a-z0-9]*")

    def places(self, text: str) -> Places:
        found: Places = {}
        for word, start, end in self._words(text.lower()) if _is_plain(text) else _tokens(text):
            if word in self.terms:
                found.setdefault(word, []).append((start, end))
        return found

    def _words(self, lowered: str) -> Iterator[tuple[str, int, int]]:
        for match in self.words.finditer(lowered):
            yield _term(match[0]), match.start(), match.end()


def _beginning(term: str) -> str:
    """What every word of a term begins with: an ending is cut off, or exchanged for at most two letters."""
    return term[: max(2, len(term) - 2)]


@lru_cache(maxsize=50_000)
def _term(word: str) -> str:
    return "".join(analysis.terms(word))


def _is_plain(text: str) -> bool:
    """Whether all letters and digits are ASCII, so that where words begin and end needs no analyser to tell."""
    return text.isascii() or not any(map(_is_foreign, text))


def _is_foreign(character: str) -> bool:
    return character > "\x7f" and (character.isalnum() or unicodedata.category(character)[0] in "MNS")


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    for token in analysis.stemmed().pre_tokenize(text).tokens:
        yield token.text, token.char_offset_from, token.char_offset_to or token.char_offset_from


@lru_cache(maxsize=256)
def marker(terms: frozenset[str]) -> Marker:
    return Marker(terms)


def explain(type: RecordType, document: Any, score: float, terms: frozenset[str]) -> Hit:
    find = marker(terms).places
    parts = {part: "\n".join(some) for part, some in texts(type, document).items()}
    found = {part: places for part, text in parts.items() if (places := find(text))}
    return {
        "id": document["id"],
        "type": type,
        "score": round(score, 4),
        "matched": {part: sorted(places) for part, places in found.items()},
        "snippet": _snippet(parts, found),
    }


def _snippet(parts: Mapping[str, str], found: Mapping[str, Places]) -> Snippet | None:
    """The passage of the part that says most of what was asked, titles last: they are seen anyway."""
    if not found:
        return None
    part = max(found, key=lambda name: (len(found[name]) - (name in ("title", "name")) * 0.5, len(parts[name])))
    text = parts[part]
    places = sorted(place for some in found[part].values() for place in some)
    start, end = _window(text, places)
    marks = [(low - start, high - start) for low, high in places if low >= start and high <= end]
    return {"part": part, "text": text[start:end], "marks": marks}


def _window(text: str, places: list[tuple[int, int]]) -> tuple[int, int]:
    """The stretch that holds most places, from word to word."""
    if len(text) <= PASSAGE:
        return 0, len(text)
    best = max(places, key=lambda place: sum(place[0] <= other[0] < place[0] + PASSAGE - 40 for other in places))
    start = max(0, min(best[0] - 40, len(text) - PASSAGE))
    start = text.find(" ", start - 1) + 1 if start else 0
    end = text.rfind(" ", start, start + PASSAGE)
    return start, end if end > best[1] else min(len(text), start + PASSAGE)
