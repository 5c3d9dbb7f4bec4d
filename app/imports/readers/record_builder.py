"""Builds the fields of one record from a file's values, and collects warnings about what could not be kept."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.common.text import plain
from app.imports.candidates import ImportWarning, Json

NAME, TITLE, LINE, PROSE = 300, 600, 1000, 20_000
"""The length limits of the aliases in `app.records.fields`."""


def cut(text: str, longest: int) -> str:
    """Cuts a text that is too long at the end of a word, and marks the cut with an ellipsis."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    at = head.rfind(" ")
    return (head[:at] if at > longest // 2 else head).rstrip() + "…"


@dataclass(slots=True)
class Entry:
    """A record that is being built, with its warnings."""

    data: Json = field(default_factory=dict)
    warnings: list[ImportWarning] = field(default_factory=list)

    def warn(self, kind: str, text: str) -> None:
        """Adds a warning."""
        self.warnings.append(ImportWarning(kind, cut(plain(text), LINE)))

    def put(self, name: str, value: Any) -> None:
        """Sets a field, unless the value is absent or empty."""
        if value is not None and value != "" and value != []:
            self.data[name] = value

    def fitting(self, name: str, text: str, longest: int) -> str:
        """A text in one line, cut to the length of its field with a warning."""
        line = plain(text)
        if len(line) <= longest:
            return line
        self.warn("cut-short", f"/{name}: {line[:80]}… has {len(line)} characters")
        return cut(line, longest)

    def line(self, name: str, text: str | None, longest: int = NAME) -> None:
        """Sets a field to a text in one line."""
        if text:
            self.put(name, self.fitting(name, text, longest))

    def prose(self, name: str, text: str) -> None:
        """Sets a field to a text of several lines."""
        if len(text) > PROSE:
            self.warn("cut-short", f"/{name}: it has {len(text)} characters")
        self.put(name, cut(text, PROSE))

    def lines(self, name: str, texts: list[str], most: int) -> None:
        """Sets a list field to distinct lines in order, at most as many as it holds."""
        found = list(dict.fromkeys(line for text in texts if (line := self.fitting(name, text, NAME))))
        if len(found) > most:
            self.warn("cut-short", f"/{name}: there are {len(found)}")
        self.put(name, found[:most])

    def identifier(self, name: str, text: str, canonical: Callable[[str], str | None]) -> None:
        """Sets an identifier in its canonical form; adds a warning if it has none."""
        if not text:
            return
        found = canonical(text)
        if found:
            self.data[name] = found
        else:
            self.warn("identifier-not-valid", f"/{name}: {text[:100]!r}")
