"""Safety notes: one for each part of the sections on risks, and one for each table of frequencies."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.imports.formats.label.codes import (
    ABSOLUTE,
    ADVERSE_REACTIONS,
    BOXED,
    IMMUNOGENICITY,
    KINDS,
    OVERDOSAGE,
    PATIENTS,
)
from app.imports.formats.label.drafting import Draft, Group, groups
from app.imports.formats.label.frequencies import read_frequencies
from app.imports.formats.label.quoting import cut_short, fitting, heading_span, statement_of, title_of
from app.imports.formats.label.text import Block, Section, Span
from app.records.vocabularies import SafetyKind

MOST_FREQUENCIES = 2000
_ELSEWHERE = re.compile(r"\b(?:discussed|described)\b[^.]{0,80}\b(?:elsewhere|other sections?|detail)\b", re.I)
_NOTHING = re.compile(
    r"(?:there are )?(?:none|no known contraindications)(?: known)?(?:\s*[\[(][^\[\]()]{0,200}[\])])?\.?", re.I
)
_NUMBERED = re.compile(r"^table\s+[0-9a-z]{1,4}\s*[.:–—-]?\s+", re.I)
_CAPTION = re.compile(r"^table\s+\d", re.I)


class CaptionedTable(NamedTuple):
    """A table with its caption."""

    table: Block
    caption: Span | None


_SEAL = re.compile(
    r"\btamper|\b(?:seals?|bands?|blisters?|pouch(?:es)?|foil|cap|cartons?|wrap(?:per)?|package|bottle|safety film)\b"
    r"[^.]{0,80}\b(?:broken|missing|torn|damaged|opened?|open|punctured|imprinted|disturbed|cut)\b",
    re.I,
)
"""What labels say of a seal that shows whether a package was opened. It is no risk of the product."""
_LONGEST_SEAL = 400


def _kind(draft: Draft, group: Group) -> SafetyKind | None:
    """The kind of a note. A boxed warning is a section of the document itself; elsewhere its code has no meaning."""
    outer, section = group.sections[0], group.section
    if section.code == PATIENTS:
        return None
    if section.code == IMMUNOGENICITY or title_of(draft.label, section).casefold() == "immunogenicity":
        return "immunogenicity"
    own = None if outer.code in ABSOLUTE or section.code == BOXED else KINDS.get(section.code or "")
    return own or KINDS.get(outer.code or "")


def _relevant(sections: Iterable[Section], *, is_document: bool = True) -> Iterator[Group]:
    """Yields the groups of the outermost sections on risks; a boxed warning is one only in the document itself."""
    for section in sections:
        if section.code in KINDS and (is_document or section.code != BOXED):
            yield from groups(section)
        else:
            yield from _relevant(section.sections, is_document=False)


def _is_about_seal(draft: Draft, group: Group) -> bool:
    words = " ".join(draft.label.at(block.span) for block in group.blocks if block)
    return len(words) <= _LONGEST_SEAL and bool(_SEAL.search(words))


def _only_refers(draft: Draft, group: Group) -> bool:
    """Whether the text before the subsections only says where in the label the reactions are described."""
    if group.is_part or group.section.code != ADVERSE_REACTIONS or not group.section.sections:
        return False
    first = next((block for block in group.blocks if block), None)
    return first is not None and bool(_ELSEWHERE.search(draft.label.at(first.span)[:400]))


def _tables(draft: Draft, group: Group) -> list[CaptionedTable]:
    """The tables of a group. If a table has no caption, a paragraph before it such as `Table 2 ...` is its caption."""
    found: list[CaptionedTable] = []
    before: Block | None = None
    for block in group.blocks:
        if block and block.table:
            named = before and before.kind == "paragraph" and _CAPTION.match(draft.label.at(before.span))
            found.append(CaptionedTable(block, block.caption or (before.span if before and named else None)))
        before = block
    return found


def _words(group: Group, tables: list[CaptionedTable]) -> tuple[Block | None, ...]:
    """The blocks of a group with `None` in place of tables and their captions."""
    aside = {found.table.span for found in tables} | {found.caption for found in tables if found.caption}
    return tuple(None if block is None or block.span in aside else block for block in group.blocks)


def _add_note(draft: Draft, group: Group, kind: SafetyKind, title: str, blocks: Iterable[Block | None]) -> None:
    statement = statement_of(draft.label, blocks)
    heading = heading_span(draft.label, group.section)
    if statement is None and not any(group.blocks) and heading and group.is_part:
        statement = statement_of(draft.label, (Block("heading", heading, heading),))
    if statement is None:
        return
    if _NOTHING.fullmatch(statement.statement):
        draft.warn("nothing-stated", f"{title}: {statement.statement}")
        return
    if statement.cut:
        draft.warn("cut-short", f"{kind}: {title}")
    data = {
        "id": draft.id("safety-notes", kind, title),
        "kind": kind,
        "title": cut_short(title),
        "statement": statement.statement,
        "products": [draft.product],
        "provenance": draft.provenance(group.sections, statement.spans),
    }
    draft.add("safety-notes", data)


def _table_title(draft: Draft, found: CaptionedTable, title: str) -> tuple[str, Span]:
    """The title of the note on a table, and its statement: the caption, or else the first line of the table."""
    if found.caption:
        words = " ".join(draft.label.at(found.caption).split())
        return _NUMBERED.sub("", words) or words, found.caption
    line = draft.label.text.find("\n", found.table.span.start)
    return f"{title}: table", Span(found.table.span.start, min(line, found.table.span.end))


def _quoted(statement: Span, table: Span) -> tuple[Span, ...]:
    """The spans to quote: the table, and before it the statement unless that is part of the table."""
    within = table.start <= statement.start and statement.end <= table.end
    return (table,) if within else (statement, table)


def _add_table(draft: Draft, group: Group, kind: SafetyKind, found: CaptionedTable) -> None:
    table = found.table.table
    if table is None:
        return
    caption = draft.label.at(found.caption) if found.caption else ""
    result = read_frequencies(table._replace(caption=caption))
    title, statement = _table_title(draft, found, title_of(draft.label, group.section))
    for cell in result.left_out:
        draft.warn("frequency-left-out", f"{title}: {cell}")
    for numbers in result.inconsistent:
        draft.warn("inconsistent-frequency", f"{title}: {numbers}")
    if not result.frequencies:
        draft.warn("table-not-read", title)
        return
    if len(result.frequencies) > MOST_FREQUENCIES:
        draft.warn("cut-short", f"{title}: {len(result.frequencies)} frequencies")
    statement = fitting(draft.label.text, statement)
    data = {
        "id": draft.id("safety-notes", kind, title),
        "kind": kind,
        "title": cut_short(title),
        "statement": draft.label.at(statement),
        "frequencies": result.frequencies[:MOST_FREQUENCIES],
        "products": [draft.product],
        "provenance": draft.provenance(group.sections, _quoted(statement, fitting(draft.label.text, found.table.span))),
    }
    draft.add("safety-notes", data)


def _add_group(draft: Draft, group: Group, kind: SafetyKind) -> None:
    title = title_of(draft.label, group.section)
    if not title:
        return
    if kind == "boxed-warning" and _is_about_seal(draft, group):
        draft.warn("tamper-evident-text", title)
        return
    if _only_refers(draft, group):
        draft.warn("only-cross-references", title)
        return
    tables = _tables(draft, group) if kind == "adverse-reaction" else []
    _add_note(draft, group, kind, title, _words(group, tables))
    for found in tables:
        _add_table(draft, group, kind, found)


def _overdosage(sections: Iterable[Section]) -> bool:
    return any(section.code == OVERDOSAGE or _overdosage(section.sections) for section in sections)


def add_safety_notes(draft: Draft) -> None:
    """Adds candidates for safety notes."""
    for group in _relevant(draft.label.sections):
        kind = _kind(draft, group)
        if kind:
            _add_group(draft, group, kind)
    if _overdosage(draft.label.sections):
        draft.warn("overdosage-left-out", "no kind of safety note is about overdosage")
