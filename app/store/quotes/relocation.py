"""Finding a quote again after its source's text was replaced: exactly, or in the one passage that is nearly it."""

from itertools import takewhile
from typing import NamedTuple

from rapidfuzz import fuzz

from app.store.quotes.anchor import Span, span_at

ALIKE = 90
"""Of 100: how like a quote a passage must be to pass for what became of it."""
CLEARLY = 5
"""How much more like it than any other passage."""
AGREEING = 8
"""Code points of context by which one of several places must agree more than any other."""
MOST_PLACES = 1000
"""What stands in more places than these is found in none of them."""


def relocate(quote: str, text: str, last: Span) -> Span | None:
    """Where a quote that stood at a place of another text stands in this one; nowhere, if that is not certain."""
    if text.startswith(quote, last.start):
        return span_at(text, last.start, last.start + len(quote))
    places = _places(quote, text)
    if places:
        start = _the_one(places, quote, text, last)
        return None if start is None else span_at(text, start, start + len(quote))
    return _near(quote, text)


def is_like(quote: str, passage: str) -> bool:
    return fuzz.ratio(quote, passage) >= ALIKE


def _places(quote: str, text: str) -> list[int]:
    found: list[int] = []
    at = text.find(quote)
    while at >= 0 and len(found) <= MOST_PLACES:
        found.append(at)
        at = text.find(quote, at + 1)
    return found


def _the_one(places: list[int], quote: str, text: str, last: Span) -> int | None:
    """The only place, or the one that what stood around the quote tells from the others."""
    if len(places) == 1:
        return places[0]
    if len(places) > MOST_PLACES:
        return None
    agreeing = sorted((_agreement(text, place, place + len(quote), last), place) for place in places)
    (second, _), (best, place) = agreeing[-2:]
    return place if best - second >= AGREEING else None


def _agreement(text: str, start: int, end: int, last: Span) -> int:
    around = span_at(text, start, end)
    return _common(around.prefix[::-1], last.prefix[::-1]) + _common(around.suffix, last.suffix)


def _common(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


class _Passage(NamedTuple):
    score: float
    start: int
    end: int


_NONE = _Passage(0, 0, 0)


def _near(quote: str, text: str) -> Span | None:
    best = _nearest(quote, text)
    if best.score < ALIKE:
        return None
    others = max(_nearest(quote, text[: best.start]).score, _nearest(quote, text[best.end :]).score)
    return span_at(text, best.start, best.end) if best.score - others >= CLEARLY else None


def _nearest(quote: str, text: str) -> _Passage:
    """The passage most like a quote, from word to word; what is far from any is not looked at closely."""
    found = fuzz.partial_ratio_alignment(quote, text, score_cutoff=ALIKE - 20)
    if found is None or found.dest_start == found.dest_end:
        return _NONE
    start, end, reach = found.dest_start, found.dest_end, max(AGREEING, len(quote) // 5)
    ends = [place for place in _edges(text, end, reach) if place > start]
    end = max([end, *ends], key=lambda place: fuzz.ratio(quote, text[start:place]))
    starts = [place for place in _edges(text, start, reach) if place < end]
    start = max([start, *starts], key=lambda place: fuzz.ratio(quote, text[place:end]))
    return _Passage(fuzz.ratio(quote, text[start:end]), start, end)


def _edges(text: str, near: int, reach: int) -> list[int]:
    """Where words begin or end about a place."""
    around = range(max(0, near - reach), min(len(text), near + reach) + 1)
    return [place for place in around if _word(text, place - 1) != _word(text, place)]


def _word(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isalnum()
