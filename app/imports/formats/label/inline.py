"""Extracts running text: line breaks, superscripts and subscripts, and the marks of footnotes."""

import re
from collections.abc import Iterator

from app.common.text import INVISIBLE, lowered, raised, scripts
from app.imports.formats.label.opening import Element, tag

BLOCKS = frozenset({"paragraph", "list", "table", "item", "text", "caption", "tr", "td", "th"})
UNSEEN = frozenset({"renderMultiMedia", "col", "colgroup", "observationMedia"})
_RAISED = str.maketrans("0123456789+-−=(),abcdefghijklmn", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾,ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
MARKS = "*†‡§¶#"
MOST_MARKS = 20
"""The longest mark of a footnote. Later marks end in a number, because they would grow with each footnote."""
RAISED_LETTERS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿ"
RAISED_FIGURES = "⁰¹²³⁴⁵⁶⁷⁸⁹"
BREAK = "\v"
"""Stands for a line break until the text is split into lines. XML cannot contain this character."""
_CONTROL = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff{INVISIBLE}]")
"""Control and invisible characters, except those that are white space."""
_SPACE = re.compile(r"\s+")
_BEFORE_CLOSING = re.compile(r"\n(?=[\])]|[.,;:](?!\d))")
"""A line break that the indentation of the file puts before closing punctuation."""


class Footnotes:
    """The footnotes of a table or a section, with the marks that the FDA's stylesheet gives them, in order."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Element]] = []
        """The mark and the element of each footnote whose text is not written yet."""
        self._marks: dict[str, str] = {}
        self._count = 0

    def mark(self, note: Element) -> str:
        """Adds a footnote and returns its mark."""
        times = self._count // len(MARKS) + 1
        sign = MARKS[self._count % len(MARKS)] * min(times, MOST_MARKS) + (str(times) if times > MOST_MARKS else "")
        self._count += 1
        self.waiting.append((sign, note))
        self._marks[note.get("ID") or ""] = sign
        return sign

    def again(self, reference: Element) -> str:
        """The mark of the footnote that a reference points to; empty if there is none."""
        return self._marks.get(reference.get("IDREF") or "", "") if reference.get("IDREF") else ""


def _shifted(words: str, *, is_raised: bool) -> str:
    """The text in raised or lowered characters, so that 10⁶ is not read as 106.

    A text with a character that has no such form is only marked: `one_line` writes it by the text beside it (10^5.5).
    """
    core, table = words.strip(), _RAISED if is_raised else _LOWERED
    if core and all(ord(char) in table for char in core):
        return words.translate(table)
    return (raised(words) if is_raised else lowered(words)) if core else words


def _footnote_mark(element: Element, notes: Footnotes | None) -> str:
    """The mark of a footnote or of a reference to one; empty where no footnotes are collected."""
    if notes is None:
        return ""
    return notes.mark(element) if tag(element) == "footnote" else notes.again(element)


def _element(element: Element, notes: Footnotes | None) -> Iterator[str]:
    name = tag(element)
    if name == "br":
        yield BREAK
    elif name in ("footnote", "footnoteRef"):
        yield _footnote_mark(element, notes)
    elif name in ("sup", "sub"):
        yield _shifted("".join(pieces(element, notes)), is_raised=name == "sup")
    elif name and name not in UNSEEN and element.get("revised") != "delete":
        yield from (" ", *pieces(element, notes), " ") if name in BLOCKS else pieces(element, notes)


def pieces(element: Element, notes: Footnotes | None) -> Iterator[str]:
    """Yields the text of an element in order. Footnotes are added to `notes`, or left out if it is `None`."""
    yield element.text or ""
    for child in element:
        yield from _element(child, notes)
        yield child.tail or ""


def child_pieces(child: Element, notes: Footnotes | None) -> Iterator[str]:
    return _element(child, notes)


def one_line(words: str) -> str:
    """The text in one line, with single spaces and without control characters."""
    clean = _CONTROL.sub("", scripts(words)).strip()
    single = _SPACE.sub(lambda space: "\n" if "\n" in space[0] else " ", clean)
    return _BEFORE_CLOSING.sub("", single).replace("\n", " ")


def lines(words: str) -> str:
    """The text with `one_line` applied to each line, without empty lines."""
    return "\n".join(filter(None, map(one_line, words.split(BREAK))))
