"""The mechanism of action in the words of the label."""

import re
from collections.abc import Iterator

from app.imports.formats.label.codes import CLINICAL_PHARMACOLOGY, MECHANISM
from app.imports.formats.label.drafting import Draft, coded
from app.imports.formats.label.quoting import all_blocks, cut_short, heading_span, statement_of
from app.imports.formats.label.text import Block, Section

_MECHANISM = re.compile(r"\b(?:mechanisms?|modes?) of action\b", re.I)
_OTHER_PART = re.compile(
    r"(?:clinical |human )?(?:pharmaco(?:kinetic|genomic|dynamic)s?|absorption|distribution|metabolism|excretion|"
    r"elimination|special populations?|drug[- ]drug interactions?|drug interactions?|clinical (?:studies|trials)|"
    r"microbiology|bioavailability)\b",
    re.I,
)
"""The beginning of a paragraph or heading from which the section speaks of something else."""

Part = tuple[tuple[Section, ...], tuple[Block, ...]]
"""The sections from the outermost one to the one that states the mechanism, and its blocks."""


def _heading(draft: Draft, section: Section) -> str:
    span = heading_span(draft.label, section)
    return draft.label.at(span) if span else ""


def _headed(draft: Draft, sections: tuple[Section, ...]) -> Iterator[tuple[Section, ...]]:
    """Yields the outermost sections in a section whose headings name the mechanism, each with those around it."""
    for inner in sections[-1].sections:
        if _MECHANISM.search(_heading(draft, inner)):
            yield (*sections, inner)
        else:
            yield from _headed(draft, (*sections, inner))


def _beginning(draft: Draft, section: Section) -> Iterator[Block]:
    """Yields the section's own blocks up to the first that begins with another theme, such as pharmacokinetics."""
    for block in section.blocks:
        if _OTHER_PART.match(draft.label.at(block.words)):
            return
        yield block


def _of_pharmacology(draft: Draft) -> Iterator[Part]:
    """Yields what labels without a coded section state: a part of clinical pharmacology that is headed so, or else how
    that section begins.
    """
    for section in coded(draft.label.sections, CLINICAL_PHARMACOLOGY):
        headed = [*_headed(draft, (section,))]
        yield from ((sections, tuple(all_blocks(sections[-1]))) for sections in headed)
        if not headed:
            yield (section,), tuple(_beginning(draft, section))


def add_mechanisms(draft: Draft) -> None:
    """Adds a candidate for each section on the mechanism of action."""
    sections = coded(draft.label.sections, MECHANISM)
    parts: list[Part] = [((section,), tuple(all_blocks(section))) for section in sections]
    for sections_around, blocks in parts or _of_pharmacology(draft):
        _add(draft, sections_around, blocks)


def _add(draft: Draft, sections: tuple[Section, ...], blocks: tuple[Block, ...]) -> None:
    statement = statement_of(draft.label, blocks)
    if statement is None:
        return
    title = f"Mechanism of action of {draft.product_name}"
    if statement.cut:
        draft.warn("cut-short", title)
    data = {
        "id": draft.id("mechanisms", "mechanism-of-action"),
        "title": cut_short(title),
        "summary": statement.statement,
        "products": [draft.product],
        "provenance": draft.provenance(sections, statement.spans),
    }
    draft.add("mechanisms", data)
