"""The uses that the section on indications states: of each, the condition, the people and the limits.

A use is named by the heading of a part of the section, by an item of a list, or by a sentence of a paragraph. What the
label denies, and what it calls limitations, limits the uses beside it and makes none.
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from app.imports.formats.label.conditions import (
    LONGEST_CONDITION,
    Condition,
    conditions_of,
    first_sentence,
    last_sentence,
    named_conditions,
    population_of,
    sentences,
    trimmed,
)
from app.imports.formats.label.drafting import Draft, Group, groups
from app.imports.formats.label.quoting import LONGEST, heading_span
from app.imports.formats.label.text import Block, Section, Span

_LIMITATION = re.compile(r"\b(?:limitations?|limited) (?:of|to) use\b|\bimportant limitations?\b", re.I)
_NOT = re.compile(
    r"\bnot (?:been (?:established|studied|shown|demonstrated|evaluated|approved)|indicated|approved|recommended|"
    r"intended|for\b)|"
    r"\b(?:should|must|do|does) (?:not|never)\b|\bcontraindicated\b",
    re.I,
)
_OF_OTHERS = re.compile(
    r"(?<!\bnot )\bindicated\b|\b(?:who|whom|whose|that|which|when|where|if|unless|because)\b", re.I
)
"""Words after which a `not` is about patients or other products: `indicated for patients who have not been ...`."""
_AFFIRMED = re.compile(
    r"(?<!\bnot )\b(?:indicated|useful|effective|approved)\b|\b(?:is|are|may be|can be) used\b|^(?:for|to)\b", re.I
)
_RUN_IN = re.compile(r"[A-Z][^.:;\n]{2,80}?(?=:|\s[–—-]\s|\n)")
"""A heading at the start of a paragraph: `Hypertension: X is indicated ...`."""
_ANNOUNCED = re.compile(r"\bfollowing\b|\bbelow\b|\b(?:indicated|used) (?:for|in|as|to)?\s*:$", re.I)
_INTRODUCTION = re.compile(r"(?:In|For) (?P<people>[^:]{3,300}),\s+(?:\S+\s+){1,4}(?:is|are) indicated\b")
_NOT_A_CONDITION = re.compile(
    r"(?:(?:in|for|use|usage|general|adults?|adolescents?|children|p(?:a)?ediatrics?|patients?|populations?|infants?|"
    r"years?|months?|of|age|and|or|older|to|the|mono-?therapy|combination|therapy|indications?|recommended|\d+|x|rx|"
    r"otc|uses?|only)[\s,–-]*)+",
    re.I,
)
"""A heading made of such words says for whom or how, and not what for."""


class Use(NamedTuple):
    """A use of the product that the label states."""

    condition: Condition
    quoted: tuple[Span, ...]
    sections: tuple[Section, ...]


class Uses(NamedTuple):
    """The uses that a part of the section states, and the passages that limit them."""

    found: tuple[Use, ...]
    limits: tuple[Span, ...]


def _is_denied(text: str, span: Span) -> bool:
    """Whether a text states first what the product is not indicated for."""
    first = first_sentence(text, span)
    return _denies(text[first.start : first.end])


def _introduces_denied(text: str, span: Span) -> bool:
    """Whether a text ends by introducing a list of what the product is not indicated for."""
    words = text[span.start : span.end].rstrip()
    return words.endswith(":") and _denies(last_sentence(text, span))


def _denies(sentence: str) -> bool:
    found = _NOT.search(sentence)
    return found is not None and not _OF_OTHERS.search(sentence, 0, found.start())


def _leaves(blocks: list[Block], text: str) -> Iterator[Block]:
    """List items that name a condition.

    An item that only introduces a nested list (it ends in ':', 'to' or 'of') is replaced by its children.
    """
    skipped: int | None = None
    items = [block for block in blocks if block.kind == "item"]
    for block, following in zip_longest(items, items[1:]):
        if skipped is not None and block.level > skipped:
            continue
        skipped = None
        deeper = following is not None and following.level > block.level
        if deeper and _only_introduces(text[block.words.start : block.words.end]):
            continue
        skipped = block.level if deeper else None
        yield block


def _only_introduces(words: str) -> bool:
    return words.rstrip().endswith((":", " to", " of", " for")) and len(words) < 120


class _Reading:
    """Splits the blocks of a part of the section into those that affirm a use and those that limit it."""

    def __init__(self, draft: Draft, group: Group) -> None:
        self.draft, self.text = draft, draft.label.text
        self.affirmed: list[Block] = []
        self.limits: list[Span] = []
        self._denied_from: int | None = None
        """The level of the list that introduces what is denied; deeper items belong to it."""
        for block in filter(None, group.blocks):
            if self._is_limit(block):
                self.limits.append(block.span)
            else:
                self.affirmed.append(block)

    def _is_limit(self, block: Block) -> bool:
        if self._denied_from is not None and block.kind == "item" and block.level > self._denied_from:
            return True
        if self._denied_from == -1:
            return True
        self._denied_from = None
        if _LIMITATION.search(self.text[block.span.start : block.span.end][:80]):
            self._denied_from = -1
            return True
        denied = _is_denied(self.text, block.words)
        if denied or _introduces_denied(self.text, block.words):
            self.draft.warn("use-denied", " ".join(self.draft.label.at(block.words).split()))
            self._denied_from = block.level
        return denied


class _Listing:
    """Follows the paragraphs of a part: which of them introduce a list, of whom, and which are items of one."""

    def __init__(self, reading: _Reading) -> None:
        self._text = reading.text
        self._items = {block.span for block in _leaves(reading.affirmed, reading.text)}
        self._is_open = False
        self.people: str | None = None

    def conditions(self, block: Block, following: Block | None) -> Iterator[Condition]:
        """Yields the conditions that a block names."""
        if block.kind == "paragraph" and self._introduces(block, following):
            return
        if block.span in self._items or (self._is_open and block.kind == "paragraph"):
            yield from conditions_of(self._text, first_sentence(self._text, block.words))
        elif block.kind == "paragraph":
            yield from _of_paragraph(self._text, block.words)

    def _introduces(self, block: Block, following: Block | None) -> bool:
        """Takes note of a paragraph; returns whether it only introduces a list."""
        leads = following is not None and following.kind == "item"
        self.people = _introduced_people(self._text, block.words) if leads else None
        self._is_open = not leads and _is_listed(self._text, block.words, is_open=self._is_open)
        return leads or (self._is_open and _lists(self._text, block.words))


def _stated(reading: _Reading, sections: tuple[Section, ...]) -> Iterator[Use]:
    """Yields the uses that the list items name, and those that paragraphs state in a sentence."""
    listing = _Listing(reading)
    for block, following in zip_longest(reading.affirmed, reading.affirmed[1:]):
        for condition in listing.conditions(block, following):
            people = condition.population or listing.people
            yield Use(condition._replace(population=people), (block.words,), sections)


def _first_stated(reading: _Reading, sections: tuple[Section, ...]) -> Iterator[Use]:
    """Yields the uses of the first paragraph, if it names them in other words than those that are looked for."""
    for block in [block for block in reading.affirmed if block.kind == "paragraph"][:1]:
        for condition in conditions_of(reading.text, first_sentence(reading.text, block.words)):
            yield Use(condition, (block.words,), sections)


def _lists(text: str, words: Span) -> bool:
    """Whether a paragraph announces paragraphs that each name a condition: `indicated in the following conditions:`."""
    said = text[words.start : words.end].rstrip()
    return said.endswith(":") and bool(_ANNOUNCED.search(said))


def _is_listed(text: str, words: Span, *, is_open: bool) -> bool:
    """Whether a paragraph announces such a list, or goes on with it."""
    said = text[words.start : words.end]
    return _lists(text, words) or (is_open and len(said) <= LONGEST_CONDITION and not _affirms(said))


def _introduced_people(text: str, words: Span) -> str | None:
    """The people of whom a paragraph introduces a list: `In patients with diabetes, X is indicated to:`."""
    last = last_sentence(text, words)
    found = _INTRODUCTION.match(last)
    return found["people"] if found else population_of(last)


def _of_paragraph(text: str, words: Span) -> Iterator[Condition]:
    """Yields the conditions of each sentence that affirms a use; a heading at the paragraph's start names its own."""
    affirming = [each for each in sentences(text, words) if _affirms(text[each.start : each.end])]
    heading = _RUN_IN.match(text, words.start, words.end)
    if affirming and heading and not _affirms(heading[0]) and not _NOT_A_CONDITION.fullmatch(heading[0]):
        whole = population_of(text[words.start : words.end])
        yield Condition(trimmed(text, Span(heading.start(), heading.end())), False, whole)
        return
    for sentence in affirming:
        yield from named_conditions(text, sentence)


