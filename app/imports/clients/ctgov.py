"""Studies that ClinicalTrials.gov finds: its API v2, `/studies` (https://clinicaltrials.gov/data-api/api).

As its OpenAPI file says, a page names the next one by `nextPageToken`, which goes with the very same query, and may be
empty; a page has at most 1,000 studies; and where a query is nothing but NCT numbers, filters such as `since` are
ignored. It publishes no limit of requests; its robots.txt asks crawlers for one a second, and clients report being
refused above 50 a minute.
"""

from collections.abc import Iterator
from datetime import date
from typing import IO, NamedTuple

import ijson

from app.common.strict_json import TooDeep
from app.imports.clients.downloads import Downloads
from app.imports.clients.http import Again, Ask, Wrong
from app.imports.clients.pages import Chain, Page, require_words
from app.imports.readers.json_events import TooLong, events

INTERVAL = 1.2
PAGE_SIZE = 1000
NAME = "ClinicalTrials.gov"


class _Seen(NamedTuple):
    studies: int
    next: str | None
    total: int | None


def _see(file: IO[bytes]) -> _Seen:
    """A page may be large and its studies are the reader's matter: it is looked through, not held."""
    studies, found, listed = 0, {"nextPageToken": None, "totalCount": None}, False
    try:
        for place, event, value in ijson.parse(events(file)):
            if place in found and event in ("string", "number"):
                found[place] = value
            listed |= place == "studies" and event == "start_array"
            studies += place == "studies.item" and event == "start_map"
    except (TooDeep, TooLong) as error:
        raise Wrong(f"its answer cannot be read: {error}") from None
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise Again(f"its answer is no whole JSON: {error}") from None
    if not listed:
        raise Wrong("it answered with no list of studies")
    return _Seen(studies, found["nextPageToken"] or None, found["totalCount"])


class ClinicalTrials:
    """Resumed by the token of the page that follows."""

    def __init__(self, downloads: Downloads, url: str) -> None:
        self._downloads, self._url = downloads, url

    def _first(self, query: str, since: date | None) -> Ask:
        asked = {"query.term": query, "pageSize": str(PAGE_SIZE), "countTotal": "true", "format": "json"}
        if since:
            asked["filter.advanced"] = f"AREA[LastUpdatePostDate]RANGE[{since.isoformat()},MAX]"
        return Ask(self._downloads.url(self._url + "/studies").copy_merge_params(asked), "json")

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        first = self._first(require_words(NAME, query), since)
        chain, token, total, number = Chain(NAME, PAGE_SIZE), resume, None, 0
        with self._downloads as downloads:
            while True:
                ask = first._replace(url=first.url.copy_set_param("pageToken", token)) if token else first
                file, seen = downloads.seen(ask, _see)
                total, number = seen.total if total is None else total, number + 1
                with file:
                    if seen.studies:
                        yield Page(f"{NAME}, page {number}", file, seen.next, total)
                if seen.next is None:
                    return
                chain.follow(seen.next, seen.studies, total)
                token = seen.next
