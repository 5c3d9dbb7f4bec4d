"""Reads small files of references for tests."""

from datetime import date
from io import BytesIO

from app.imports.candidates import Json, Rejection, SourceItem
from app.imports.formats.references.accounting import Options, State
from app.imports.formats.references.reading import readings
from tests.offered import faults, offered


class Result:
    """What a file holds: publications, warnings by kind, rejections, and the state of each line."""

    def __init__(self, content: str | bytes, encoding: str = "") -> None:
        raw = content.encode() if isinstance(content, str) else content
        read = list(readings(BytesIO(raw), Options("mine", date(2026, 1, 1), store_abstracts=True), encoding))
        self.states: dict[int, State] = dict(pair for reading in read for pair in reading.states)
        self.found = [each for reading in read for each in reading.found]
        self.items = [each for each in self.found if isinstance(each, SourceItem)]
        self.rejections = [each for each in self.found if isinstance(each, Rejection)]
        self.publications: list[Json] = [offered(each, "publications") for each in self.items if each.candidates]
        self.warnings = [(warning.kind, warning.text) for each in self.items for warning in each.warnings]
        assert [fault for each in self.items for fault in faults(each)] == []

    @property
    def titles(self) -> list[str]:
        return [publication["title"] for publication in self.publications]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.warnings]


def ris(*lines: str) -> str:
    """One entry of RIS with a title."""
    return "\n".join(["TY  - JOUR", "TI  - A made reference", *lines, "ER  - ", ""])
