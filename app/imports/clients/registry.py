"""The clients that answer queries, by format, and downloads of files at an address; both follow the settings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from app.common.zip_safety import Bounds
from app.imports.clients import ctgov, dailymed, pubmed
from app.imports.clients.downloads import FILES, TIME, Downloads
from app.imports.clients.http import Request
from app.imports.clients.pages import Live
from app.imports.clients.throttle import Time
from app.imports.readers.archives import Skip, Stream
from app.imports.readers.files import ignore_skipped, streams_of
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
"""The formats for which a server answers queries."""


def live(format: str, settings: Settings, time: Time = TIME) -> Live:
    """Makes the client for the queries of a format."""
    return _LIVE[format](settings, time)


def streams_at(
    url: str,
    suffixes: tuple[str, ...],
    settings: DownloadSettings,
    *,
    bounds: Bounds = BOUNDS,
    skip: Skip = ignore_skipped,
    time: Time = TIME,
) -> Iterator[Stream]:
    """Downloads the file at an address once, and reads it as any other file: a zip, a gzipped file or neither."""
    downloads = Downloads(private=settings.import_private, terms=FILES, time=time)
    with downloads, downloads.file(Request(downloads.url(url))) as file:
        yield from streams_of(url, file, suffixes, bounds=bounds, skip=skip)
