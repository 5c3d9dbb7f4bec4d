"""The parameters of operations in OpenAPI: their grammar, their bounds, and an example of each, which a test sends."""

from collections.abc import Iterable
from typing import Any, get_args

from app.api.representations import QuestionKind, names_of
from app.query.keyset import write_cursor
from app.query.parameters import DEFAULT_LIMIT, MAX_LIMIT, TYPES
from app.query.projection import includable
from app.query.record_queries import read_list_query
from app.query.search_parameters import DEFAULT_FACET_LIMIT, MAX_FACET_LIMIT, countable
from app.records.document_paths import parts
from app.records.filters import Kind
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.search.all_types import similar_asked

Doc = dict[str, Any]
"""A part of the OpenAPI document."""

TEXT: Doc = {"type": "string", "minLength": 1}
FLAG: Doc = {"type": "boolean", "default": False}


def query_parameter(name: str, description: str, schema: Doc, example: object) -> Doc:
    """Return an optional parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def words_parameter(name: str, description: str, words: Iterable[str], example: str) -> Doc:
    """Return a parameter of the query that takes some of several words, comma-separated."""
    one = "|".join(words)
    return query_parameter(name, description, {"type": "string", "pattern": f"^({one})(,({one}))*$"}, example)


def choices_parameter(name: str, description: str, words: Iterable[str], example: str) -> Doc:
    """Return a parameter of the query that takes several of an enumeration: given several times, or comma-separated."""
    schema = {"type": "array", "items": {"type": "string", "enum": [*words]}}
    return query_parameter(name, description, schema, [example])


def header_parameter(name: str, description: str, schema: Doc, example: str) -> Doc:
    """Return an optional request header."""
    return {"name": name, "in": "header", "description": description, "schema": schema, "example": example}


def path_parameter(name: str, description: str, schema: Doc, example: object) -> Doc:
    """Return a parameter of the path."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


TYPES_PARAMETER = choices_parameter(
    "type", "Record types, given several times or comma-separated; all of them unless said.", TYPES, "studies"
)
JSON_FORMAT = query_parameter("format", "The format of the answer.", {"type": "string", "const": "json"}, "json")

NUMBER = r"-?\d+(\.\d+)?"
DATE = r"\d{4}(-\d{2}(-\d{2})?)?"
GRAMMAR = {
    "word": "Any of several: `a,b`. None of them: `not:a,b`. `missing`, `present`.",
    "text": "The whole text, A-Z like a-z. Any of several: `a,b`. None of them: `not:a,b`. `missing`, `present`. "
    'A value with a comma in double quotes: `"a, b"`.',
    "reference": "Id or any other name. Any of several: `a,b`. None of them: `not:a,b`. `missing`, `present`.",
    "number": "A number, several `1,2`, none of them `not:1,2`, a range `1..5`, `1..`, `..5`; `missing`, `present`.",
    "date": "A date stands for all it contains: `2010`, `2010-07`. Several `2010,2012`, none of them `not:2010`, "
    "a range `2010..2012-06`, `2010..`, `..2012`; `missing`, `present`.",
    "boolean": "`true`, `false`, `missing`, `present`.",
}

SEARCH_CURSOR = write_cursor(repr(("search", "botox migraine", "best", True, get_args(RecordType))), (25,))


def _pattern(kind: Kind) -> str | None:
    value = {"number": NUMBER, "date": DATE}.get(kind.name) or "|".join(kind.choices)
    if not value:
        return None
    some = f"(not:)?({value})(,({value}))*"
    ranges = rf"|{value}\.\.({value})?|\.\.{value}" if kind.ranged else ""
    return f"^(missing|present|{some}{ranges})$"


