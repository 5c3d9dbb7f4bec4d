"""Every format that is imported: who reads it, what its files are called, and whom to ask for what is new."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import IO, NamedTuple

from sqlalchemy import Connection

from app.imports.candidates import Found, Unit
from app.imports.clients import registry as servers
from app.imports.clients.pages import Live
from app.imports.name_index import Names
from app.imports.readers.limits import SUFFIXES
from app.imports.report import Order, Report
from app.settings import Settings

Units = Callable[..., Iterator[Found]]
"""Of a file, its name and the names to link to, and by name of what the settings say of the format."""


def _abstracts(settings: Settings) -> Mapping[str, bool]:
    return {"store_abstracts": settings.store_abstracts}


def _nothing(_: Settings) -> Mapping[str, bool]:
    return {}


TakeIn = Callable[[Connection, Iterable[Found], Order, Callable[[int], None]], Report]
"""What becomes of a reader's units, in a transaction of `changing`."""

RECORDS = "app.imports.pipeline"


class Format(NamedTuple):
    name: str
    module: str
    """Its reader is the function `units` in there; it is imported only where something is read."""
    suffixes: tuple[str, ...]
    live: Callable[[Settings], Live] | None = None
    """Who answers queries, where there is anybody to ask."""
    updated: Callable[[Unit], str | None] | None = None
    """When a unit's publisher last changed it, as far as it says so; nothing where its records never do."""
    settled: Callable[[Settings], Mapping[str, bool]] = _nothing
    """What its reader is to know of the settings."""
    taken: str = RECORDS
    """Its engine is the function `take_in` in there."""

    def engine(self) -> TakeIn:
        found: TakeIn = import_module(self.taken).take_in
        return found

    @property
    def is_release(self) -> bool:
        """Descriptors are no records: there is no version of any to go back to."""
        return self.taken == RECORDS

    def units(self, file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
        read: Units = import_module(self.module).units
        return read(file, name, names, **self.settled(Settings()))


def _study_updated(unit: Unit) -> str | None:
    dates = (offer.data.get("last_updated_date") for offer in unit.offers if offer.type == "studies")
    return next((date for date in dates if date), None)


FORMATS: Mapping[str, Format] = {
    format.name: format
    for format in (
        Format("ctgov", "app.imports.formats.ctgov", SUFFIXES["ctgov"], partial(servers.live, "ctgov"), _study_updated),
        Format(
            "pubmed",
            "app.imports.formats.pubmed",
            SUFFIXES["pubmed"],
            partial(servers.live, "pubmed"),
            settled=_abstracts,
        ),
        Format("references", "app.imports.formats.references", SUFFIXES["references"], settled=_abstracts),
        Format("label", "app.imports.formats.label", SUFFIXES["label"], partial(servers.live, "label")),
        Format("mesh", "app.imports.formats.mesh", SUFFIXES["mesh"], taken="app.imports.formats.mesh.store"),
    )
}
