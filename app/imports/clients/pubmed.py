"""Articles that PubMed finds: ESearch for their numbers, EFetch for the articles
(https://www.ncbi.nlm.nih.gov/books/NBK25499/).

PubMed shows no more than 9,999 numbers of a search, neither by `retstart` nor from the history server, whose order may
change from one day to the next besides. So a larger search is asked for by ranges of numbers (`1:500[uid]`, as other
clients do; NLM does not describe it, so an answer from outside of its range is refused), and the articles are fetched
in the order of their numbers: that order never changes, and the last number fetched says where to go on, whatever is
added meanwhile. Numbers are posted, as is asked for where there are more than 200.

`since` takes what was added (`crdt`) or changed (`mdat`) on that day or later; not `edat`, which for a late addition is
the day when it was published (https://www.nlm.nih.gov/pubs/techbull/nd08/nd08_pm_new_date_field.html).

Three requests a second are allowed, ten with a key (https://www.ncbi.nlm.nih.gov/books/NBK25497/).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import IO, NamedTuple

import orjson

from app.imports.clients.content_checks import START, Kind, first_words, start_of
from app.imports.clients.downloads import Downloads
from app.imports.clients.http import Again, Ask, Wrong
from app.imports.clients.pages import Page, require_words, with_last
from app.imports.readers.faults import UnreadableInput
from app.store.rows import batches

INTERVAL, INTERVAL_WITH_KEY = 0.34, 0.1
NAME = "PubMed"
MOST_SHOWN = 9999
CHUNK = 200
HIGHEST = 99_999_999
TOOL = "clinical-evidence-api"


class _Found(NamedTuple):
    total: int
    numbers: list[int]
    """In their order; the first ones by PubMed's own order, where it does not show all."""


def _found(file: IO[bytes]) -> _Found:
    try:
        answer = orjson.loads(file.read())
    except ValueError:
        raise Again("its answer is no whole JSON") from None
    try:
        result = answer.get("esearchresult", {})
        said = _error(answer) or _error(result)
        if said:
            raise Again(f"it answered: {said[:200]}")
        return _Found(int(result["count"]), sorted({int(number) for number in result["idlist"]}))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Wrong("it answered with no list of numbers") from None


def _error(answer: object) -> str:
    """What failed on their side comes with a status of 200 and in a word of its own."""
    return str(answer.get("ERROR") or answer.get("error") or "") if isinstance(answer, Mapping) else ""


def _require_whole(file: IO[bytes]) -> None:
    """An answer may end early and nobody the wiser."""
    start = start_of(file)
    if b"<ERROR>" in start:
        raise Again(f"it answered: {first_words(start)}")
    if b"<PubmedArticleSet" not in start:
        raise Wrong("it answered with no articles")
    end = file.seek(0, 2)
    file.seek(max(0, end - START))
    if not file.read().rstrip().endswith((b"</PubmedArticleSet>", b"<PubmedArticleSet/>")):
        raise Again("its answer ends early")


class PubMed:
    """Resumed by the number of the last article; `identity` is `email` and `api_key`, where there are any."""

    def __init__(self, downloads: Downloads, url: str, identity: Mapping[str, str] | None = None) -> None:
        self._downloads, self._url = downloads, url
        self._form = {"db": "pubmed", "tool": TOOL, **(identity or {})}

    def _ask(self, tool: str, wanted: Kind, **form: str) -> Ask:
        return Ask(self._downloads.url(f"{self._url}/{tool}.fcgi"), wanted, {**self._form, **form, "retmode": wanted})

    def _search(self, downloads: Downloads, term: str, low: int = 1, high: int = HIGHEST) -> _Found:
        """Of a range of numbers, where it is not all of them."""
        ranged = (low, high) != (1, HIGHEST)
        within = f"({term}) AND {low}:{high}[uid]" if ranged else term
        ask = self._ask("esearch", "json", term=within, retmax=str(MOST_SHOWN))
        file, found = downloads.seen(ask, _found)
        file.close()
        shown = found.numbers
        if shown and not low <= shown[0] <= shown[-1] <= high:
            raise UnreadableInput(ask.name, f"it found articles outside of the numbers {low} to {high}")
        if len(shown) != min(found.total, MOST_SHOWN) or found.total > high - low + 1:
            raise UnreadableInput(ask.name, f"it found {found.total:,} articles and shows {len(shown):,}")
        return found

    def _numbers(
        self, downloads: Downloads, term: str, after: int, found: _Found, low: int, high: int
    ) -> Iterator[int]:
        """In their order, those after one of them."""
        if found.total <= MOST_SHOWN:
            yield from (number for number in found.numbers if number > after)
            return
        middle = (low + high) // 2
        for first, last in ((low, middle), (middle + 1, high)):
            if last > after:
                half = self._search(downloads, term, first, last)
                yield from self._numbers(downloads, term, after, half, first, last)

    def pages(self, query: str, since: date | None = None, resume: str | None = None) -> Iterator[Page]:
        term, after = _term(require_words(NAME, query), since), _number(resume)
        with self._downloads as downloads:
            found = self._search(downloads, term)
            numbers = self._numbers(downloads, term, after, found, 1, HIGHEST)
            for chunk, last in with_last(batches(numbers, CHUNK)):
                ask = self._ask("efetch", "xml", id=",".join(map(str, chunk)))
                file, _ = downloads.seen(ask, _require_whole)
                with file:
                    name = f"{NAME}, {chunk[0]} to {chunk[-1]}"
                    yield Page(name, file, None if last else str(chunk[-1]), found.total)


def _term(query: str, since: date | None) -> str:
    if since is None:
        return query
    day = since.strftime("%Y/%m/%d")
    return f"({query}) AND ({day}:3000[crdt] OR {day}:3000[mdat])"


def _number(resume: str | None) -> int:
    if resume is None:
        return 0
    if not (resume.isascii() and resume.isdigit()):
        raise UnreadableInput(NAME, f"{resume[:40]!r} is no number of an article to go on from")
    return int(resume)
