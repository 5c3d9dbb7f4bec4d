"""Labels that DailyMed finds: its web services v2, `/spls` for which there are, `/spls/{SETID}` for each.

https://dailymed.nlm.nih.gov/dailymed/webservices-help/v2/spls_api.cfm says: `drug_name` is a generic or a brand name; a
page has at most 100 labels; `published_date` with `published_date_comparison=gte` takes those published on a day or
later. Which labels there are is asked first, and they are fetched in the order of their ids, so that the last one says
where to go on, whatever is published meanwhile. It publishes no limit of requests; one is asked every half second.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import IO, NamedTuple

import orjson

from app.imports.clients.content_checks import START
from app.imports.clients.downloads import Downloads
from app.imports.clients.http import Again, Ask, Missing, Wrong
from app.imports.clients.pages import Chain, Page, require_words, with_last
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.streams import failing

INTERVAL = 0.5
NAME = "DailyMed"
PAGE_SIZE = 100
_SET_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class _Listed(NamedTuple):
    ids: list[str]
    pages: int
    total: int


def _listed(file: IO[bytes]) -> _Listed:
    try:
        answer = orjson.loads(file.read())
    except ValueError:
        raise Again("its answer is no whole JSON") from None
    try:
        ids = [label["setid"] for label in answer["data"]]
        listed = _Listed(ids, int(answer["metadata"]["total_pages"]), int(answer["metadata"]["total_elements"]))
    except (KeyError, TypeError, ValueError):
        raise Wrong("it answered with no list of labels") from None
    if not all(isinstance(id, str) and _SET_ID.fullmatch(id) for id in ids):
        raise Wrong("it answered with something that is no id of a label")
    return listed


def _require_whole(file: IO[bytes]) -> None:
    """An answer may end early and nobody the wiser."""
    end = file.seek(0, 2)
    file.seek(max(0, end - START))
    if not file.read().rstrip().endswith(b"document>"):
        raise Again("its answer ends early")


class DailyMed:
    """Resumed by the id of the last label. A label that is gone when it is fetched says so when it is read."""

    def __init__(self, downloads: Downloads, url: str) -> None:
        self._downloads, self._url = downloads, url

    def _ids(self, downloads: Downloads, query: str, since: date | None) -> list[str]:
        asked = {"drug_name": query, "pagesize": str(PAGE_SIZE)}
        if since:
            asked |= {"published_date": since.isoformat(), "published_date_comparison": "gte"}
        first = downloads.url(self._url + "/spls.json").copy_merge_params(asked)
        found: set[str] = set()
        chain, number = Chain(NAME, PAGE_SIZE), 1
        while True:
            file, listed = downloads.seen(Ask(first.copy_set_param("page", number), "json"), _listed)
            file.close()
            new = set(listed.ids) - found
            found |= new
            if number >= listed.pages:
                return sorted(found)
            number += 1
            chain.follow(str(number), len(new), listed.total)

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        query = require_words(NAME, query)
        with self._downloads as downloads:
            ids = self._ids(downloads, query, since)
            left = [id for id in ids if resume is None or id > resume]
            for id, last in with_last(left):
                with self._label(downloads, id) as file:
                    yield Page(f"{NAME}, {id}", file, None if last else id, len(ids))

    def _label(self, downloads: Downloads, id: str) -> IO[bytes]:
        try:
            return downloads.seen(Ask(downloads.url(f"{self._url}/spls/{id}.xml"), "xml"), _require_whole)[0]
        except Missing as missing:
            return failing(UnreadableInput(missing.name, missing.reason))
