"""The indications of a label: one for each titled part of the section, or for each list item."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import NamedTuple

from app.imports.formats.label.codes import INDICATIONS
from app.imports.formats.label.drafting import Draft, Group, coded, groups
from app.imports.formats.label.linking import known_indication
from app.imports.formats.label.quoting import cut_short, heading_span, slug
from app.imports.formats.label.text import Block, Section, Span
from app.records.base_models import fold

MOST = 100
LONGEST_SENTENCE = 2000
LONGEST_CONDITION = 150
"""The longest name of a condition; a longer text is a sentence about it."""

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
_ACTIONS = re.compile(
    r"\b(?:treatment|management|relief|prevention|prophylaxis) of (?:the )?(?:signs and symptoms of )?|"
    r"\b(?:relieves?|treats?|prevents?|reduces?) ",
    re.I,
)
_CROSS_REFERENCE = re.compile(r"\s*[(\[](?:see )?[^()\[\]]{0,100}\d+(?:\.\d+)?[^()\[\]]{0,100}[)\]]\s*$", re.I)
_SENTENCE = re.compile(r"[.!?](?=\s|$)")
_END = " .;:,"
_OF_WHOM = re.compile(r" in (?:adults?|adolescents?|children|infants?|patients?|p(?:a)?ediatric|men|women)\b.*", re.I)


class Use(NamedTuple):
    """A use of the product that the label states."""

    name: Span
    """The name of the condition, or a sentence about it."""
    quoted: tuple[Span, ...]
    sections: tuple[Section, ...]
    is_sentence: bool
    """Whether the name is a sentence, because the label does not name the condition by itself."""


def _trimmed(text: str, span: Span) -> Span:
    """The span without a cross-reference, a full stop or a list's `and` or `or` at its end."""
    words = text[span.start : span.end]
    while True:
        shorter = _CROSS_REFERENCE.sub("", words).rstrip(_END)
        for joint in (" and", " or"):
            shorter = shorter.removesuffix(joint)
        if shorter == words:
            return Span(span.start, span.start + len(words))
        words = shorter


def _first_sentence(text: str, span: Span) -> Span:
    span = Span(span.start, min(span.end, span.start + LONGEST_SENTENCE))
    end = _SENTENCE.search(text, span.start, span.end)
    line = text.find("\n", span.start, span.end)
    return Span(span.start, min(end.start() if end else span.end, line if line >= 0 else span.end))


def _is_denied(text: str, span: Span) -> bool:
    """Whether a text states what the product is not indicated for, or introduces a list of that."""
    first = _first_sentence(text, span)
    words = text[span.start : span.end].rstrip()
    last = _SENTENCE.split(words)[-1] if words.endswith(":") else ""
    return any(_denies(sentence) for sentence in (text[first.start : first.end], last))


def _denies(sentence: str) -> bool:
    found = _NOT.search(sentence)
    return found is not None and not _OF_OTHERS.search(sentence, 0, found.start())


def _condition(text: str, span: Span) -> tuple[Span, bool]:
    """The condition that a sentence names after an action such as `treatment of`, or else the sentence."""
    sentence = _trimmed(text, _first_sentence(text, span))
    actions = list(_ACTIONS.finditer(text, sentence.start, sentence.end))
    if len(actions) == 1:
        named = _trimmed(text, Span(actions[0].end(), sentence.end))
        if 0 < named.end - named.start <= LONGEST_CONDITION:
            return named, False
    return sentence, len(actions) > 0 or sentence.end - sentence.start > LONGEST_CONDITION


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
        if deeper and text[block.words.start : block.words.end].rstrip().endswith((":", " to", " of")):
            continue
        skipped = block.level if deeper else None
        yield block


def _affirmed(draft: Draft, group: Group) -> Iterator[Block]:
    """Yields the blocks before the first one that states what the product is not indicated for."""
    text = draft.label.text
    for block in filter(None, group.blocks):
        if _LIMITATION.search(text[block.span.start : block.span.end][:80]):
            return
        if _is_denied(text, block.words):
            draft.warn("use-denied", " ".join(draft.label.at(block.words).split()))
            return
        yield block


def _own_uses(draft: Draft, group: Group) -> Iterator[Use]:
    text, blocks = draft.label.text, list(_affirmed(draft, group))
    leaves = list(_leaves(blocks, text)) or [block for block in blocks if block.kind == "paragraph"][:1]
    for block in leaves:
        name, is_sentence = _condition(text, block.words)
        if name.end > name.start:
            yield Use(name, (block.words,), group.sections, is_sentence)


def _titled_use(draft: Draft, group: Group) -> Use | None:
    name = heading_span(draft.label, group.section)
    if name is None or _LIMITATION.search(draft.label.at(name)):
        return None
    last = max((block.span.end for block in group.blocks if block), default=name.end)
    start = group.section.heading.start if group.section.heading else name.start
    whole = Span(start, max(last, name.end))
    quoted = whole if whole.end - whole.start <= 20_000 else name
    return Use(name, (quoted,), group.sections, False)


def _uses(draft: Draft, section: Section) -> Iterator[Use]:
    found = list(groups(section))
    parts = [group for group in found if group.is_part]
    if parts:
        yield from (use for group in parts if (use := _titled_use(draft, group)))
    else:
        for group in found:
            yield from _own_uses(draft, group)


def _new(draft: Draft, use: Use, name: str) -> str:
    own = slug(name)[:115].strip("-")
    short = bool(own) and not use.is_sentence and len(own) <= 100
    id = draft.unique("indications", own) if short else draft.id("indications", "indication", own or "unnamed")
    provenance = draft.provenance(use.sections, use.quoted)
    draft.add("indications", {"id": id, "name": cut_short(name), "provenance": provenance})
    return id


def add_indications(draft: Draft) -> dict[str, str]:
    """Adds candidates for conditions that are not stored yet; returns the ids of all, by folded name."""
    ids: dict[str, str] = {}
    for section in coded(draft.label.sections, INDICATIONS):
        for use in _uses(draft, section):
            name = " ".join(draft.label.at(use.name).split())
            key = fold("indications", name)
            if key in ids or len(ids) >= MOST:
                continue
            known = known_indication(name, draft.names) or known_indication(_OF_WHOM.sub("", name), draft.names)
            if known:
                draft.warn("indication-known", f"{name} is {known}")
            elif len(name) > 300:
                draft.warn("cut-short", f"indication: {name}")
            ids[key] = known or _new(draft, use, name)
    return ids
