"""A client of PubMed's E-utilities: ESearch finds PMIDs, EFetch returns articles
(https://www.ncbi.nlm.nih.gov/books/NBK25499/).

PubMed shows at most 9,999 PMIDs of a search, whether by `retstart` or from its history server, and the order there may
change from one day to the next. A larger search is therefore split into ranges of PMIDs, such as `1:500[uid]`. Other
clients do so too, but NLM does not document it, so an answer with PMIDs outside its range is refused. Articles are
fetched in the order of their PMIDs. The last PMID is therefore enough to resume, whatever is added in the meantime.
PMIDs are sent by POST, as NLM asks for when there are more than 200.

`since` selects articles that were added (`crdt`) or changed (`mdat`) on that day or later. It does not use `edat`,
which for a late addition is the day of publication
(https://www.nlm.nih.gov/pubs/techbull/nd08/nd08_pm_new_date_field.html).

NLM allows three requests a second, and ten with a key (https://www.ncbi.nlm.nih.gov/books/NBK25497/).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import IO, NamedTuple

import orjson

from app.imports.clients.content_checks import START, Kind, first_words, start_of
from app.imports.clients.downloads import Downloads
from app.imports.clients.http import Request, TransientFault, UnexpectedAnswer
from app.imports.clients.pages import Page, require_words, with_last
from app.imports.readers.faults import UnreadableInput
from app.store.rows import batches

INTERVAL, INTERVAL_WITH_KEY = 0.34, 0.1
"""Seconds from one request to the next."""
NAME = "PubMed"
MOST_SHOWN = 9999
"""The number of PMIDs that PubMed shows of one search."""
CHUNK = 200
"""The number of articles on a page."""
HIGHEST = 99_999_999
"""The upper end of the range of PMIDs."""
TOOL = "clinical-evidence-api"


class _SearchResult(NamedTuple):
    """The result of a search."""

    total: int
    numbers: list[int]
    """The PMIDs in ascending order. If PubMed does not show all, they are those that it ranks first."""


def _parse_search(file: IO[bytes]) -> _SearchResult:
    try:
        answer = orjson.loads(file.read())
    except ValueError:
        raise TransientFault("its answer is no whole JSON") from None
    try:
        result = answer.get("esearchresult", {})
        error = _error(answer) or _error(result)
        if error:
            raise TransientFault(f"it answered: {error[:200]}")
        return _SearchResult(int(result["count"]), sorted({int(number) for number in result["idlist"]}))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise UnexpectedAnswer("it answered with no list of numbers") from None


def _error(answer: object) -> str:
    """The error in an answer. PubMed reports its own failures with status 200 and a field for the error."""
    return str(answer.get("ERROR") or answer.get("error") or "") if isinstance(answer, Mapping) else ""


def _require_whole(file: IO[bytes]) -> None:
    """Raises `TransientFault` if the answer was cut off, which no status or header shows."""
    start = start_of(file)
    if b"<ERROR>" in start:
        raise TransientFault(f"it answered: {first_words(start)}")
    if b"<PubmedArticleSet" not in start:
        raise UnexpectedAnswer("it answered with no articles")
    end = file.seek(0, 2)
    file.seek(max(0, end - START))
    if not file.read().rstrip().endswith((b"</PubmedArticleSet>", b"<PubmedArticleSet/>")):
        raise TransientFault("its answer ends early")


class PubMed:
    """Pages of articles. A query is resumed by the PMID of the last article.

    `identity` holds `email` and `api_key`, if they are configured.
    """

    def __init__(self, downloads: Downloads, url: str, identity: Mapping[str, str] | None = None) -> None:
        self._downloads, self._url = downloads, url
        self._form = {"db": "pubmed", "tool": TOOL, **(identity or {})}

    def _request(self, tool: str, wanted: Kind, **form: str) -> Request:
        return Request(
            self._downloads.url(f"{self._url}/{tool}.fcgi"), wanted, {**self._form, **form, "retmode": wanted}
        )

    def _search(self, downloads: Downloads, term: str, low: int = 1, high: int = HIGHEST) -> _SearchResult:
        """Searches a range of PMIDs; raises `UnreadableInput` if the result does not fit the range."""
        ranged = (low, high) != (1, HIGHEST)
        within = f"({term}) AND {low}:{high}[uid]" if ranged else term
        request = self._request("esearch", "json", term=within, retmax=str(MOST_SHOWN))
        file, found = downloads.fetch(request, _parse_search)
        file.close()
        shown = found.numbers
        if shown and not low <= shown[0] <= shown[-1] <= high:
            raise UnreadableInput(request.name, f"it found articles outside of the numbers {low} to {high}")
        if len(shown) != min(found.total, MOST_SHOWN) or found.total > high - low + 1:
            raise UnreadableInput(request.name, f"it found {found.total:,} articles and shows {len(shown):,}")
        return found

    def _pmids(
        self, downloads: Downloads, term: str, after: int, found: _SearchResult, low: int, high: int
    ) -> Iterator[int]:
        """Yields the PMIDs after `after` in ascending order; halves the range while PubMed does not show all of it."""
        if found.total <= MOST_SHOWN:
            yield from (number for number in found.numbers if number > after)
            return
        middle = (low + high) // 2
        for first, last in ((low, middle), (middle + 1, high)):
            if last > after:
                half = self._search(downloads, term, first, last)
                yield from self._pmids(downloads, term, after, half, first, last)

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        """See `Live.pages`."""
        term, after = _term(require_words(NAME, query), since), _resume_after(resume)
        with self._downloads as downloads:
            found = self._search(downloads, term)
            numbers = self._pmids(downloads, term, after, found, 1, HIGHEST)
            for chunk, last in with_last(batches(numbers, CHUNK)):
                request = self._request("efetch", "xml", id=",".join(map(str, chunk)))
                file, _ = downloads.fetch(request, _require_whole)
                with file:
                    name = f"{NAME}, {chunk[0]} to {chunk[-1]}"
                    yield Page(name, file, None if last else str(chunk[-1]), found.total)


def _term(query: str, since: date | None) -> str:
    """The search term for a query and a first day."""
    if since is None:
        return query
    day = since.strftime("%Y/%m/%d")
    return f"({query}) AND ({day}:3000[crdt] OR {day}:3000[mdat])"


def _resume_after(resume: str | None) -> int:
    """The PMID after which a query goes on; 0 for its beginning."""
    if resume is None:
        return 0
    if not (resume.isascii() and resume.isdigit()):
        raise UnreadableInput(NAME, f"{resume[:40]!r} is no number of an article to go on from")
    return int(resume)
