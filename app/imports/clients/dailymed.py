"""A client of DailyMed's web services v2: `/spls` lists labels, `/spls/{SETID}` is one label.

By https://dailymed.nlm.nih.gov/dailymed/webservices-help/v2/spls_api.cfm, `drug_name` is a generic or a brand name, a
page holds at most 100 labels, and `published_date` with `published_date_comparison=gte` selects labels published on
that day or later. All ids are listed first and the labels are fetched in the order of their ids. The id of the last
label is therefore enough to resume, whatever is published in the meantime. No limit of requests is published; the
client sends one every half second.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import IO, NamedTuple

import orjson

from app.imports.clients.content_checks import START
from app.imports.clients.downloads import Downloads
from app.imports.clients.http import Missing, Request, TransientFault, UnexpectedAnswer
from app.imports.clients.pages import Chain, Page, require_words, with_last
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.streams import failing_stream

INTERVAL = 0.5
"""Seconds from one request to the next."""
NAME = "DailyMed"
PAGE_SIZE = 100
_SET_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class _LabelPage(NamedTuple):
    """One page of the list of labels: their ids, the number of pages, and the number of labels in all."""

    ids: list[str]
    pages: int
    total: int


def _parse_label_page(file: IO[bytes]) -> _LabelPage:
    try:
        answer = orjson.loads(file.read())
    except ValueError:
        raise TransientFault("its answer is no whole JSON") from None
    try:
        ids = [label["setid"] for label in answer["data"]]
        listed = _LabelPage(ids, int(answer["metadata"]["total_pages"]), int(answer["metadata"]["total_elements"]))
    except (KeyError, TypeError, ValueError):
        raise UnexpectedAnswer("it answered with no list of labels") from None
    if not all(isinstance(id, str) and _SET_ID.fullmatch(id) for id in ids):
        raise UnexpectedAnswer("it answered with something that is no id of a label")
    return listed


def _require_whole(file: IO[bytes]) -> None:
    """Raises `TransientFault` if the answer was cut off, which no status or header shows."""
    end = file.seek(0, 2)
    file.seek(max(0, end - START))
    if not file.read().rstrip().endswith(b"document>"):
        raise TransientFault("its answer ends early")


class DailyMed:
    """One label a page. A query is resumed by the id of the last label.

    If a label no longer exists when it is fetched, reading its page raises `UnreadableInput`.
    """

    def __init__(self, downloads: Downloads, url: str) -> None:
        self._downloads, self._url = downloads, url

    def _ids(self, downloads: Downloads, query: str, since: date | None) -> list[str]:
        """The ids of all labels that the query finds, sorted."""
        parameters = {"drug_name": query, "pagesize": str(PAGE_SIZE)}
        if since:
            parameters |= {"published_date": since.isoformat(), "published_date_comparison": "gte"}
        first = downloads.url(self._url + "/spls.json").copy_merge_params(parameters)
        found: set[str] = set()
        chain, number = Chain(NAME, PAGE_SIZE), 1
        while True:
            file, listed = downloads.fetch(Request(first.copy_set_param("page", number), "json"), _parse_label_page)
            file.close()
            new = set(listed.ids) - found
            found |= new
            if number >= listed.pages:
                return sorted(found)
            number += 1
            chain.follow(str(number), len(new), listed.total)

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        """See `Live.pages`."""
        query = require_words(NAME, query)
        with self._downloads as downloads:
            ids = self._ids(downloads, query, since)
            left = [id for id in ids if resume is None or id > resume]
            for id, last in with_last(left):
                with self._label(downloads, id) as file:
                    yield Page(f"{NAME}, {id}", file, None if last else id, len(ids))

    def _label(self, downloads: Downloads, id: str) -> IO[bytes]:
        try:
            return downloads.fetch(Request(downloads.url(f"{self._url}/spls/{id}.xml"), "xml"), _require_whole)[0]
        except Missing as missing:
            return failing_stream(UnreadableInput(missing.name, missing.reason))
