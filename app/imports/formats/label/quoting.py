"""What a record says in a label's own words, and where in the label's text they stand."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from app.imports.formats.label.codes import NAMES
from app.imports.formats.label.text import Block, Rendered, Section, Span

LONGEST = 20_000
"""Code points of a statement, and of a quote."""
MOST_QUOTES = 100
LONGEST_NAME = 300
LONGEST_ID = 120
BETWEEN = "\n\n"

_NUMBER = re.compile(r"^(?:section\s+)?\d+(?:\.\d+)*\.?(?:\s+|(?=[A-Z]))", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?][)\]”\"']*(?=\s)|\n")


class Said(NamedTuple):
    statement: str
    spans: tuple[Span, ...]
    cut: bool


def cut_short(words: str, longest: int = LONGEST_NAME) -> str:
    """At most so long, cut between words."""
    if len(words) <= longest:
        return words
    kept, _, _ = words[: longest - 1].rpartition(" ")
    return (kept or words[: longest - 1]).rstrip(" ,;:-") + "…"


def slug(words: str) -> str:
    """As an id's part; a letter with an accent becomes the letter, any other sign a hyphen."""
    apart = unicodedata.normalize("NFKD", words.replace("’", "").replace("'", "")).casefold()
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def without_number(heading: str) -> str:
    return _NUMBER.sub("", heading, count=1)


def heading_span(label: Rendered, section: Section) -> Span | None:
    """A section's heading without its number."""
    if section.heading is None:
        return None
    words = label.at(section.heading)
    rest = without_number(words)
    return Span(section.heading.end - len(rest), section.heading.end) if rest else section.heading


def title_of(label: Rendered, section: Section) -> str:
    """A section's heading without its number; the code's own name where it has none or only shouts it."""
    span = heading_span(label, section)
    usual = NAMES.get(section.code or "", "")
    words = "" if span is None else label.at(span)
    if usual and (not words or (words.isupper() and words.casefold() == usual.casefold())):
        return usual
    return words


def path(label: Rendered, sections: Sequence[Section]) -> str:
    """Where something stands: the outermost section's code, then the headings down to it."""
    headings = [label.at(section.heading) for section in sections if section.heading]
    names = headings or [NAMES.get(sections[0].code or "", "")]
    return cut_short(f"{sections[0].code or ''} {' > '.join(names)}".strip())


def all_blocks(section: Section) -> Iterator[Block]:
    """Its own blocks, then those of the sections in it under their headings."""
    yield from section.blocks
    for inner in section.sections:
        if inner.heading:
            yield Block("heading", inner.heading, inner.heading)
        yield from all_blocks(inner)


def _runs(blocks: Iterable[Block | None]) -> Iterator[Span]:
    """Spans of blocks that follow each other; nothing in between breaks them."""
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
    """As much of a span as there is room for, up to the end of a sentence; empty where none fits."""
    if span.end - span.start <= room:
        return span
    ends = [found.end() for found in _SENTENCE_END.finditer(text, span.start, span.start + max(room, 0))]
    end = ends[-1] if ends else span.start
    return Span(span.start, span.start + len(text[span.start : end].rstrip()))


def said(label: Rendered, blocks: Iterable[Block | None]) -> Said | None:
    """The words of some blocks; `None` among them stands for what is left out."""
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
    return Said(statement, tuple(spans), cut) if statement.strip() else None


def quotes(label: Rendered, source: str, section: str, spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [
        {"source": source, "section": section, "quote": label.at(span), "start": span.start}
        for span in dict.fromkeys(spans)
    ]
