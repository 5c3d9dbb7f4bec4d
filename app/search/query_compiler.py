"""Parsed search words and filters compiled to queries of the search index.

A word is searched for in every text field. The weights of title and name were measured by `benchmarks.search`. With
`match=all`, each word must be somewhere in the record.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt

from tantivy import FieldType, Occur, Query, Searcher

from app.common.problems import Invalid
from app.query.search_syntax import All, Any_, Node, Not, Words, plain_operators
from app.records.document_paths import first_day, last_day, term_of, text_term
from app.records.filters import AnyOf, Between, Kind, Missing, NoneOf, Test, Tests, Value, ascii_lower
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.search import analysis
from app.search.schema import OWN, range_fields, schema, value_field
from app.search.synonyms import Thesaurus

WEIGHTS = {"title": 0.25, "name": 1.25, "body": 1.0}
"""The weights of the fields. A title is in the body too, so it weighs 1.25 in all."""
SYNONYM_WEIGHT = 0.7
MAX_PREFIX_WORDS = 200

SCHEMA = schema()
NONE, EVERY = Query.empty_query(), Query.all_query()


@dataclass(slots=True)
class CompiledQuery:
    """A compiled query with what the answer shows of it."""

    query: Query = NONE
    expanded: dict[str, list[str]] = field(default_factory=dict)
    """The synonyms that were added for each name in the query."""
    terms: set[str] = field(default_factory=set)
    """The terms that are highlighted in hits."""
    plain_operators: list[str] = field(default_factory=list)
    """The words `not`, `and` and `or` in the query, which were searched for as words."""


class Compiler:
    """Compiles one tree of search words."""

    def __init__(self, searcher: Searcher, thesaurus: Thesaurus | None, *, match_all: bool) -> None:
        """Without a `thesaurus`, no synonyms are added; `match_all` requires every word instead of any."""
        self.searcher, self.thesaurus, self.match_all = searcher, thesaurus, match_all
        self.result = CompiledQuery()

    def compile(self, node: Node) -> CompiledQuery:
        """Compile a tree; raises `Invalid` where it has only stop words or a prefix of less than two letters."""
        self.result.query = self._node(node)
        self.result.plain_operators = plain_operators(node)
        if not self.result.terms:
            raise Invalid("has only words that are too common to be looked for")
        return self.result

    def _node(self, node: Node) -> Query:
        if isinstance(node, Words):
            return self._plain_words([node])
        if isinstance(node, Any_):
            return _any_of(map(self._node, node.nodes))
        if isinstance(node, All):
            return self._requiring()._all(node) if node.required else self._all(node)
        return _boolean([(Occur.Must, EVERY), (Occur.MustNot, self._excluded(node))])

    def _requiring(self) -> "Compiler":
        """A compiler that adds to the same result and requires every word."""
        inner = Compiler(self.searcher, self.thesaurus, match_all=True)
        inner.result = self.result
        return inner

    def _excluded(self, node: Not) -> Query:
        inner = Compiler(self.searcher, None, match_all=True)
        return inner._node(node.node)

    def _all(self, node: All) -> Query:
        """Plain words side by side are compiled together, so that names of several words are found among them."""
        row, rest, negated = _parts_of(node)
        wanted = [self._plain_words(row)] if row else []
        wanted += map(self._node, rest)
        excluded = [(Occur.MustNot, self._excluded(item)) for item in negated]
        occur = Occur.Must if self.match_all or (rest and not row) else Occur.Should
        if not wanted:
            return _boolean([(Occur.Must, EVERY), *excluded])
        return _boolean([*((occur if len(wanted) > 1 else Occur.Must, query) for query in wanted), *excluded])

    def _plain_words(self, words: list[Words]) -> Query:
        if len(words) == 1 and not _is_plain(words[0]):
            return self._single_words(words[0])
        terms = [term for item in words for term in analysis.terms(item.text)]
        joined = _adjacent_pairs(terms)
        self.result.terms.update(terms, joined)
        parts = self._weighted_parts(terms)
        occur = Occur.Must if self.match_all else Occur.Should
        near = [(Occur.Should, _term(term)) for term in joined]
        return _boolean([*((occur, part) for part in parts), *near]) if parts else EVERY

    def _weighted_parts(self, terms: list[str]) -> list[Query]:
        """A query for each name among the terms, and for each of the other terms by how often it stands there."""
        found = list(self.thesaurus.expansions(terms)) if self.thesaurus else []
        covered = {index for expansion in found for index in range(expansion.start, expansion.end)}
        alone = Counter(term for index, term in enumerate(terms) if index not in covered)
        parts = [_weighted_term(term, times) for term, times in alone.items()]
        return parts + [self._name_query(terms[each.start : each.end], each.names) for each in found]

    def _name_query(self, terms: list[str], names: Iterable[str]) -> Query:
        """A query for a name or any of its synonyms; the better match of the two counts."""
        self.result.expanded[" ".join(terms)] = list(names)
        own = _boolean([(Occur.Must if self.match_all else Occur.Should, _term(term)) for term in terms])
        synonyms = []
        for name in names:
            other = analysis.terms(name)
            self.result.terms.update(other)
            synonyms.append(Query.boost_query(_phrase(other), SYNONYM_WEIGHT))
        return Query.disjunction_max_query([own, *synonyms])

    def _single_words(self, words: Words) -> Query:
        if words.prefix:
            return self._prefix_query(words)
        terms = analysis.terms(words.text)
        self.result.terms.update(terms)
        if not terms:
            return EVERY
        phrase = _phrase(terms, words.field)
        other_names = self.thesaurus.other_names(tuple(terms)) if self.thesaurus else []
        if not other_names:
            return phrase
        self.result.expanded[" ".join(terms)] = other_names
        named = (Query.boost_query(_phrase(analysis.terms(n), words.field), SYNONYM_WEIGHT) for n in other_names)
        return Query.disjunction_max_query([phrase, *named])

    def _prefix_query(self, words: Words) -> Query:
        """A query for the words with a prefix; only the 200 most frequent ones where there are more."""
        start = "".join(analysis.words(words.text)[-1:])
        if len(start) < 2:
            raise Invalid(f"at character {words.at + 1}: give at least two letters before *")
        found = self.searcher.terms_with_prefix("word", start, limit=5000)
        common = sorted(found, key=lambda pair: -pair[1])[:MAX_PREFIX_WORDS]
        terms = {term for word, _ in common for term in analysis.terms(word)}
        self.result.terms.update(terms or {start})
        return _any_of(_term(term, words.field) for term in sorted(terms))


def _is_plain(words: Words) -> bool:
    return not (words.phrase or words.prefix or words.field)


def _boolean(clauses: Iterable[tuple[Occur, Query]]) -> Query:
    some = list(clauses)
    return some[0][1] if len(some) == 1 and some[0][0] != Occur.MustNot else Query.boolean_query(some)


def _any_of(queries: Iterable[Query]) -> Query:
    some = list(queries)
    return Query.boolean_query([(Occur.Should, query) for query in some]) if some else NONE


def _field_weights(name: str | None) -> Mapping[str, float]:
    if name is None:
        return WEIGHTS
    return {name if name in OWN else f"part.{name}": 1.0}


def _term(term: str, name: str | None = None) -> Query:
    weighed = _field_weights(name).items()
    return _any_of(Query.boost_query(Query.term_query(SCHEMA, field, term), weight) for field, weight in weighed)


def _phrase(terms: list[str], name: str | None = None) -> Query:
    if len(terms) < 2:
        return _term(terms[0], name) if terms else NONE
    weighed = _field_weights(name).items()
    return _any_of(
        Query.boost_query(Query.phrase_query(SCHEMA, field, list(terms)), weight) for field, weight in weighed
    )


def _weighted_term(term: str, times: int) -> Query:
    """A word that a query repeats weighs more, by the square root: users repeat names, or add their short forms."""
    return _term(term) if times == 1 else Query.boost_query(_term(term), sqrt(times))


def _adjacent_pairs(terms: list[str]) -> dict[str, None]:
    """Adjacent words joined into one, as some records write them: `IL-2` and `IL2`, `down regulation`."""
    return dict.fromkeys(map("".join, pairwise(terms)))


# Filters: the same tests as `query.sql_filters` compiles to SQL.


def filter_query(type: RecordType, tests: Mapping[str, Tests], ids: Iterable[str] = ()) -> Query:
    """A query for the records of a type that pass all filters and, where `ids` are given, have one of them."""
    known = RESOURCES[type].kinds
    clauses = [(Occur.Must, Query.term_query(SCHEMA, "type", type))]
    for name, wanted in tests.items():
        clauses += [(Occur.Must, _test(name, known[name], test)) for test in wanted]
    keys = [f"{type}/{id}" for id in ids]
    if keys:
        clauses.append((Occur.Must, Query.term_set_query(SCHEMA, "key", keys)))
    return Query.const_score_query(Query.boolean_query(clauses), 0.0)


def _test(name: str, kind: Kind, test: Test) -> Query:
    if isinstance(test, AnyOf):
        return _equal(name, kind, test.values)
    if isinstance(test, Between):
        return _between(name, kind, test.low, test.high)
    if isinstance(test, NoneOf):
        return _not(_equal(name, kind, test.values))
    present = Query.term_query(SCHEMA, "has", name)
    return _not(present) if isinstance(test, Missing) else present


def _not(query: Query) -> Query:
    return Query.boolean_query([(Occur.Must, EVERY), (Occur.MustNot, query)])


def _equal(name: str, kind: Kind, values: Iterable[Value]) -> Query:
    if kind.ranged:
        return _any_of(_between(name, kind, value, value) for value in values)
    terms = [text_term(ascii_lower(str(value))) if kind.name == "text" else term_of(value) for value in values]
    if len(terms) == 1:
        return Query.term_query(SCHEMA, value_field(name, kind), terms[0])  # a set of one term is three times as slow
    return Query.term_set_query(SCHEMA, value_field(name, kind), terms)


def _between(name: str, kind: Kind, low: Value | None, high: Value | None) -> Query:
    field_name = range_fields()[name]
    first, last = (float, float) if kind.name == "number" else (first_day, last_day)
    lower = None if low is None else first(low)
    upper = None if high is None else last(high)
    return Query.range_query(SCHEMA, field_name, FieldType.Float, lower, upper)


def _parts_of(node: All) -> tuple[list[Words], list[Node], list[Not]]:
    """The plain words of a conjunction, its other wanted parts and those that it excludes."""
    row = [item for item in node.nodes if isinstance(item, Words) and _is_plain(item)]
    negated = [item for item in node.nodes if isinstance(item, Not)]
    return row, [item for item in node.nodes if item not in row and item not in negated], negated
