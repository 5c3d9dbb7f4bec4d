"""A record's text made fit for our fields, and what had to be said of it on the way."""

import re
from typing import Any

from app.imports.candidates import Json, Remark

Place = tuple[int | str, ...]
"""Where in the record, as the parts of a JSON pointer; the grammar's own names need no escaping in one."""

NAME, TITLE, LINE, PROSE = 300, 600, 1000, 20_000
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_SPACES = re.compile("\\s{2,}|[\t\n\r\x85\u2028\u2029]")


def one_line(text: str) -> str:
    """Without control characters, and with single spaces for runs and breaks of lines."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", _UNPRINTABLE.sub("", text)).strip()


def paragraphs(text: str) -> str:
    if text.isprintable():
        return text.strip()
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def shortened(text: str, longest: int) -> str:
    """Cut at a word's end."""
    cut = text[: longest - 1]
    end = max(cut.rfind(" "), cut.rfind("\n"))
    return f"{cut[: end if end > longest // 2 else None].rstrip()}…"


class Notes:
    """What was seen in one record and could not be mapped."""

    __slots__ = ("remarks",)

    def __init__(self) -> None:
        self.remarks: list[Remark] = []

    def remark(self, kind: str, place: Place, text: str) -> None:
        self.remarks.append(Remark(kind, f"/{'/'.join(map(str, place))}: {one_line(text)}"))

    def _cut(self, text: str, longest: int, place: Place) -> str | None:
        if len(text) <= longest:
            return text or None
        self.remark("cut-short", place, f"{len(text):,} characters, of which {longest:,} are kept")
        return shortened(text, longest)

    def line(self, text: str | None, longest: int, *place: int | str) -> str | None:
        """A name, a title or a measure; nothing where nothing is left of it."""
        return self._cut(one_line(text), longest, place) if text else None

    def prose(self, text: str | None, *place: int | str) -> str | None:
        return self._cut(paragraphs(text), PROSE, place) if text else None

    def words(self, text: str | None, known: dict[str, str], *place: int | str) -> str | None:
        """A word of their vocabulary in ours; one that a later grammar added is left out."""
        if text is None:
            return None
        if text not in known:
            self.remark("unknown-word", place, text[:80])
            return None
        return known[text]

    def names(self, texts: list[str] | None, *place: int | str) -> list[str]:
        """One-line names, each once."""
        found = (self.line(text, NAME, *place, index) for index, text in enumerate(texts or ()))
        return list(dict.fromkeys(name for name in found if name))


def given(**values: Any) -> Json:
    """A record's fields that have a value: what is absent is left out."""
    return {name: value for name, value in values.items() if value is not None and value != []}
