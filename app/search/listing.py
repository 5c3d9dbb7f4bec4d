"""Lists that ask for words or counts: found by the index, shown from the documents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, select
from tantivy import Query, Searcher

from app import naming, reading
from app.documents import Document
from app.query import ListQuery
from app.reading import Now, Page, Totals
from app.resources import Resource
from app.rows import batches
from app.search import service
from app.search.compile import filter_query
from app.search.facets import facets
from app.search.hits import explain
from app.search.index import SearchIndex
from app.search.service import Found, Key, Thesauri
from app.search.synonyms import Thesaurus


@dataclass(frozen=True, slots=True)
class Search:
    index: SearchIndex
    thesauri: Thesauri


_BODIES = select(Document.id, Document.body).where(
    Document.type == bindparam("of"),
    Document.id.in_(bindparam("ids", expanding=True)),
    Document.until_revision.is_(None),
)


def bodies_of(connection: Connection, keys: Sequence[Key]) -> dict[Key, bytes]:
    """Current documents, some may be gone."""
    found: dict[Key, bytes] = {}
    for type in dict.fromkeys(type for type, _ in keys):
        ids = [id for of, id in keys if of == type]
        found |= {(type, row[0]): row[1] for row in connection.execute(_BODIES, {"of": type, "ids": ids})}
    return found


def told(found: Found, hits: Sequence[Any], extra: dict[str, Any] | None = None) -> dict[str, Any]:
    """What is told of a search beside its records."""
    return {"match": found.match, "expanded": found.compiled.expanded, "hits": hits, **(extra or {})}


def page(connection: Connection, resource: Resource, query: ListQuery, at: Now, totals: Totals, search: Search) -> Page:
    """One page of a list, by the index where it is needed, and counted by it where it is at hand."""
    found = naming.resolve(connection, resource, query)
    records = filter_query(resource.type, found.tests, found.ids)
    if query.words or query.facets or search.index.is_current(at):
        searcher = search.index.current(connection, at)
        if not query.words and totals.get(at, query.asked) is None:
            totals.put(at, query.asked, service.count(searcher, records))
    if query.words:
        return _found(connection, resource, found, searcher, records, search.thesauri.at(connection, at))
    shown = reading.page(connection, resource, found, at, totals)
    if not query.facets:
        return shown
    return replace(shown, more={"facets": facets(searcher, records, query.facets, query.facet_limit)})


def _found(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    searcher: Searcher,
    records: Query,
    thesaurus: Thesaurus,
) -> Page:
    assert query.words is not None
    offset = int(query.position[0] or 0) if query.position and not query.sort else 0
    found = service.find(searcher, query.words, thesaurus, records, offset=offset, limit=query.limit)
    whole = service.among(found.compiled.query, records)
    more = {"facets": facets(searcher, whole, query.facets, query.facet_limit)} if query.facets else {}
    if query.sort:
        return _sorted(connection, resource, query, searcher, found, more)
    bodies = bodies_of(connection, [key for key, _ in found.keys])
    there = [(bodies[key], score) for key, score in found.keys if key in bodies]
    terms = frozenset(found.compiled.terms)
    hits = [explain(resource.type, orjson.loads(body), score, terms) for body, score in there]
    ended = offset + len(found.keys) >= found.total
    following = None if ended or not query.limit else query.next_url(resource, (offset + len(found.keys),))
    help = {} if found.total else _help(searcher, resource, query, found)
    documents = reading.select_parts(connection, resource, query, [body for body, _ in there])
    return Page(documents, found.total, following, {"search": told(found, hits, help), **more})


def _sorted(
    connection: Connection,
    resource: Resource,
    query: ListQuery,
    searcher: Searcher,
    found: Found,
    more: dict[str, Any],
) -> Page:
    """Words find, SQL sorts: by keys that are no relevance, pages go on as in any list."""
    records = filter_query(resource.type, query.tests, query.ids)
    ids = service.all_ids(searcher, service.among(found.compiled.query, records))
    shown = reading.sorted_page(connection, resource, query, ids)
    terms = frozenset(found.compiled.terms)
    hits = [explain(resource.type, orjson.loads(body), 0.0, terms) for body in shown.documents]
    documents = reading.select_parts(connection, resource, query, shown.documents)
    help = {} if found.total else _help(searcher, resource, query, found)
    return Page(documents, found.total, shown.next, {"search": told(found, hits, help), **more})


def all_found(
    connection: Connection, resource: Resource, query: ListQuery, at: Now, search: Search
) -> Iterator[Sequence[bytes]]:
    """All whole documents of a resolved query, some at a time: in its order, or the best first."""
    if query.words is None:
        yield from reading.every_page(connection, resource, query)
        return
    searcher = search.index.current(connection, at)
    records = filter_query(resource.type, query.tests, query.ids)
    thesaurus = search.thesauri.at(connection, at)
    ids = service.all_ids(searcher, service.matching(searcher, query.words, thesaurus, records)[0])
    if query.sort:
        yield from reading.pages_of(connection, resource, query, reading.those_with(connection, resource, ids))
        return
    for some in [*batches(ids)] or [[]]:
        bodies = bodies_of(connection, [(resource.type, id) for id in some])
        yield [bodies[resource.type, id] for id in some if (resource.type, id) in bodies]


def _help(searcher: Searcher, resource: Resource, query: ListQuery, found: Found) -> dict[str, Any]:
    """For a search that found nothing: what each filter hides, and words that there are."""
    assert query.words is not None
    hidden = service.without_each(searcher, found.compiled.query, resource.type, query.tests, query.ids)
    return {"without": hidden, "spelling": service.spelling(searcher, query.words)}
