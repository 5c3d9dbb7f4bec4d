"""Which server answers the queries of which format, and files that have an address; as the settings say."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from app.common.zip_safety import Bounds
from app.imports.clients import ctgov, dailymed, pubmed
from app.imports.clients.downloads import FILES, TIME, Downloads
from app.imports.clients.http import Ask
from app.imports.clients.pages import Live
from app.imports.clients.throttle import Time
from app.imports.readers.archives import Skip, Stream
from app.imports.readers.files import streams_of, untold
from app.imports.readers.limits import BOUNDS
from app.settings import Settings


class DownloadSettings(Protocol):
    """The settings that downloads need."""

    @property
    def import_private(self) -> bool:
        """Whether files may come from private addresses, and over http."""


def _ctgov(settings: Settings, time: Time) -> Live:
    downloads = Downloads(private=settings.import_private, interval=ctgov.INTERVAL, time=time)
    return ctgov.ClinicalTrials(downloads, settings.ctgov_url)


def _pubmed(settings: Settings, time: Time) -> Live:
    given = {"email": settings.ncbi_email, "api_key": settings.ncbi_api_key.get_secret_value()}
    identity = {name: value for name, value in given.items() if value}
    interval = pubmed.INTERVAL_WITH_KEY if "api_key" in identity else pubmed.INTERVAL
    downloads = Downloads(private=settings.import_private, interval=interval, time=time)
    return pubmed.PubMed(downloads, settings.pubmed_url, identity)


def _dailymed(settings: Settings, time: Time) -> Live:
    downloads = Downloads(private=settings.import_private, interval=dailymed.INTERVAL, time=time)
    return dailymed.DailyMed(downloads, settings.dailymed_url)


_LIVE: Mapping[str, Callable[[Settings, Time], Live]] = {"ctgov": _ctgov, "pubmed": _pubmed, "label": _dailymed}
QUERIED = tuple(_LIVE)
"""Formats that a server can be asked for."""


def live(format: str, settings: Settings, time: Time = TIME) -> Live:
    return _LIVE[format](settings, time)


def streams_at(
    url: str,
    suffixes: tuple[str, ...],
    settings: DownloadSettings,
    *,
    bounds: Bounds = BOUNDS,
    skip: Skip = untold,
    time: Time = TIME,
) -> Iterator[Stream]:
    """What an address has: downloaded once, then a file as any other, a zip or gzipped or neither."""
    downloads = Downloads(private=settings.import_private, terms=FILES, time=time)
    with downloads, downloads.file(Ask(downloads.url(url))) as file:
        yield from streams_of(url, file, suffixes, bounds=bounds, skip=skip)
