"""Cleans a record's text for the fields here, and collects warnings."""

import re
from typing import Any

from app.common.text import INVISIBLE
from app.imports.candidates import ImportWarning, Json

Place = tuple[int | str, ...]
"""The parts of a JSON pointer into the record. Names in the grammar need no escaping in one."""

NAME, TITLE, LINE, PROSE = 300, 600, 1000, 20_000
_UNPRINTABLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff{INVISIBLE}]")
_SPACES = re.compile("\\s{2,}|[\t\n\r\x85\u2028\u2029]")


def one_line(text: str) -> str:
    """The text with single spaces for white space and line breaks, and without control and invisible characters."""
    if text.isprintable() and "  " not in text:
        return text.strip()
    return _SPACES.sub(" ", _UNPRINTABLE.sub("", text)).strip()


def paragraphs(text: str) -> str:
    """The text without control and invisible characters; line breaks are kept."""
    if text.isprintable():
        return text.strip()
    return _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def shortened(text: str, longest: int) -> str:
    """The text cut at the end of a word."""
    cut = text[: longest - 1]
    end = max(cut.rfind(" "), cut.rfind("\n"))
    return f"{cut[: end if end > longest // 2 else None].rstrip()}…"


class Notes:
    """The warnings about one record."""

    __slots__ = ("warnings",)

    def __init__(self) -> None:
        self.warnings: list[ImportWarning] = []

    def warn(self, kind: str, place: Place, text: str) -> None:
        """Adds a warning about a place in the record."""
        self.warnings.append(ImportWarning(kind, f"/{'/'.join(map(str, place))}: {one_line(text)}"))

    def _cut(self, text: str, longest: int, place: Place) -> str | None:
        if len(text) <= longest:
            return text or None
        self.warn("cut-short", place, f"{len(text):,} characters, of which {longest:,} are kept")
        return shortened(text, longest)

    def line(self, text: str | None, longest: int, *place: int | str) -> str | None:
        """A name, a title or a measure in one line; `None` if nothing is left of it."""
        return self._cut(one_line(text), longest, place) if text else None

    def prose(self, text: str | None, *place: int | str) -> str | None:
        """A text of several lines; `None` if nothing is left of it."""
        return self._cut(paragraphs(text), PROSE, place) if text else None

    def words(self, text: str | None, known: dict[str, str], *place: int | str) -> str | None:
        """The value here for an enum value of the registry; an unknown one is left out with a warning."""
        if text is None:
            return None
        if text not in known:
            self.warn("unknown-word", place, text[:80])
            return None
        return known[text]

    def names(self, texts: list[str] | None, *place: int | str) -> list[str]:
        """Distinct names, each in one line."""
        found = (self.line(text, NAME, *place, index) for index, text in enumerate(texts or ()))
        return list(dict.fromkeys(name for name in found if name))


def present(**values: Any) -> Json:
    """The fields that have a value."""
    return {name: value for name, value in values.items() if value is not None and value != []}
