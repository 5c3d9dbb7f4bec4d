"""The words of running text: line breaks, raised and lowered figures, and the marks of footnotes."""

import re
from collections.abc import Iterator

from app.imports.formats.label.opening import Element, tag

BLOCKS = frozenset({"paragraph", "list", "table", "item", "text", "caption", "tr", "td", "th"})
UNSEEN = frozenset({"renderMultiMedia", "col", "colgroup", "observationMedia"})
_RAISED = str.maketrans("0123456789+-−=(),abcdefghijklmn", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾,ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿ")
_LOWERED = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
MARKS = "*†‡§¶#"
MOST_MARKS = 20
"""Side by side; then they are counted, or many footnotes would be longer than all else."""
RAISED_LETTERS = "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿ"
RAISED_FIGURES = "⁰¹²³⁴⁵⁶⁷⁸⁹"
BREAK = "\v"
"""A line break until lines are made of it: no XML can hold this character."""
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
"""Without those that are a kind of space."""
_SPACE = re.compile(r"\s+")
_BEFORE_CLOSING = re.compile(r"\n(?=[\])]|[.,;:](?!\d))")
"""Where the file's own indentation came between a word and what closes it."""


class Footnotes:
    """Footnotes of a table or a run of text, in the order and with the marks that FDA's own rendering gives them."""

    def __init__(self) -> None:
        self.waiting: list[tuple[str, Element]] = []
        self._marks: dict[str, str] = {}
        self._count = 0

    def mark(self, note: Element) -> str:
        times = self._count // len(MARKS) + 1
        sign = MARKS[self._count % len(MARKS)] * min(times, MOST_MARKS) + (str(times) if times > MOST_MARKS else "")
        self._count += 1
        self.waiting.append((sign, note))
        self._marks[note.get("ID") or ""] = sign
        return sign

    def again(self, reference: Element) -> str:
        return self._marks.get(reference.get("IDREF") or "", "") if reference.get("IDREF") else ""


def _shifted(words: str, table: dict[int, int]) -> str:
    """Figures, and a note's letters, raised or lowered, so that 10⁶ is not read as 106; words stay as they are."""
    core = words.strip()
    return words.translate(table) if core and all(ord(char) in table for char in core) else words


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
        yield _shifted("".join(pieces(element, notes)), _RAISED if name == "sup" else _LOWERED)
    elif name and name not in UNSEEN and element.get("revised") != "delete":
        yield from (" ", *pieces(element, notes), " ") if name in BLOCKS else pieces(element, notes)


def pieces(element: Element, notes: Footnotes | None) -> Iterator[str]:
    """The text of an element in order; `notes` collects its footnotes, without it they are passed over."""
    yield element.text or ""
    for child in element:
        yield from _element(child, notes)
        yield child.tail or ""


def child_pieces(child: Element, notes: Footnotes | None) -> Iterator[str]:
    return _element(child, notes)


def one_line(words: str) -> str:
    """With single spaces and without control characters, which neither JSON nor a database needs to keep."""
    single = _SPACE.sub(lambda space: "\n" if "\n" in space[0] else " ", _CONTROL.sub("", words).strip())
    return _BEFORE_CLOSING.sub("", single).replace("\n", " ")


def lines(words: str) -> str:
    """Each line as `one_line`, none of them empty."""
    return "\n".join(filter(None, map(one_line, words.split(BREAK))))
