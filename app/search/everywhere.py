"""A search across types, and records like a given one."""

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlencode

import orjson
from sqlalchemy import Connection
from tantivy import Query

from app import naming, reading
from app.errors import parameter_fault
from app.fields import RecordType
from app.paging import offset_in, write_cursor
from app.query import DEFAULT_LIMIT, TYPES, Parameters, read_limit, read_types, read_words
from app.reading import Now, Page
from app.resources import Resource
from app.search import service
from app.search.asked import Words
from app.search.compile import SCHEMA
from app.search.hits import explain
from app.search.listing import Search, bodies_of, told

PATH = "/v1/search"


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


def everywhere(connection: Connection, query: EverywhereQuery, at: Now, search: Search) -> Page:
    """The best records of all types asked for, with how many each type has."""
    searcher = search.index.current(connection, at)
    records, thesaurus = _of_types(query.types), search.thesauri.at(connection, at)
    found = service.find(searcher, query.words, thesaurus, records, offset=query.offset, limit=query.limit)
    bodies = bodies_of(connection, [key for key, _ in found.keys])
    there = [(key, bodies[key], score) for key, score in found.keys if key in bodies]
    terms = frozenset(found.compiled.terms)
    hits = [explain(key[0], orjson.loads(body), score, terms) for key, body, score in there]
    end = query.offset + len(found.keys)
    more: dict[str, Any] = {"types": service.types_found(searcher, service.among(found.compiled.query, records))}
    if not found.total:
        more["spelling"] = service.spelling(searcher, query.words)
    following = query.next_url(end) if end < found.total and query.limit else None
    return Page([body for _, body, _ in there], found.total, following, {"search": told(found, hits, more)})


@lru_cache(maxsize=256)
def read_similar_query(raw: str) -> int:
    given = Parameters(raw, ["limit", "format"])
    limit = given.read("limit", read_limit, 10)
    given.read_format()
    given.end()
    return limit


def similar(connection: Connection, resource: Resource, name: str, limit: int, at: Now, search: Search) -> Page:
    """The records of a type that are most like one of them."""
    stored = reading.by_id(connection, resource.type, name) or naming.by_name(connection, resource, name)
    searcher = search.index.current(connection, at)
    query = service.similar_to(resource.type, orjson.loads(stored.body))
    hits = searcher.search(query, max(1, limit), count=False).hits[:limit]
    keys = [(service.key_of(searcher, address), float(score)) for score, address in hits]
    bodies = bodies_of(connection, [key for key, _ in keys])
    there = [(key, bodies[key], score) for key, score in keys if key in bodies]
    scores = [{"id": key[1], "score": round(score, 4)} for key, _, score in there]
    return Page([body for _, body, _ in there], service.count(searcher, query), None, {"search": {"hits": scores}})
