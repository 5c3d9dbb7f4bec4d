"""A client of the API v2 of ClinicalTrials.gov, `/studies` (https://clinicaltrials.gov/data-api/api).

By its OpenAPI document, a page names the next one in `nextPageToken`, which must be sent with the very same query and
may be empty. A page holds at most 1,000 studies. If a query consists of NCT numbers only, filters such as the one for
`since` are ignored. No limit of requests is published: robots.txt asks crawlers for one request a second, and clients
report that they are refused above 50 a minute.
"""

from collections.abc import Iterator
from datetime import date
from typing import IO, NamedTuple

import ijson

from app.common.strict_json import TooDeep
from app.imports.clients.downloads import Downloads
from app.imports.clients.http import Request, TransientFault, UnexpectedAnswer
from app.imports.clients.pages import Chain, Page, require_words
from app.imports.readers.json_events import TooLong, events

INTERVAL = 1.2
"""Seconds from one request to the next."""
PAGE_SIZE = 1000
NAME = "ClinicalTrials.gov"


class _PageSummary(NamedTuple):
    """The number of studies on a page, the token of the next page, and the number of studies that were found in all."""

    studies: int
    next: str | None
    total: int | None


def _inspect_page(file: IO[bytes]) -> _PageSummary:
    """Reads the summary of a page as a stream, because a page may be large and its studies are left to the reader."""
    studies, found, listed = 0, {"nextPageToken": None, "totalCount": None}, False
    try:
        for place, event, value in ijson.parse(events(file)):
            if place in found and event in ("string", "number"):
                found[place] = value
            listed |= place == "studies" and event == "start_array"
            studies += place == "studies.item" and event == "start_map"
    except (TooDeep, TooLong) as error:
        raise UnexpectedAnswer(f"its answer cannot be read: {error}") from None
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise TransientFault(f"its answer is no whole JSON: {error}") from None
    if not listed:
        raise UnexpectedAnswer("it answered with no list of studies")
    return _PageSummary(studies, found["nextPageToken"] or None, found["totalCount"])


class ClinicalTrials:
    """Pages of studies. A query is resumed by the token of the page that follows."""

    def __init__(self, downloads: Downloads, url: str) -> None:
        self._downloads, self._url = downloads, url

    def _first(self, query: str, since: date | None) -> Request:
        parameters = {"query.term": query, "pageSize": str(PAGE_SIZE), "countTotal": "true", "format": "json"}
        if since:
            parameters["filter.advanced"] = f"AREA[LastUpdatePostDate]RANGE[{since.isoformat()},MAX]"
        return Request(self._downloads.url(self._url + "/studies").copy_merge_params(parameters), "json")

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        """See `Live.pages`. Pages without studies are passed over."""
        first = self._first(require_words(NAME, query), since)
        chain, token, total, number = Chain(NAME, PAGE_SIZE), resume, None, 0
        with self._downloads as downloads:
            while True:
                request = first._replace(url=first.url.copy_set_param("pageToken", token)) if token else first
                file, seen = downloads.fetch(request, _inspect_page)
                total, number = seen.total if total is None else total, number + 1
                with file:
                    if seen.studies:
                        yield Page(f"{NAME}, page {number}", file, seen.next, total)
                if seen.next is None:
                    return
                chain.follow(seen.next, seen.studies, total)
                token = seen.next
