"""What OpenAPI says of the parameters: their grammar, bounds and an example of each, which a test runs."""

from typing import Any, get_args

from app.query.export_formats import formats_of
from app.query.keyset import write_cursor
from app.query.parameters import DEFAULT_LIMIT, MAX_LIMIT, read_list_query
from app.query.projection import includable
from app.query.search_parameters import DEFAULT_FACET_LIMIT, MAX_FACET_LIMIT, countable
from app.records.document_paths import parts
from app.records.fields import RecordType
from app.records.filters import Filter, Kind, kinds
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.search.all_types import similar_asked

Doc = dict[str, Any]

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


def filter_parameters(model: type[Filter]) -> list[Doc]:
    return [
        _filter_parameter(name, kind, model.model_fields[name].description or "") for name, kind in kinds(model).items()
    ]


def _parameter(name: str, description: str, schema: Doc, example: Any) -> Doc:
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


AS_OF = _parameter(
    "as_of",
    "Answer as the service would have then: a moment with its offset, `2026-01-31T12:00:00Z`, or a day that is over, "
    "`2026-01-31`, to its end in UTC. What lies before the newest change never changes and may be kept for ever. Names "
    "in place of ids are those that records have now. Not with `q`, `facets` and what belongs to them.",
    {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[-+]\d{2}:\d{2}))?$"},
    "2026-01-31T12:00:00Z",
)


RAW = _parameter(
    "raw",
    "Only with csv. `true`: text as it is, for programs such as R and pandas; else a `'` stands before what a "
    "spreadsheet would take for a formula.",
    {"type": "string", "enum": ["true", "false"], "default": "false"},
    "true",
)


def selection_parameters(resource: Resource) -> list[Doc]:
    label = next(name for name in ("title", "name", "date", "dose") if name in resource.out.model_fields)
    found = [
        _parameter(
            "fields",
            "Only these fields, comma-separated; dots go into objects: `id,provenance.quote`.",
            {"type": "string", "minLength": 1},
            f"id,{label}",
        ),
        _parameter(
            "format",
            "The format of the answer; comes before `Accept`. All but `json` send the whole list, without `limit`.",
            {"type": "string", "enum": formats_of(resource.type)},
            "csv",
        ),
        RAW,
        AS_OF,
    ]
    names = includable(resource)
    if names:
        text = f"Embedded records to send whole, comma-separated: {', '.join(f'`{name}`' for name in names)}."
        pattern = f"^({'|'.join(names)})(,({'|'.join(names)}))*$"
        found.append(_parameter("include", text, {"type": "string", "pattern": pattern}, names[0]))
    return found


LIMIT: Doc = {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT}
CURSOR_TEXT = "Where the page before ended; opaque, from its `next`. It belongs to its words, filters, ids and sort."


PAGE_END = "A page may end before `limit` where its items come to EVIDENCE_PAGE_BYTES; `next` goes on."


def _limit_parameter(default: int, text: str) -> Doc:
    return _parameter("limit", f"{text} Default {default}. {PAGE_END}", LIMIT | {"default": default}, 10)


def _cursor_parameter(example: str) -> Doc:
    return _parameter("cursor", CURSOR_TEXT, {"type": "string", "minLength": 1}, example)


def paging_parameters(what: str) -> list[Doc]:
    """Of pages that are no list of a type: the search across types, and similar records."""
    format = _parameter("format", "The format of the answer.", {"type": "string", "enum": ["json"]}, "json")
    if what == "similar":
        cursor = write_cursor(similar_asked(RESOURCES["studies"], RESOURCES["studies"].example), (10,))
        return [_limit_parameter(10, "Records a page."), _cursor_parameter(cursor), format]
    return [_limit_parameter(DEFAULT_LIMIT, "Records a page."), _cursor_parameter(SEARCH_CURSOR), format]


def history_paging_parameters(cursor: str) -> list[Doc]:
    format = _parameter("format", "The format of the answer.", {"type": "string", "enum": ["json"]}, "json")
    return [_limit_parameter(DEFAULT_LIMIT, "Versions a page."), _cursor_parameter(cursor), format]


def _export_header(name: str, description: str, example: str) -> Doc:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "header", "description": description, "schema": schema, "example": example}


EXPORT_HEADERS = [
    _export_header(
        "Range",
        "In formats other than JSON: one range of bytes (RFC 9110 §14), as a 206; several ranges are the whole list.",
        "bytes=1000000-",
    ),
    _export_header(
        "If-Range",
        "With `Range`: the `ETag` of the part that you have; if the list is another by now, the answer is all of it.",
        '"4bf92f3577b34da63ce929d0"',
    ),
    _export_header(
        "If-Match",
        "In formats other than JSON: the `ETag` of the part that you have; if the list is another by now, a 412.",
        '"4bf92f3577b34da63ce929d0"',
    ),
]


def search_parameters() -> list[Doc]:
    named = ", ".join(f"`{part}:`" for part in sorted(parts()))
    return [
        _parameter(
            "q",
            'Words, all of which must be there; `"a phrase"`, `a OR b`, `-without`, `begin*`, `(groups)`, and in one '
            f"part of the record: {named}. Brand, generic and other names find each other; the answer says so.",
            {"type": "string", "minLength": 1, "maxLength": 2000},
            "botox migraine",
        ),
        _parameter(
            "match",
            "`all` words or `any` of them; `best`: all, and where no record has all, those that fit best.",
            {"type": "string", "enum": ["best", "all", "any"], "default": "best"},
            "any",
        ),
        _parameter(
            "expand",
            "`false`: look for the words as they are, without other names of the same thing.",
            {"type": "string", "enum": ["true", "false"], "default": "true"},
            "false",
        ),
    ]


def facet_parameters(resource: Resource) -> list[Doc]:
    names = countable(kinds(resource.filter))
    one = "|".join(names)
    pair = rf"({one})(\*({one}))?"
    return [
        _parameter(
            "facets",
            f"Filters to count the values of, under this query: {', '.join(f'`{name}`' for name in names)}. "
            "`a*b` counts each pair.",
            {"type": "string", "pattern": f"^{pair}(,{pair})*$"},
            names[0],
        ),
        _parameter(
            "facet_limit",
            "Values listed a facet, the most frequent first; `distinct` says how many there are.",
            {"type": "integer", "minimum": 1, "maximum": MAX_FACET_LIMIT, "default": DEFAULT_FACET_LIMIT},
            5,
        ),
    ]


def list_paging_parameters(resource: Resource) -> list[Doc]:
    keys = "|".join(resource.sorts)
    first = next(name for name in resource.sorts if name != "id")
    return [
        _parameter(
            "sort",
            f"Up to five fields, `-` for descending: {', '.join(f'`{key}`' for key in resource.sorts)}. "
            "Records without a value come last in either direction; the id breaks ties. With `q`, unless said, by "
            "relevance.",
            {"type": "string", "pattern": f"^-?({keys})(,-?({keys}))*$"},
            f"-{first}",
        ),
        _limit_parameter(DEFAULT_LIMIT, "Records a page; 0 asks for the total alone. With `ids` as many as are named."),
        _cursor_parameter(write_cursor(read_list_query(resource.type, "").asked, (resource.example,))),
        _parameter(
            "ids",
            "Up to 500 ids or other names, comma-separated.",
            {"type": "string", "minLength": 1},
            resource.example,
        ),
    ]
