"""The search across all record types, and the records similar to one."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote

import orjson
from sqlalchemy import Connection
from tantivy import Query

from app.common.problems import parameter_fault
from app.query import name_resolution, pages
from app.query.keyset import next_url, offset_in
from app.query.page_budget import Row, converted, cut
from app.query.pages import DatabaseState, Page
from app.query.parameters import DEFAULT_LIMIT, JSON_ALONE, TYPES, Parameters, read_limit, read_types, read_words
from app.query.search_parameters import Words
from app.query.statements import keyed_documents
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.search import service
from app.search.highlighting import explain
from app.search.lists import Search, search_summary
from app.search.query_compiler import SCHEMA

PATH = "/v1/search"
NO_CURSOR: str | None = None


@dataclass(frozen=True, eq=False)
class AllTypesQuery:
    """The parsed query string of a search across types."""

    words: Words
    types: tuple[RecordType, ...]
    limit: int
    offset: int
    """The number of hits before the page, from the cursor."""
    asked: str
    """The text that a cursor is bound to."""
    parameters: tuple[tuple[str, str], ...]
    """The parameters as they were given, without `cursor`."""
    format: str | None
    """The value of `format=`; None where it is not given."""

    def next_url(self, offset: int) -> str:
        """The URL of the page after so many hits."""
        return next_url(PATH, self.parameters, self.asked, (offset,))


@lru_cache(maxsize=1024)
def read_everywhere_query(raw: str, formats: tuple[str, ...] = JSON_ALONE) -> AllTypesQuery:
    """Parse the query string of a search across types, in which `format=` may name one of `formats`.

    Raises a `Problem` that lists every fault.
    """
    given = Parameters(raw, ["q", "match", "expand", "type", "limit", "cursor", "format"])
    words, types = read_words(given), given.read_several("type", read_types, TYPES)
    limit = given.read("limit", read_limit, DEFAULT_LIMIT)
    format = given.read_format(formats)
    if not given.all("q"):
        given.faults.append(parameter_fault("q", "q is needed: what is looked for."))
    given.end()
    assert words is not None
    asked = repr(("search", words.raw, words.match, words.expand, types))
    offset = given.read("cursor", partial(offset_in, asked), 0)
    given.end()
    return AllTypesQuery(words, types, limit, offset, asked, given.without("cursor"), format)


def _of_types(types: tuple[RecordType, ...]) -> Query:
    return Query.const_score_query(Query.term_set_query(SCHEMA, "type", list(types)), 0.0)


def everywhere(
    connection: Connection, query: AllTypesQuery, at: DatabaseState, search: Search, most_bytes: int
) -> Page:
    """One page of the best records of the requested types, with the number of matches of each type."""
    searcher = search.index.current(connection, at)
    records, thesaurus = _of_types(query.types), search.thesauri.at(connection, at)
    found = service.find(searcher, query.words, thesaurus, records, offset=query.offset, limit=query.limit)
    terms = frozenset(found.compiled.terms)

    def explained(row: Row) -> Row:
        key, score = found.keys[row[1] - 1]
        return (*row, explain(key[0], orjson.loads(row[0]), score, terms))

    rows = keyed_documents(connection, [key for key, _ in found.keys])
    shown = cut(converted(rows, query.limit, explained), query.limit, most_bytes)
    end = query.offset + (shown.rows[-1][1] if shown.is_more else len(found.keys))
    more: dict[str, Any] = {
        "types": service.totals_by_type(searcher, service.within_records(found.compiled.query, records))
    }
    if not found.total:
        more["spelling"] = service.spelling(searcher, query.words)
    following = query.next_url(end) if end < found.total and query.limit else None
    hits = [row[-1] for row in shown.rows]
    return Page([row[0] for row in shown.rows], found.total, following, {"search": search_summary(found, hits, more)})


@dataclass(frozen=True, slots=True)
class SimilarQuery:
    """The parsed query string of the records similar to one."""

    limit: int
    cursor: str | None
    format: str | None
    """The value of `format=`; None where it is not given."""


@lru_cache(maxsize=256)
def read_similar_query(raw: str, formats: tuple[str, ...] = JSON_ALONE) -> SimilarQuery:
    """Parse the query string of the records similar to one, in which `format=` may name one of `formats`.

    Raises a `Problem` that lists every fault.
    """
    given = Parameters(raw, ["limit", "cursor", "format"])
    limit, cursor = given.read("limit", read_limit, 10), given.read("cursor", str, NO_CURSOR)
    format = given.read_format(formats)
    given.end()
    return SimilarQuery(limit, cursor, format)


def similar_asked(resource: Resource, id: str) -> str:
    """The text that a cursor of the records similar to one is bound to."""
    return f"similar {resource.type} {id}"


def similar(
    connection: Connection,
    resource: Resource,
    name: str,
    asked: SimilarQuery,
    at: DatabaseState,
    search: Search,
    most_bytes: int,
) -> Page:
    """One page of the records of a type that are most similar to one of them, which is given by an id or a name."""
    stored = pages.by_id(connection, resource.type, name) or name_resolution.by_name(connection, resource, name)
    belongs = similar_asked(resource, stored.id)
    offset = offset_in(belongs, asked.cursor) if asked.cursor is not None else 0
    searcher = search.index.current(connection, at)
    query = service.similar_to(resource.type, orjson.loads(stored.body))
    total = service.count(searcher, query)
    hits = searcher.search(query, max(1, offset + asked.limit), count=False).hits[offset : offset + asked.limit]
    keys = [(service.key_of(searcher, address), float(score)) for score, address in hits]
    shown = cut(keyed_documents(connection, [key for key, _ in keys]), asked.limit, most_bytes)
    scores = [{"id": keys[row[1] - 1][0][1], "score": round(keys[row[1] - 1][1], 4)} for row in shown.rows]
    end = offset + (shown.rows[-1][1] if shown.is_more else len(keys))
    following = None
    if end < total and asked.limit:
        path = f"{resource.path}/{quote(stored.id)}/similar"
        following = next_url(path, [("limit", asked.limit)], belongs, (end,))
    return Page([row[0] for row in shown.rows], total, following, {"search": {"hits": scores}})
