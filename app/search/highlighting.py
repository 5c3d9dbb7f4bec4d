"""Highlighting: which parts of a record contain which search terms, and a passage with these terms marked."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, TypedDict

from app.common.spelling import Aligned
from app.records.document_paths import texts
from app.records.vocabularies import RecordType
from app.search import analysis

PASSAGE = 240
"""The length of a passage in code points, about three lines."""


class Snippet(TypedDict):
    """A passage of a record."""

    part: str
    text: str
    marks: list[tuple[int, int]]
    """The start and end of each term in `text`, in code points."""


class Hit(TypedDict):
    """A record that was found, as the answer shows it beside the record."""

    id: str
    type: RecordType
    score: float
    matched: dict[str, list[str]]
    """The terms that each part of the record contains."""
    snippet: Snippet | None


Places = dict[str, list[tuple[int, int]]]
"""The start and end of every occurrence of each term in a text, in code points; the end is exclusive."""


NO_PLACES: Places = {}
FEW = 8


class Marker:
    """Finds stemmed terms in texts.

    Stemming every word of a text would be slow. Only words that begin like one of the terms are stemmed, and each such
    word once.
    """

    def __init__(self, terms: frozenset[str]) -> None:
        """`terms` are terms as `analysis.terms` makes them."""
        self.terms = terms
        beginnings = _beginnings(terms)
        self.words = re.compile(f"(?:{'|'.join(map(re.escape, beginnings))})[a-z0-9]*")
        self.required = beginnings if len(beginnings) <= FEW else [""]
        """Every text with a term contains one of these. Searching for a few strings is faster than the pattern."""

    def places(self, text: str) -> Places:
        """All occurrences of the terms in a text, which are looked for in its search form."""
        aligned = Aligned(text)
        found = self._places(aligned.form)
        if aligned.form is text or not found:
            return found
        return {term: [aligned.printed(*place) for place in places] for term, places in found.items()}

    def _places(self, text: str) -> Places:
        if not (text.isascii() or _is_plain(text)):
            return self._analysed_places(text)
        lowered = text.lower()
        for beginning in self.required:  # most texts contain none, and `any` would be slower
            if beginning in lowered:
                return self._ascii_places(lowered)
        return NO_PLACES

    def _ascii_places(self, lowered: str) -> Places:
        # Whether a match begins a word is checked here: a look-behind in the pattern would run at every character.
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
    """The prefixes of all words that stem to one of the terms; no prefix begins with another one.

    The Snowball stemmer for English cuts an ending off or replaces it by one letter, so a word begins like its term up
    to the last letter. The exceptions are `dying`, `lying` and `tying`, which become `die`, `lie` and `tie`.
    """
    found = {term[: max(2, len(term) - 1)] for term in terms}
    found |= {f"{term[0]}y" for term in terms if len(term) == 3 and term.endswith("ie")}
    return [one for one in sorted(found) if not any(one != other and one.startswith(other) for other in found)]


@lru_cache(maxsize=50_000)
def _term(word: str) -> str:
    return "".join(analysis.terms(word))


def _is_plain(text: str) -> bool:
    """Whether all letters and digits are ASCII, so that word boundaries can be found without the analyser."""
    return not any(map(_is_foreign, set(text)))


@lru_cache(maxsize=5_000)
def _is_foreign(character: str) -> bool:
    """Whether a character is not ASCII and does not just separate words for the analyser."""
    return not character.isascii() and analysis.words(f"a{character}b") != ["a", "b"]


@lru_cache(maxsize=256)
def marker(terms: frozenset[str]) -> Marker:
    """The cached marker of some terms."""
    return Marker(terms)


def explain(type: RecordType, document: Any, score: float, terms: frozenset[str]) -> Hit:
    """Make the hit of a parsed document: the terms that each part contains, and the best passage."""
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
    """The best passage of the part that contains most terms. Titles rank last among equals: readers see them anyway."""
    if not found:
        return None
    part = max(found, key=lambda name: (len(found[name]) - (name in ("title", "name")) * 0.5, len(parts[name])))
    text = parts[part]
    places = sorted(place for some in found[part].values() for place in some)
    start, end = _window(text, places)
    marks = [(low - start, high - start) for low, high in places if low >= start and high <= end]
    return {"part": part, "text": text[start:end], "marks": marks}


def _window(text: str, places: list[tuple[int, int]]) -> tuple[int, int]:
    """The start and end of the passage with most of the places, cut at spaces."""
    if len(text) <= PASSAGE:
        return 0, len(text)
    starts = [start for start, _ in places]
    held = [bisect_left(starts, start + PASSAGE - 40) - bisect_left(starts, start) for start in starts]
    best = places[held.index(max(held))]
    start = max(0, min(best[0] - 40, len(text) - PASSAGE))
    start = text.find(" ", start - 1) + 1 if start else 0
    end = text.rfind(" ", start, start + PASSAGE)
    return start, end if end > best[1] else min(len(text), start + PASSAGE)
