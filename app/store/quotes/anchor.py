"""Quotes: exact text of a stored source, found by what it says and where (W3C Web Annotation selectors)."""

from typing import NamedTuple

from rapidfuzz import fuzz

CONTEXT = 32
"""Code points kept before and after a quote, so that it can be found again in a changed text."""


class Span(NamedTuple):
    start: int
    end: int
    prefix: str
    suffix: str


class NotQuoted(Exception):
    """A quote that is not in its source, or not in one place; `near` is the most similar passage."""

    def __init__(self, detail: str, near: str | None = None) -> None:
        super().__init__(detail)
        self.detail, self.near = detail, near


def locate(quote: str, text: str, start: int | None = None) -> Span:
    """Where a quote stands in a text, in Unicode code points; raises `NotQuoted`."""
    found = text.find(quote) if start is None else start
    if found < 0 or text[found : found + len(quote)] != quote:
        where = "in its source's text" if start is None else f"at {start} of its source's text"
        raise NotQuoted(f"the quote is not {where}", nearest_passage(quote, text))
    again = text.find(quote, found + 1)
    if start is None and again >= 0:
        raise NotQuoted(f"the quote stands at {found} and at {again}; say which by `start`")
    return span_at(text, found, found + len(quote))


def span_at(text: str, start: int, end: int) -> Span:
    return Span(start, end, text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT])


def nearest_passage(quote: str, text: str) -> str | None:
    """The passage most like a quote, or nothing where none is like it."""
    found = fuzz.partial_ratio_alignment(quote, text, score_cutoff=60)
    if found is None:
        return None
    start = max(text.rfind(gap, 0, found.dest_start + 1) for gap in " \n") + 1
    ends = [end for gap in " \n" if (end := text.find(gap, found.dest_end)) >= 0]
    return text[start : min(ends, default=len(text))].strip()