def _filter_parameter(name: str, kind: Kind, description: str) -> Doc:
    items: Doc = {"type": "string"}
    pattern = _pattern(kind)
    if pattern:
        items["pattern"] = pattern
    return {
        "name": name,
        "in": "query",
        "description": f"{description} {GRAMMAR[kind.name]} Given twice, both must hold.",
        "schema": {"type": "array", "items": items},
        "style": "form",
        "explode": True,
        "example": [kind.example],
    }


def filter_parameters(resource: Resource) -> list[Doc]:
    """Return the filters of a record type's lists."""
    return [_filter_parameter(name, filter.kind, filter.description) for name, filter in resource.filters.items()]


AS_OF = query_parameter(
    "as_of",
    "Answer as the service would have then: a moment with its offset, `2026-01-31T12:00:00Z`, or a day that is over, "
    "`2026-01-31`, to its end in UTC. What lies before the newest change never changes and may be kept for ever. Names "
    "in place of ids are those that records have now. Not with `q`, `facets` and what belongs to them.",
    {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[-+]\d{2}:\d{2}))?$"},
    "2026-01-31T12:00:00Z",
)


RAW = query_parameter(
    "raw",
    "Only with csv. `true`: text as it is, for programs such as R and pandas; else a `'` stands before what a "
    "spreadsheet would take for a formula.",
    FLAG,
    True,
)

BOM = query_parameter(
    "bom",
    "Only with csv. `true`: the file begins with a byte order mark, by which Excel knows that it is in UTF-8.",
    FLAG,
    True,
)


def selection_parameters(kind: QuestionKind, resource: Resource) -> list[Doc]:
    """Return the parameters that select what is shown of a record type's records, and in which format."""
    label = next(name for name in ("title", "name", "date", "dose") if name in resource.out.model_fields)
    found = [
        query_parameter(
            "fields",
            "Only these fields, comma-separated; dots go into objects: `id,provenance.quote`.",
            TEXT,
            f"id,{label}",
        ),
        query_parameter(
            "format",
            "The format of the answer; comes before `Accept`. All but `json` send the whole list, without `limit`; "
            "`ris`, `bibtex` and `csl-json` send what the records cite, each once.",
            {"type": "string", "enum": [*names_of(kind, resource.type)]},
            "csv",
        ),
        RAW,
        BOM,
        AS_OF,
    ]
    names = includable(resource)
    if names:
        text = "Embedded records to send whole, given several times or comma-separated."
        found.append(choices_parameter("include", text, names, names[0]))
    return found


LIMIT: Doc = {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT}
CURSOR_TEXT = "Where the page before ended; opaque, from its `next`. It belongs to its words, filters, ids and sort."


PAGE_END = "A page may end before `limit` where its items come to EVIDENCE_PAGE_BYTES; `next` goes on."


def _limit_parameter(default: int, text: str) -> Doc:
    return query_parameter("limit", f"{text} Default {default}. {PAGE_END}", LIMIT | {"default": default}, 10)


def _cursor_parameter(example: str) -> Doc:
    return query_parameter("cursor", CURSOR_TEXT, TEXT, example)


def paging_parameters(what: str) -> list[Doc]:
    """Return the paging parameters of pages that are not lists of one type: `search` across types, or `similar`."""
    if what == "similar":
        cursor = write_cursor(similar_asked(RESOURCES["studies"], RESOURCES["studies"].example), (10,))
        return [_limit_parameter(10, "Records a page."), _cursor_parameter(cursor), _search_format("studies")]
    return [_limit_parameter(DEFAULT_LIMIT, "Records a page."), _cursor_parameter(SEARCH_CURSOR), _search_format(None)]


def _search_format(type: RecordType | None) -> Doc:
    names = names_of("search", type)
    return JSON_FORMAT if names == ("json",) else JSON_FORMAT | {"schema": {"type": "string", "enum": [*names]}}


def history_paging_parameters(cursor: str) -> list[Doc]:
    """Return the paging parameters of a record's versions, with an example of a cursor."""
    return [_limit_parameter(DEFAULT_LIMIT, "Versions a page."), _cursor_parameter(cursor), JSON_FORMAT]


