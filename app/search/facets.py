"""Facets: how many records of a list have each value of a filter. The counts equal the totals of the filtered lists."""

from collections.abc import Sequence
from typing import Any

from tantivy import Occur, Query, Searcher

from app.common.problems import invalid_parameter
from app.query.search_parameters import Facet
from app.search.query_compiler import SCHEMA
from app.search.schema import range_fields
from app.search.service import count

MAX_BUCKETS = 60_000


def _field(name: str) -> str:
    return range_fields().get(name, f"value.{name}")


def _aggregation(facet: Facet) -> dict[str, Any]:
    terms: dict[str, Any] = {"terms": {"field": _field(facet.name), "size": MAX_BUCKETS}}
    if facet.by:
        terms["aggs"] = {"by": {"terms": {"field": _field(facet.by), "size": MAX_BUCKETS}}}
    return terms


def _value(key: Any) -> Any:
    """The index returns every number as a float; whole numbers are shown as the documents show them."""
    return int(key) if isinstance(key, float) and key.is_integer() else key


def _entry(bucket: dict[str, Any], facet: Facet, limit: int) -> dict[str, Any]:
    entry = {"value": _value(bucket["key"]), "count": bucket["doc_count"]}
    if facet.by:
        entry["by"] = _entries(bucket["by"]["buckets"], Facet(facet.by), limit)
    return entry


def _entries(buckets: list[dict[str, Any]], facet: Facet, limit: int) -> list[dict[str, Any]]:
    ordered = sorted(buckets, key=lambda bucket: (-bucket["doc_count"], str(bucket["key"])))
    return [_entry(bucket, facet, limit) for bucket in ordered[:limit]]


def _missing(searcher: Searcher, query: Query, name: str) -> int:
    has = Query.term_query(SCHEMA, "has", name)
    return count(searcher, Query.boolean_query([(Occur.Must, query), (Occur.MustNot, has)]))


def _aggregate(searcher: Searcher, query: Query, wanted: dict[str, Any]) -> dict[str, Any]:
    """Run an aggregation; raises a `Problem` where there are more than 65,000 buckets, which Tantivy refuses."""
    try:
        return searcher.aggregate(query, wanted)
    except ValueError as error:
        if "Aborting aggregation" not in str(error):
            raise
        detail = "These facets have too many values to be counted at once; ask for fewer of them, or filter more."
        raise invalid_parameter("facets", detail) from None


def facets(searcher: Searcher, query: Query, wanted: Sequence[Facet], limit: int) -> dict[str, Any]:
    """Count the values of some facets among the records that match a query; the result is keyed by `Facet.label`.

    Each facet has its `limit` most frequent values, the number of `distinct` values, and the number of records without
    a value (`missing`).
    """
    if not wanted:
        return {}
    found = _aggregate(searcher, query, {str(number): _aggregation(facet) for number, facet in enumerate(wanted)})
    answer = {}
    for number, facet in enumerate(wanted):
        buckets = found[str(number)]["buckets"]
        answer[facet.label] = {
            "values": _entries(buckets, facet, limit),
            "distinct": len(buckets),
            "missing": _missing(searcher, query, facet.name),
        }
    return answer
