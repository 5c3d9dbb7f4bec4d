"""Why a record was found: which parts of it hold which terms, and a passage with the places marked."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypedDict

from app.records.document_paths import texts
from app.records.fields import RecordType
from app.search import analysis

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


NO_PLACES: Places = {}
FEW = 8


class Marker:
    """Finds terms in texts. Only words that begin as a term does are reduced to one, and each of them once."""

    def __init__(self, terms: frozenset[str]) -> None:
        self.terms = terms
        beginnings = _beginnings(terms)
        self.words = re.compile(f"(?:{'|'.join(map(re.escape, beginnings))})[a-z0-9]*")
        self.required = beginnings if len(beginnings) <= FEW else [""]
        """One of these is in each text that holds a term; looking for a few takes less than the pattern does."""

    def places(self, text: str) -> Places:
        if not (text.isascii() or _is_plain(text)):
            return self._analysed_places(text)
        lowered = text.lower()
        for beginning in self.required:  # most texts hold none, and `any` would take longer to say so
            if beginning in lowered:
                return self._ascii_places(lowered)
        return NO_PLACES

    def _ascii_places(self, lowered: str) -> Places:
        """A look behind in the pattern would be tried at every character of a text, here it is at every term."""
        found: Places = {}
        for match in self.words.finditer(lowered):
            term = _term(match[0])
            if term in self.terms:
                start, end = match.span()
                if not start or not lowered[start - 1].isalnum():
                    found.setdefault(term, []).append((start, end))
        return found

    def _analysed_places(self, text: str) -> Places:
        found: Places = {}
        for token in analysis.stemmed().pre_tokenize(text).tokens:
            if token.text in self.terms:
                start = token.char_offset_from
                found.setdefault(token.text, []).append((start, token.char_offset_to or start))
        return found


def _beginnings(terms: Iterable[str]) -> list[str]:
    """What every word of any of the terms begins with, none of them the beginning of another.

    An ending is cut off, or cut off and one letter put in place of it; `dying` alone becomes `die`.
    """
    found = {term[: max(2, len(term) - 1)] for term in terms}
    found |= {f"{term[0]}y" for term in terms if len(term) == 3 and term.endswith("ie")}
    return [one for one in sorted(found) if not any(one != other and one.startswith(other) for other in found)]


@lru_cache(maxsize=50_000)
def _term(word: str) -> str:
    return "".join(analysis.terms(word))


def _is_plain(text: str) -> bool:
    """Whether all letters and digits are ASCII, so that where words begin and end needs no analyser to tell."""
    return not any(map(_is_foreign, set(text)))


@lru_cache(maxsize=5_000)
def _is_foreign(character: str) -> bool:
    """Whether the analyser takes a character that is not ASCII for more than an end of a word."""
    return not character.isascii() and analysis.words(f"a{character}b") != ["a", "b"]


@lru_cache(maxsize=256)
def marker(terms: frozenset[str]) -> Marker:
    return Marker(terms)


def explain(type: RecordType, document: Any, score: float, terms: frozenset[str]) -> Hit:
    find = marker(terms).places
    parts, found = {}, {}
    for part, some in texts(type, document).items():
        text = some[0] if len(some) == 1 else "\n".join(some)
        places = find(text)
        if places:
            parts[part], found[part] = text, places
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
    starts = [start for start, _ in places]
    held = [bisect_left(starts, start + PASSAGE - 40) - bisect_left(starts, start) for start in starts]
    best = places[held.index(max(held))]
    start = max(0, min(best[0] - 40, len(text) - PASSAGE))
    start = text.find(" ", start - 1) + 1 if start else 0
    end = text.rfind(" ", start, start + PASSAGE)
    return start, end if end > best[1] else min(len(text), start + PASSAGE)
