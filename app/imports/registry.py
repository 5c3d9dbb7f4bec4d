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
from app.imports.report import Order, Progress, Report
from app.settings import Settings

Reader = Callable[..., Iterator[Found]]
"""Of a file, its name and the names to link to, and by name of what the settings say of the format."""


def _abstract_options(settings: Settings) -> Mapping[str, bool]:
    return {"store_abstracts": settings.store_abstracts}


def _no_options(_: Settings) -> Mapping[str, bool]:
    return {}


Engine = Callable[[Connection, Iterable[Found], Order, Progress], Report]
"""What becomes of a reader's units, in a transaction of `changing`."""

RECORDS_ENGINE = "app.imports.pipeline"


class Format(NamedTuple):
    name: str
    module: str
    """Its reader is the function `units` in there; it is imported only where something is read."""
    suffixes: tuple[str, ...]
    live: Callable[[Settings], Live] | None = None
    """Who answers queries, where there is anybody to ask."""
    updated: Callable[[Unit], str | None] | None = None
    """When a unit's publisher last changed it, as far as it says so; nothing where its records never do."""
    reader_options: Callable[[Settings], Mapping[str, bool]] = _no_options
    """What its reader is to know of the settings."""
    engine_module: str = RECORDS_ENGINE
    """Its engine is the function `take_in` in there."""

    def engine(self) -> Engine:
        engine: Engine = import_module(self.engine_module).import_units
        return engine

    @property
    def is_release(self) -> bool:
        """Descriptors are no records: there is no version of any to go back to."""
        return self.engine_module == RECORDS_ENGINE

    def units(self, file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
        read: Reader = import_module(self.module).units
        return read(file, name, names, **self.reader_options(Settings()))


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
            reader_options=_abstract_options,
        ),
        Format(
            "references", "app.imports.formats.references", SUFFIXES["references"], reader_options=_abstract_options
        ),
        Format("label", "app.imports.formats.label", SUFFIXES["label"], partial(servers.live, "label")),
        Format("mesh", "app.imports.formats.mesh", SUFFIXES["mesh"], engine_module="app.imports.formats.mesh.store"),
    )
}
