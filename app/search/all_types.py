"""A search across types, and records like a given one."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from sqlalchemy import Connection
from tantivy import Query

from app.common.problems import parameter_fault
from app.query import name_resolution, pages
from app.query.keyset import offset_in, write_cursor
from app.query.page_budget import Row, converted, cut
from app.query.pages import Now, Page
from app.query.parameters import DEFAULT_LIMIT, TYPES, Parameters, read_limit, read_types, read_words
from app.query.search_parameters import Words
from app.query.statements import keyed_documents
from app.records.fields import RecordType
from app.records.resource import Resource
from app.search import service
from app.search.highlighting import explain
from app.search.lists import Search, search_summary
from app.search.query_compiler import SCHEMA

PATH = "/v1/search"
NO_CURSOR: str | None = None


@dataclass(frozen=True, eq=False)
class EverywhereQuery:
    words: Words
    types: tuple[RecordType, ...]
    limit: int
    offset: int
    asked: str
    parameters: tuple[tuple[str, str], ...]

    def next_url(self, offset: int) -> str:
        return f"{PATH}?{urlencode([*self.parameters, ('cursor', write_cursor(self.asked, (offset,)))], safe=',.:')}"


@lru_cache(maxsize=1024)
def read_everywhere_query(raw: str) -> EverywhereQuery:
    given = Parameters(raw, ["q", "match", "expand", "type", "limit", "cursor", "format"])
    words, types = read_words(given), given.read("type", read_types, TYPES)
    limit = given.read("limit", read_limit, DEFAULT_LIMIT)
    given.read_format()
    if not given.all("q"):
        given.faults.append(parameter_fault("q", "q is needed: what is looked for."))
    given.end()
    assert words is not None
    asked = repr(("search", words.raw, words.match, words.expand, types))
    offset = given.read("cursor", partial(offset_in, asked), 0)
    given.end()
    parameters = tuple(pair for pair in given.pairs if pair[0] != "cursor")
    return EverywhereQuery(words, types, limit, offset, asked, parameters)


def _of_types(types: tuple[RecordType, ...]) -> Query:
    return Query.const_score_query(Query.term_set_query(SCHEMA, "type", list(types)), 0.0)


def everywhere(connection: Connection, query: EverywhereQuery, at: Now, search: Search, most_bytes: int) -> Page:
    """The best records of all types asked for, with how many each type has."""
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
    limit: int
    cursor: str | None


@lru_cache(maxsize=256)
def read_similar_query(raw: str) -> SimilarQuery:
    given = Parameters(raw, ["limit", "cursor", "format"])
    query = SimilarQuery(given.read("limit", read_limit, 10), given.read("cursor", str, NO_CURSOR))
    given.read_format()
    given.end()
    return query


def similar_asked(resource: Resource, id: str) -> str:
    """What a cursor of the records like one of them belongs to."""
    return f"similar {resource.type} {id}"


def similar(
    connection: Connection,
    resource: Resource,
    name: str,
    asked: SimilarQuery,
    at: Now,
    search: Search,
    most_bytes: int,
) -> Page:
    """The records of a type that are most like one of them."""
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
    more = urlencode({"limit": asked.limit, "cursor": write_cursor(belongs, (end,))})
    following = f"{resource.path}/{quote(stored.id)}/similar?{more}" if end < total and asked.limit else None
    return Page([row[0] for row in shown.rows], total, following, {"search": {"hits": scores}})
