"""Finding a quote again after its source's text was replaced: exactly, or as the one passage nearly the same."""

from itertools import takewhile
from typing import NamedTuple

from rapidfuzz import fuzz

from app.store.quotes.anchor import Span, span_at

MIN_SIMILARITY = 90
"""Similarity to a quote, from 0 to 100 (`rapidfuzz.fuzz.ratio`), from which a passage counts as its new wording."""
MIN_LEAD = 5
"""By how much a passage must be more similar to the quote than any other passage."""
MIN_CONTEXT_LEAD = 8
"""Code points of context by which one of several places must agree more than any other place."""
MAX_OCCURRENCES = 1000
"""A quote that occurs more often is not found, since its context would have to be compared at each place."""


def relocate(quote: str, text: str, last: Span) -> Span | None:
    """Find a quote, which was at `last` in the former text, in this text; return nothing if that is uncertain."""
    if text.startswith(quote, last.start):
        return span_at(text, last.start, last.start + len(quote))
    places = _occurrences(quote, text)
    if places:
        start = _unambiguous(places, quote, text, last)
        return None if start is None else span_at(text, start, start + len(quote))
    return _similar_passage(quote, text)


def is_like(quote: str, passage: str) -> bool:
    """Whether a passage is similar enough to a quote to count as its new wording."""
    return fuzz.ratio(quote, passage) >= MIN_SIMILARITY


def _occurrences(quote: str, text: str) -> list[int]:
    found: list[int] = []
    at = text.find(quote)
    while at >= 0 and len(found) <= MAX_OCCURRENCES:
        found.append(at)
        at = text.find(quote, at + 1)
    return found


def _unambiguous(places: list[int], quote: str, text: str, last: Span) -> int | None:
    """The only place of a quote, or the one whose context agrees with that of its last place; nothing if unclear."""
    if len(places) == 1:
        return places[0]
    if len(places) > MAX_OCCURRENCES:
        return None
    agreeing = sorted((_context_agreement(text, place, place + len(quote), last), place) for place in places)
    (second, _), (best, place) = agreeing[-2:]
    return place if best - second >= MIN_CONTEXT_LEAD else None


def _context_agreement(text: str, start: int, end: int, last: Span) -> int:
    around = span_at(text, start, end)
    return _common_prefix(around.prefix[::-1], last.prefix[::-1]) + _common_prefix(around.suffix, last.suffix)


def _common_prefix(one: str, other: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


class _Passage(NamedTuple):
    score: float
    start: int
    end: int


_NONE = _Passage(0, 0, 0)


def _similar_passage(quote: str, text: str) -> Span | None:
    best = _most_similar(quote, text)
    if best.score < MIN_SIMILARITY:
        return None
    others = max(_most_similar(quote, text[: best.start]).score, _most_similar(quote, text[best.end :]).score)
    return span_at(text, best.start, best.end) if best.score - others >= MIN_LEAD else None


def _most_similar(quote: str, text: str) -> _Passage:
    """The passage most similar to a quote, whose ends are moved to the word boundaries that make it most similar.

    Where no passage comes near `MIN_SIMILARITY`, none is returned and no ends are tried.
    """
    found = fuzz.partial_ratio_alignment(quote, text, score_cutoff=MIN_SIMILARITY - 20)
    if found is None or found.dest_start == found.dest_end:
        return _NONE
    start, end, reach = found.dest_start, found.dest_end, max(MIN_CONTEXT_LEAD, len(quote) // 5)
    ends = [place for place in _word_boundaries(text, end, reach) if place > start]
    end = max([end, *ends], key=lambda place: fuzz.ratio(quote, text[start:place]))
    starts = [place for place in _word_boundaries(text, start, reach) if place < end]
    start = max([start, *starts], key=lambda place: fuzz.ratio(quote, text[place:end]))
    return _Passage(fuzz.ratio(quote, text[start:end]), start, end)


def _word_boundaries(text: str, near: int, reach: int) -> list[int]:
    """The places within `reach` of a place at which a word begins or ends."""
    around = range(max(0, near - reach), min(len(text), near + reach) + 1)
    return [place for place in around if _is_word(text, place - 1) != _is_word(text, place)]


def _is_word(text: str, place: int) -> bool:
    return 0 <= place < len(text) and text[place].isalnum()