def admin_paging_parameters(limit_text: str, cursor: str) -> list[Doc]:
    """Return the paging parameters of the lists that only admins read: releases and imports."""
    limit = LIMIT | {"default": DEFAULT_LIMIT}
    return [
        query_parameter("limit", limit_text, limit, 10),
        query_parameter("cursor", "Where the page before ended; from its `next`.", TEXT, cursor),
    ]


EXPORT_HEADERS = [
    header_parameter(
        "Range",
        "In formats other than JSON: one range of bytes (RFC 9110 §14), as a 206; several ranges are the whole list.",
        TEXT,
        "bytes=1000000-",
    ),
    header_parameter(
        "If-Range",
        "With `Range`: the `ETag` of the part that you have; if the list is another by now, the answer is all of it.",
        TEXT,
        '"4bf92f3577b34da63ce929d0"',
    ),
    header_parameter(
        "If-Match",
        "In formats other than JSON: the `ETag` of the part that you have; if the list is another by now, a 412.",
        TEXT,
        '"4bf92f3577b34da63ce929d0"',
    ),
]


def search_parameters() -> list[Doc]:
    """Return the parameters of the full-text search: `q` and those that say how its words match."""
    named = ", ".join(f"`{part}:`" for part in sorted(parts()))
    return [
        query_parameter(
            "q",
            'Words, all of which must be there; `"a phrase"`, `a OR b`, `-without`, `begin*`, `(groups)`, and in one '
            f"part of the record: {named}. Brand, generic and other names find each other; the answer says so.",
            {"type": "string", "minLength": 1, "maxLength": 2000},
            "botox migraine",
        ),
        query_parameter(
            "match",
            "`all` words or `any` of them; `best`: all, and where no record has all, those that fit best.",
            {"type": "string", "enum": ["best", "all", "any"], "default": "best"},
            "any",
        ),
        query_parameter(
            "expand",
            "`false`: look for the words as they are, without other names of the same thing.",
            {"type": "boolean", "default": True},
            False,
        ),
    ]


def facet_parameters(resource: Resource) -> list[Doc]:
    """Return the parameters that count the values of a record type's filters."""
    names = countable(resource.kinds)
    one = "|".join(names)
    pair = rf"({one})(\*({one}))?"
    return [
        query_parameter(
            "facets",
            f"Filters to count the values of, under this query: {', '.join(f'`{name}`' for name in names)}. "
            "`a*b` counts each pair.",
            {"type": "string", "pattern": f"^{pair}(,{pair})*$"},
            names[0],
        ),
        query_parameter(
            "facet_limit",
            "Values listed a facet, the most frequent first; `distinct` says how many there are.",
            {"type": "integer", "minimum": 1, "maximum": MAX_FACET_LIMIT, "default": DEFAULT_FACET_LIMIT},
            5,
        ),
    ]


def list_paging_parameters(resource: Resource) -> list[Doc]:
    """Return the parameters that order a record type's list and divide it into pages."""
    keys = "|".join(resource.sorts)
    first = next(name for name in resource.sorts if name != "id")
    return [
        query_parameter(
            "sort",
            f"Up to five fields, `-` for descending: {', '.join(f'`{key}`' for key in resource.sorts)}. "
            "Records without a value come last in either direction; the id breaks ties. With `q`, unless said, by "
            "relevance.",
            {"type": "string", "pattern": f"^-?({keys})(,-?({keys}))*$"},
            f"-{first}",
        ),
        _limit_parameter(DEFAULT_LIMIT, "Records a page; 0 asks for the total alone. With `ids` as many as are named."),
        _cursor_parameter(write_cursor(read_list_query(resource.type, "").asked, (resource.example,))),
        query_parameter(
            "ids",
            "Up to 500 ids or other names, comma-separated.",
            TEXT,
            resource.example,
        ),
    ]
