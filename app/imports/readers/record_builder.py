"""A record in the making: what a file says of it, as its fields can hold it, and what of that could not be kept."""

import re
from dataclasses import dataclass, field
from typing import Any

from app.imports.candidates import Json, Remark

NAME, TITLE, LINE, PROSE = 300, 600, 1000, 20_000
"""How long the aliases of `app.records.fields` are at most."""

_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def one_line(text: str) -> str:
    """Characters as printed, without what no printer prints, and with one space where there are several."""
    return " ".join((text if text.isprintable() else _UNPRINTABLE.sub("", text)).split())


def cut(text: str, longest: int) -> str:
    """Free text that is too long ends at a word, and shows that it does."""
    if len(text) <= longest:
        return text
    head = text[: longest - 1]
    at = head.rfind(" ")
    return (head[:at] if at > longest // 2 else head).rstrip() + "…"


@dataclass(slots=True)
class Entry:
    data: Json = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)

    def remark(self, kind: str, text: str) -> None:
        self.remarks.append(Remark(kind, cut(one_line(text), LINE)))

    def put(self, name: str, value: Any) -> None:
        """A value that is there: nothing absent is offered."""
        if value is not None and value != "" and value != []:
            self.data[name] = value

    def fitting(self, name: str, text: str, longest: int) -> str:
        """Free text in a line, cut where its field ends, which is said."""
        line = one_line(text)
        if len(line) <= longest:
            return line
        self.remark("cut-short", f"/{name}: {line[:80]}… has {len(line)} characters")
        return cut(line, longest)

    def line(self, name: str, text: str | None, longest: int = NAME) -> None:
        if text:
            self.put(name, self.fitting(name, text, longest))

    def lines(self, name: str, texts: list[str], most: int) -> None:
        """Each once, in order, and not more than the field holds."""
        found = list(dict.fromkeys(line for text in texts if (line := self.fitting(name, text, NAME))))
        if len(found) > most:
            self.remark("cut-short", f"/{name}: there are {len(found)}")
        self.put(name, found[:most])

    def exact(self, name: str, text: str | None, pattern: re.Pattern[str], longest: int = NAME) -> None:
        """An identifier or a number: whole, or not at all."""
        if not text:
            return
        if len(text) <= longest and pattern.fullmatch(text):
            self.data[name] = text
        else:
            self.remark("identifier-not-valid", f"/{name}: {text[:100]!r}")
