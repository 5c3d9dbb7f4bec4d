"""Lists with search words or facets: the index finds and counts the records, and the documents are read by SQL.

Lists without either are read by `query.pages`; their totals come from the index if it is up to date.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from tantivy import Query, Searcher

from app.database.lookup import Ask
from app.query import name_resolution, pages
from app.query.link_lookup import link_of
from app.query.page_budget import Row
from app.query.page_items import select_items
from app.query.pages import DatabaseState, Page, Totals
from app.query.record_queries import ListQuery
from app.query.statements import keyed_documents
from app.records.filters import AnyOf
from app.records.resource import Resource
from app.search import service
from app.search.facets import facets
from app.search.highlighting import Hit, explain
from app.search.index import SearchIndex
from app.search.query_compiler import filter_query
from app.search.service import RankedRecords, Thesauri
from app.search.synonyms import Thesaurus
from app.store.rows import batches


@dataclass(frozen=True, slots=True)
class Search:
    """The search index with its thesaurus."""

    index: SearchIndex
    thesauri: Thesauri


def search_summary(found: RankedRecords, hits: Sequence[Any], extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """The member `search` of an answer: how words were matched and expanded, the hits, and suggestions in `extra`."""
    plain = {"plain_words": found.compiled.plain_operators} if found.compiled.plain_operators else {}
    return {"match": found.match, "expanded": found.compiled.expanded, **plain, "hits": hits, **(extra or {})}


def page(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    at: DatabaseState,
    totals: Totals,
    search: Search,
    most_bytes: int,
) -> Page:
    """One page of a list of current records. The names in `query` are resolved here.

    The index is used for words and facets, and for the total wherever it has seen the state `at` already. Raises a
    `Problem` (search-not-ready) where the index is needed and not ready.
    """
    found = name_resolution.resolve(connection, resource, query)
    records = filter_query(resource.type, found.tests, found.ids)
    searcher = search.index.current(connection, at) if query.words or query.facets else search.index.seen(at)
    if searcher and not query.words:
        _total(query, at, totals, searcher, records)
    if searcher and query.words:
        thesaurus = search.thesauri.at(connection, at)
        return _search_page(connection, resource, found, searcher, records, thesaurus, most_bytes)
    shown = pages.page(connection, resource, found, at, totals, most_bytes)
    if not (searcher and query.facets):
        return shown
    return replace(shown, more={"facets": facets(searcher, records, query.facets, query.facet_limit)})


def _total(query: ListQuery, at: DatabaseState, totals: Totals, searcher: Searcher, records: Query) -> int:
    known = totals.get(at, query.asked)
    if known is None:
        known = service.count(searcher, records)
        totals.put(at, query.asked, known)
    return known


SHORT_PAGE_LIMIT = 100
"""The largest page that is made on the event loop: making it takes no longer than handing it to a thread."""


def short_page(
    ask: Ask, resource: Resource, query: ListQuery, totals: Totals, search: Search, most_bytes: int
) -> tuple[Page, DatabaseState] | None:
    """A page of a list that follows one link, with its database state, made by a few look-ups; None where it cannot be.

    It cannot be made where the index is not up to date or where the link's name does not mean exactly one record.
    """
    at = next(iter(ask(pages.NOW)), None)
    searcher = at and search.index.seen(at)
    found = _resolve_link(ask, resource, query)
    link = found and link_of(resource, found)
    if not (at and searcher and found and link):
        return None
    total = _total(query, at, totals, searcher, filter_query(resource.type, found.tests))
    return pages.link_page(ask, resource, found, link, total, most_bytes), at


def may_be_short(resource: Resource, query: ListQuery) -> bool:
    """Whether `short_page` may be able to make a page."""
    return bool(query.is_plain and query.limit <= SHORT_PAGE_LIMIT and not query.facets and link_of(resource, query))


def _resolve_link(ask: Ask, resource: Resource, query: ListQuery) -> ListQuery | None:
    """The query with an id in place of the name that its link starts from; None unless exactly one record is meant."""
    link = link_of(resource, query)
    of = link and resource.kinds[link.shape.name].of
    id = name_resolution.unique_id(ask, of, str(link.values[0])) if link and of else None
    return replace(query, tests={**query.tests, link.shape.name: (AnyOf((id,)),)}) if link and id else None


def _search_page(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    searcher: Searcher,
    records: Query,
    thesaurus: Thesaurus,
    most_bytes: int,
) -> Page:
    assert query.words is not None
    offset = int(query.position[0] or 0) if query.position and not query.sort else 0
    found = service.find(searcher, query.words, thesaurus, records, offset=offset, limit=query.limit)
    whole = service.within_records(found.compiled.query, records)
    shown, hits = Page([], found.total, None), list[Hit]()
    if query.limit and query.sort:
        shown, hits = _sorted_page(connection, resource, query, searcher, found, whole, most_bytes)
    elif query.limit:
        shown, hits = _relevance_page(connection, resource, query, found, offset, most_bytes)
    help = {} if found.total else _empty_result_help(searcher, resource, query, found)
    more = {"facets": facets(searcher, whole, query.facets, query.facet_limit)} if query.facets else {}
    return replace(shown, more={"search": search_summary(found, hits, help), **more})


def _relevance_page(
    connection: Connection, resource: Resource, query: ListQuery, found: RankedRecords, offset: int, most_bytes: int
) -> tuple[Page, list[Hit]]:
    """A page sorted by relevance. Relevance has no sort keys, so the cursor counts the hits before the next page."""
    terms = frozenset(found.compiled.terms)

    def explained(document: Any, row: Row) -> Hit:
        return explain(resource.type, document, found.keys[row[1] - 1][1], terms)

    rows = keyed_documents(connection, [key for key, _ in found.keys])
    shown = select_items(connection, resource, query, rows, most_bytes, explained)
    end = offset + (shown.rows[-1][1] if shown.is_more else len(found.keys))
    following = query.next_url(resource, (end,)) if end < found.total else None
    return Page([row[0] for row in shown.rows], found.total, following), [row[-1] for row in shown.rows]


def _sorted_page(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    searcher: Searcher,
    found: RankedRecords,
    whole: Query,
    most_bytes: int,
) -> tuple[Page, list[Hit]]:
    """A page of hits sorted by keys: the index finds all ids, then SQL sorts them, and pages by keyset."""
    terms = frozenset(found.compiled.terms)

    def explained(document: Any, _row: Row) -> Hit:
        return explain(resource.type, document, 0.0, terms)

    rows = pages.rows_with_ids(connection, resource, query, service.all_ids(searcher, whole))
    shown = select_items(connection, resource, query, rows, most_bytes, explained)
    return pages.page_of(resource, query, shown, found.total), [row[-1] for row in shown.rows]


def all_found(
    connection: Connection, resource: Resource, query: ListQuery, at: DatabaseState, search: Search
) -> Iterator[Sequence[bytes]]:
    """All documents of a list of current records in batches, in sort order or by relevance.

    The names in `query` must be resolved.
    """
    if query.words is None:
        yield from pages.every_page(connection, resource, query)
        return
    searcher = search.index.current(connection, at)
    records = filter_query(resource.type, query.tests, query.ids)
    thesaurus = search.thesauri.at(connection, at)
    ids = service.all_ids(searcher, service.match_words(searcher, query.words, thesaurus, records)[0])
    if query.sort:
        yield from pages.pages_of(connection, resource, query, pages.select_ids(connection, resource, ids))
        return
    for some in [*batches(ids)] or [[]]:
        yield [row[0] for row in keyed_documents(connection, [(resource.type, id) for id in some])]


def _empty_result_help(
    searcher: Searcher, resource: Resource, query: ListQuery, found: RankedRecords
) -> dict[str, Any]:
    """Suggestions for a search without hits: how many records each filter excludes, and similar spellings."""
    assert query.words is not None
    hidden = service.totals_without_each(searcher, found.compiled.query, resource.type, query.tests, query.ids)
    return {"without": hidden, "spelling": service.spelling(searcher, query.words)}