def _affirms(sentence: str) -> bool:
    return bool(_AFFIRMED.search(sentence.strip())) and not _denies(sentence)


def _titled_use(draft: Draft, group: Group) -> Use | None:
    """The use that a heading names, unless the heading only says for whom or how the product is used."""
    name = heading_span(draft.label, group.section)
    if name is None or _NOT_A_CONDITION.fullmatch(draft.label.at(name)):
        return None
    blocks = [block for block in group.blocks if block]
    end = max((name.end, *(block.span.end for block in blocks)))
    whole = Span(group.section.heading.start if group.section.heading else name.start, end)
    is_list = any(block.kind == "item" for block in blocks)
    population = None if is_list else population_of(draft.label.text[name.end : min(end, name.end + 2000)])
    return Use(Condition(name, False, population), (whole if end - whole.start <= LONGEST else name,), group.sections)


def _is_limitation(draft: Draft, group: Group) -> bool:
    """Whether a heading says that its part limits the uses."""
    span = heading_span(draft.label, group.section)
    heading = draft.label.at(span) if span else ""
    return bool(_LIMITATION.search(heading)) or _denies(heading)


def _uses_of(draft: Draft, group: Group, *, is_only: bool) -> Uses:
    """The uses of one part: the one of its heading, and those that its list names or, without both, its text."""
    if group.is_part and _is_limitation(draft, group):
        return Uses((), tuple(block.span for block in group.blocks if block))
    reading = _Reading(draft, group)
    limits = tuple(reading.limits)
    titled = _titled_use(draft, group) if group.is_part else None
    if titled is None:
        return Uses(_of_text(reading, group, or_first=is_only or group.is_part), limits)
    is_list = any(block.kind == "item" for block in reading.affirmed)
    return Uses((titled, *(_of_text(reading, group, or_first=True) if is_list else ())), limits)


def _of_text(reading: _Reading, group: Group, *, or_first: bool) -> tuple[Use, ...]:
    stated = tuple(_stated(reading, group.sections))
    return stated if stated or not or_first else tuple(_first_stated(reading, group.sections))


def uses_of(draft: Draft, section: Section) -> tuple[list[tuple[Use, tuple[Span, ...]]], tuple[Span, ...]]:
    """The uses of a section, each with the limits of its own part, and the limits of the whole section."""
    found = list(groups(section))
    uses: list[tuple[Use, tuple[Span, ...]]] = []
    shared: list[Span] = []
    for group in found:
        part = _uses_of(draft, group, is_only=len(found) == 1)
        uses += ((use, part.limits) for use in part.found)
        shared += () if part.found else part.limits
    return uses, tuple(shared)
