"""Statements and quotes in the words of a label, with their positions in its text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from app.imports.formats.label.codes import NAMES
from app.imports.formats.label.text import Block, LabelText, Section, Span

LONGEST = 20_000
"""The most code points of a statement or a quote."""
MOST_QUOTES = 100
LONGEST_NAME = 300
LONGEST_ID = 120
BETWEEN = "\n\n"

_NUMBER = re.compile(r"^(?:section\s+)?\d+(?:\.\d+)*\.?(?:\s+|(?=[A-Z]))", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?][)\]”\"']*(?=\s)|\n")


class Statement(NamedTuple):
    """A statement in the words of a label."""

    statement: str
    spans: tuple[Span, ...]
    cut: bool
    """Whether the label says more than fits."""


def cut_short(words: str, longest: int = LONGEST_NAME) -> str:
    """Cuts a text to a length between two words, and marks the cut with an ellipsis."""
    if len(words) <= longest:
        return words
    kept, _, _ = words[: longest - 1].rpartition(" ")
    return (kept or words[: longest - 1]).rstrip(" ,;:-") + "…"


def without_number(heading: str) -> str:
    return _NUMBER.sub("", heading, count=1)


def heading_span(label: LabelText, section: Section) -> Span | None:
    """The span of a section's heading without its number."""
    if section.heading is None:
        return None
    words = label.at(section.heading)
    rest = without_number(words)
    return Span(section.heading.end - len(rest), section.heading.end) if rest else section.heading


def title_of(label: LabelText, section: Section) -> str:
    """The heading of a section without its number. The usual name of its LOINC code is taken if there is no heading, or
    if the heading is that name in capitals.
    """
    span = heading_span(label, section)
    usual = NAMES.get(section.code or "", "")
    words = "" if span is None else label.at(span)
    if usual and (not words or (words.isupper() and words.casefold() == usual.casefold())):
        return usual
    return words


def path(label: LabelText, sections: Sequence[Section]) -> str:
    """The place of a quote: the code of the outermost section, and the headings from there down to the quote."""
    headings = [label.at(section.heading) for section in sections if section.heading]
    names = headings or [NAMES.get(sections[0].code or "", "")]
    return cut_short(f"{sections[0].code or ''} {' > '.join(names)}".strip())


def all_blocks(section: Section) -> Iterator[Block]:
    """Yields the blocks of a section, and then the headings and blocks of the sections in it."""
    yield from section.blocks
    for inner in section.sections:
        if inner.heading:
            yield Block("heading", inner.heading, inner.heading)
        yield from all_blocks(inner)


def _runs(blocks: Iterable[Block | None]) -> Iterator[Span]:
    """Yields one span for each run of blocks without `None` between them."""
    run: Span | None = None
    for block in blocks:
        if block is None:
            if run:
                yield run
            run = None
        else:
            run = Span(run.start if run else block.span.start, block.span.end)
    if run:
        yield run


def fitting(text: str, span: Span, room: int = LONGEST) -> Span:
    """The span cut at the end of the last sentence that fits into `room` code points; empty if none fits."""
    if span.end - span.start <= room:
        return span
    ends = [found.end() for found in _SENTENCE_END.finditer(text, span.start, span.start + max(room, 0))]
    end = ends[-1] if ends else span.start
    return Span(span.start, span.start + len(text[span.start : end].rstrip()))


def statement_of(label: LabelText, blocks: Iterable[Block | None]) -> Statement | None:
    """The statement made of some blocks, or `None` if they have no text. `None` among them marks an omission."""
    spans: list[Span] = []
    room, cut = LONGEST, False
    for run in _runs(blocks):
        kept = fitting(label.text, run, room)
        cut = cut or kept != run or len(spans) == MOST_QUOTES
        if kept.end > kept.start and len(spans) < MOST_QUOTES:
            spans.append(kept)
            room -= kept.end - kept.start + len(BETWEEN)
        if cut:
            break
    statement = BETWEEN.join(label.at(span) for span in spans)
    return Statement(statement, tuple(spans), cut) if statement.strip() else None


def quotes(label: LabelText, source: str, section: str, spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [
        {"source": source, "section": section, "quote": label.at(span), "start": span.start}
        for span in dict.fromkeys(spans)
    ]
