"""The formats that can be imported: their readers, their file names, and the servers that answer queries for them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import IO, NamedTuple, Self

from sqlalchemy import Connection

from app.imports.candidates import Found, SourceItem
from app.imports.clients import registry as servers
from app.imports.clients.pages import Live
from app.imports.name_index import Names
from app.imports.readers.limits import SUFFIXES
from app.imports.report import ImportRequest, Progress, Report
from app.settings import Settings

Reader = Callable[..., Iterator[Found]]
"""Takes a file, its name, the names to link to and the format's reader options; yields what the file holds."""


class ReadSettings(NamedTuple):
    """The settings that reading needs. They can be sent to the reader process, and hold no password and no key."""

    import_private: bool = False
    store_abstracts: bool = False
    encoding: str = ""
    """The encoding of files of references that are in none that is recognised; empty if nobody has named one."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Takes them from all settings."""
        return cls(settings.import_private, settings.store_abstracts)


DEFAULT_READ_SETTINGS = ReadSettings()
"""No private addresses are read, and no abstracts are stored."""


def _abstract_options(settings: ReadSettings) -> Mapping[str, bool]:
    return {"store_abstracts": settings.store_abstracts}


def _reference_options(settings: ReadSettings) -> Mapping[str, bool | str]:
    return {**_abstract_options(settings), "encoding": settings.encoding}


Engine = Callable[[Connection, Iterable[Found], ImportRequest, Progress], Report]
"""Takes what a reader found, and imports it in a transaction of `changing`."""

RECORDS_ENGINE = "app.imports.pipeline"
"""The module of the engine that imports records."""


class Format(NamedTuple):
    """One format. Its modules are imported only when they are needed."""

    name: str
    module: str
    """The module whose function `units` reads a file."""
    suffixes: tuple[str, ...]
    live: Callable[[Settings], Live] | None = None
    """Makes the client of the server that answers queries; `None` if there is no such server."""
    updated: Callable[[SourceItem], str | None] | None = None
    """Returns the day on which an item was last updated, if it states one; `None` if no item of the format does."""
    reader_options: Callable[[ReadSettings], Mapping[str, bool | str]] = lambda _: {}
    """Returns the settings that the reader takes as keyword arguments."""
    engine_module: str = RECORDS_ENGINE
    """The module whose function `import_units` imports what was read."""

    def engine(self) -> Engine:
        """The function that imports what was read."""
        engine: Engine = import_module(self.engine_module).import_units
        return engine

    @property
    def is_release(self) -> bool:
        """Whether its imports are releases. MeSH descriptors are not records and have no versions to revert to."""
        return self.engine_module == RECORDS_ENGINE

    def units(
        self, file: IO[bytes], name: str, names: Names, settings: ReadSettings = DEFAULT_READ_SETTINGS
    ) -> Iterator[Found]:
        """Yields what a file holds."""
        read: Reader = import_module(self.module).units
        return read(file, name, names, **self.reader_options(settings))


def _study_updated(unit: SourceItem) -> str | None:
    dates = (candidate.data.get("last_updated_date") for candidate in unit.candidates if candidate.type == "studies")
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
            "references", "app.imports.formats.references", SUFFIXES["references"], reader_options=_reference_options
        ),
        Format("label", "app.imports.formats.label", SUFFIXES["label"], partial(servers.live, "label")),
        Format("mesh", "app.imports.formats.mesh", SUFFIXES["mesh"], engine_module="app.imports.formats.mesh.store"),
    )
}
"""All formats by name."""
