"""Questions that the search index answers: ranked hits, totals, suggestions and similar records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein
from sqlalchemy import Connection
from tantivy import Occur, Query, Searcher, SearchResult

from app.common.problems import Invalid, invalid_parameter
from app.common.spelling import search_form
from app.query.search_parameters import Words
from app.query.search_syntax import leaves
from app.records.document_paths import parts, texts
from app.records.filters import Tests
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.search import analysis
from app.search.query_compiler import SCHEMA, CompiledQuery, Compiler, filter_query
from app.search.schema import META
from app.search.synonyms import Thesaurus, read_thesaurus
from app.store.versions import Key

RECORDS = Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, Query.term_query(SCHEMA, "key", META))])


@dataclass(frozen=True, slots=True)
class RankedRecords:
    """One page of the records that match some words, the best first."""

    keys: list[tuple[Key, float]]
    """Each record with its score."""
    total: int
    match: str
    """How the words were matched: `all` or `any`, which `best` is resolved to."""
    compiled: CompiledQuery


class Thesauri:
    """A cache of one thesaurus: that of the database state at which it was last read."""

    def __init__(self) -> None:
        self._state: Any = None
        self._thesaurus: Thesaurus | None = None

    def at(self, connection: Connection, at: Any) -> Thesaurus:
        """The thesaurus of a database state; it is read anew where the state differs from the cached one."""
        if self._thesaurus is None or self._state != at:
            self._thesaurus, self._state = read_thesaurus(connection), at
        return self._thesaurus


def within_records(words: Query, records: Query) -> Query:
    """The records that match both the words and a query such as `filter_query`."""
    return Query.boolean_query([(Occur.Must, words), (Occur.Must, records)])


def _compile(searcher: Searcher, words: Words, thesaurus: Thesaurus, *, match_all: bool) -> CompiledQuery:
    try:
        return Compiler(searcher, thesaurus if words.expand else None, match_all=match_all).compile(words.node)
    except Invalid as fault:
        raise invalid_parameter("q", f"q: {fault.detail}.", fault.near) from None


def match_words(
    searcher: Searcher, words: Words, thesaurus: Thesaurus, records: Query, most: int = 1
) -> tuple[Query, CompiledQuery, str, SearchResult]:
    """Search for some words among some records, and return the `most` best hits (at least one).

    With `match=best`, a second search for any of the words is made where no record has all of them. Returns the query
    and its compiled words, how the words were matched (`all` or `any`), and the hits. Raises a `Problem` for words that
    cannot be searched for.
    """
    compiled = _compile(searcher, words, thesaurus, match_all=words.match != "any")
    query = within_records(compiled.query, records)
    result = searcher.search(query, max(1, most))
    if words.match == "best" and not _total(result):
        wider = _compile(searcher, words, thesaurus, match_all=False)
        query = within_records(wider.query, records)
        return query, wider, "any", searcher.search(query, max(1, most))
    return query, compiled, "any" if words.match == "any" else "all", result


def key_of(searcher: Searcher, address: Any) -> Key:
    """The type and id of the record at an address of the index."""
    type, _, id = str(searcher.doc(address)["key"][0]).partition("/")
    return type, id  # type: ignore[return-value]  # the index only holds record types


def find(
    searcher: Searcher, words: Words, thesaurus: Thesaurus, records: Query, *, offset: int, limit: int
) -> RankedRecords:
    """Find `limit` records after the `offset` best ones; raises a `Problem` for words that cannot be searched for."""
    _, compiled, match, result = match_words(searcher, words, thesaurus, records, offset + limit)
    hits = result.hits[offset : offset + limit]
    return RankedRecords([(key_of(searcher, at), float(score)) for score, at in hits], _total(result), match, compiled)


def _total(result: SearchResult) -> int:
    return int(result.count)  # type: ignore[attr-defined]  # the attribute exists and is missing in the library's types


def all_ids(searcher: Searcher, query: Query) -> list[str]:
    """The ids of all records that match a query."""
    hits = searcher.search(query, max(1, count(searcher, query)), count=False).hits
    return [key_of(searcher, at)[1] for _, at in hits]


def count(searcher: Searcher, query: Query) -> int:
    """The number of records that match a query."""
    return _total(searcher.search(query, 1))


def totals_without_each(
    searcher: Searcher, words: Query | None, type: RecordType, tests: Mapping[str, Tests], ids: Sequence[str]
) -> list[dict[str, Any]]:
    """For each filter, the number of records that would match without it, if there are any; the largest first."""
    found = []
    for name in tests:
        rest = {other: wanted for other, wanted in tests.items() if other != name}
        records = filter_query(type, rest, ids)
        total = count(searcher, within_records(words, records) if words else records)
        if total:
            found.append({"parameter": name, "total": total})
    return sorted(found, key=lambda entry: -int(str(entry["total"])))


def spelling(searcher: Searcher, words: Words) -> list[dict[str, Any]]:
    """Spelling suggestions: for up to five words that no record has, the most similar words that records have."""
    found = []
    for leaf in leaves(words.node):
        for word in analysis.words(leaf.text):
            if not leaf.prefix and not searcher.doc_freq("word", word):
                near = _similar_words(searcher, word)
                if near:
                    found.append({"word": word, "nearest": near})
    return found[:5]


def _similar_words(searcher: Searcher, word: str) -> list[str]:
    candidates = dict(searcher.terms_with_prefix("word", word[0], limit=50_000))
    alike = DamerauLevenshtein.normalized_similarity
    near = process.extract(word, list(candidates), scorer=alike, limit=10, score_cutoff=0.6)
    ranked = sorted(near, key=lambda found: (-round(found[1], 2), -candidates[found[0]]))
    return [found[0] for found in ranked[:3]]


def similar_to(type: RecordType, document: Any) -> Query:
    """A query for the records of a type that share rare words with a document, without the document's own record."""
    own_texts = {part: [search_form(text) for text in some] for part, some in texts(type, document).items()}
    body = [text for part in parts() for text in own_texts.get(part, ()) if part not in ("title", "name")]
    fields = {"title": ["\n".join(own_texts.get("title", []))], "body": ["\n".join(body)]}
    like = Query.more_like_this_document_fields_query(
        SCHEMA, fields, min_doc_frequency=1, min_term_frequency=1, max_query_terms=40
    )
    itself = Query.term_query(SCHEMA, "key", f"{type}/{document['id']}")
    of_type = Query.term_query(SCHEMA, "type", type)
    return Query.boolean_query(
        [(Occur.Must, like), (Occur.Must, Query.const_score_query(of_type, 0.0)), (Occur.MustNot, itself)]
    )


def totals_by_type(searcher: Searcher, query: Query) -> dict[str, int]:
    """The number of records that match a query, by record type; types without a match are left out."""
    found = searcher.aggregate(query, {"type": {"terms": {"field": "type", "size": len(RESOURCES)}}})
    return {bucket["key"]: bucket["doc_count"] for bucket in found["type"]["buckets"]}
