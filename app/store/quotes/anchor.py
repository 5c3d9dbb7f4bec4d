"""Anchoring quotes: finding exact text in a stored source.

A quote is described by the TextQuoteSelector and TextPositionSelector of the W3C Web Annotation Data Model. All offsets
are in Unicode code points, and ends are exclusive.
"""

from typing import NamedTuple

from rapidfuzz import fuzz

CONTEXT = 32
"""Code points kept from before and after a quote, by which it is found again in a changed text."""


class Span(NamedTuple):
    """A place `[start, end)` in a text, and the text just before and after it."""

    start: int
    end: int
    prefix: str
    suffix: str


class NotQuoted(Exception):
    """A quote is not in its source, or is in several places; `near` is the most similar passage, if there is one."""

    def __init__(self, detail: str, near: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.near = detail, near


def locate(quote: str, text: str, start: int | None = None) -> Span:
    """Find a quote in a text: at `start`, or anywhere if that is not given.

    Raises `NotQuoted` if it is not there, or if it occurs more than once and `start` is not given.
    """
    found = text.find(quote) if start is None else start
    if found < 0 or text[found : found + len(quote)] != quote:
        where = "in its source's text" if start is None else f"at {start} of its source's text"
        raise NotQuoted(f"the quote is not {where}", nearest_passage(quote, text))
    again = text.find(quote, found + 1)
    if start is None and again >= 0:
        raise NotQuoted(f"the quote stands at {found} and at {again}; say which by `start`")
    return span_at(text, found, found + len(quote))


def span_at(text: str, start: int, end: int) -> Span:
    """The span of `[start, end)` in a text, with `CONTEXT` code points before and after it."""
    return Span(start, end, text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT])


def nearest_passage(quote: str, text: str) -> str | None:
    """The passage most similar to a quote, extended to whole words, or nothing if none is at least 60 % similar."""
    found = fuzz.partial_ratio_alignment(quote, text, score_cutoff=60)
    if found is None:
        return None
    start = max(text.rfind(gap, 0, found.dest_start + 1) for gap in " \n") + 1
    ends = [end for gap in " \n" if (end := text.find(gap, found.dest_end)) >= 0]
    return text[start : min(ends, default=len(text))].strip()
