"""What OpenAPI says of each operation: parameters with their grammar, answers and problems, all with examples."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import orjson

from app.errors import KINDS, MEDIA_TYPE
from app.filters import Filter, Kind, kinds
from app.paging import write_cursor
from app.query import DEFAULT_LIMIT, MAX_LIMIT, read_list_query
from app.resources import Resource
from app.selection import includable
from app.web.negotiation import JSON

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

RECORD_PROBLEMS = ("ambiguous-name", "malformed-request", "unexpected-content", "not-found", "not-acceptable")
LIST_PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable")
ALWAYS = ("uri-too-long", "invalid-parameter", "internal-error", "database-unavailable", "database-not-ready")


@cache
def examples() -> Mapping[str, Any]:
    """Requests with their answers on the seeds; `make snapshot` writes them and a test runs them."""
    file = resources.files("app.web").joinpath("examples.json")
    return orjson.loads(file.read_bytes()) if file.is_file() else {}


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


def _filter_parameters(model: type[Filter]) -> list[Doc]:
    return [
        _filter_parameter(name, kind, model.model_fields[name].description or "") for name, kind in kinds(model).items()
    ]


def _parameter(name: str, description: str, schema: Doc, example: Any) -> Doc:
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def _selection_parameters(resource: Resource) -> list[Doc]:
    label = next(name for name in ("title", "name", "date", "dose") if name in resource.out.model_fields)
    found = [
        _parameter(
            "fields",
            "Only these fields, comma-separated; dots go into objects: `id,provenance.quote`.",
            {"type": "string", "minLength": 1},
            f"id,{label}",
        ),
        _parameter(
            "format", "The format of the answer; the same as `Accept`.", {"type": "string", "enum": ["json"]}, "json"
        ),
    ]
    names = includable(resource)
    if names:
        text = f"Embedded records to send whole, comma-separated: {', '.join(f'`{name}`' for name in names)}."
        pattern = f"^({'|'.join(names)})(,({'|'.join(names)}))*$"
        found.append(_parameter("include", text, {"type": "string", "pattern": pattern}, names[0]))
    return found


def _paging_parameters(resource: Resource) -> list[Doc]:
    keys = "|".join(resource.sorts)
    first = next(name for name in resource.sorts if name != "id")
    return [
        _parameter(
            "sort",
            f"Up to five fields, `-` for descending: {', '.join(f'`{key}`' for key in resource.sorts)}. "
            "Records without a value come last in either direction; the id breaks ties.",
            {"type": "string", "pattern": f"^-?({keys})(,-?({keys}))*$"},
            f"-{first}",
        ),
        _parameter(
            "limit",
            f"Records a page; 0 asks for the total alone. Default {DEFAULT_LIMIT}, or as many as `ids` names.",
            {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
            10,
        ),
        _parameter(
            "cursor",
            "Where the page before ended; opaque, from its `next`. It belongs to its filters, ids and sort.",
            {"type": "string", "minLength": 1},
            write_cursor(read_list_query(resource.type, "").asked, (resource.example,)),
        ),
        _parameter(
            "ids",
            "Up to 500 ids or other names, comma-separated.",
            {"type": "string", "minLength": 1},
            resource.example,
        ),
    ]


def problem_examples() -> Doc:
    """An example of every kind of problem, for OpenAPI's components."""
    return {
        kind: {"summary": KINDS[kind].title, "value": examples()[f"problem {kind}"]["body"]}
        for kind in KINDS
        if f"problem {kind}" in examples()
    }


def problem(kinds_of_it: list[str]) -> Doc:
    shown = {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds_of_it}
    return {
        "description": "; ".join(KINDS[kind].title for kind in kinds_of_it) + ".",
        "headers": _headers(("X-Request-ID",)),
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": shown}},
    }


def problems(*wanted: str) -> Doc:
    """The problem answers of an operation, by status."""
    by_status: dict[str, list[str]] = {}
    for kind in (*wanted, *ALWAYS):
        by_status.setdefault(str(KINDS[kind].status), []).append(kind)
    return {status: problem(kinds_of_it) for status, kinds_of_it in sorted(by_status.items())}


HEADERS = {
    "ETag": "Strong validator of exactly these bytes.",
    "Last-Modified": "When this last changed; left out in the second after a change.",
    "Cache-Control": "Copies may be kept and must be checked before use.",
    "Vary": "Request headers that the answer depends on.",
    "X-Request-ID": "Names this request in our log.",
    "Link": 'The next page, `rel="next"`; not on the last one.',
    "Content-Location": "The record's own path, where another name was asked for.",
}


def _headers(names: tuple[str, ...]) -> Doc:
    return {name: {"description": HEADERS[name], "schema": {"type": "string"}} for name in names}


def success(schema: Doc, *more_headers: str, example: str, description: str) -> Doc:
    """A 200 and the 304 that goes with it."""
    names = ("ETag", "Last-Modified", "Cache-Control", "Vary", "X-Request-ID", *more_headers)
    content: Doc = {"schema": schema}
    if example in examples():
        content["example"] = examples()[example]["body"]
    return {
        "200": {"description": description, "headers": _headers(names), "content": {JSON: content}},
        "304": {"description": "The client's copy is still this.", "headers": _headers(names[:5])},
    }


def _either(name: str, part: str) -> Doc:
    """With `fields=`, the answer has only what was asked for."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"}, {"$ref": f"#/components/schemas/{part}"}]}


def _operation(name: str, summary: str, description: str, parameters: list[Doc], responses: Doc) -> Doc:
    return {
        "operation_id": name.replace("-", "_"),
        "summary": summary,
        "description": description,
        "openapi_extra": {"parameters": parameters, "responses": responses} if parameters else {"responses": responses},
    }


def page_name(resource: Resource) -> str:
    return resource.out.__name__.removesuffix("Out") + "Page"


def list_operation(resource: Resource) -> Doc:
    path = resource.path
    schema = _either(page_name(resource), "SelectionPage")
    return _operation(
        f"list_{resource.type}",
        f"List {resource.title}",
        "One page of records in a stable order, with the exact total of all that match.",
        [
            *_filter_parameters(resource.filter),
            *_paging_parameters(resource),
            *_selection_parameters(resource),
        ],
        success(schema, "Link", example=f"GET {path}", description="A page of records.") | problems(*LIST_PROBLEMS),
    )


def record_operation(resource: Resource) -> Doc:
    name = resource.singular.replace(" ", "_")
    schema = _either(resource.out.__name__, "Selection")
    id_parameter = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The id, or any other name of the record: a brand, synonym, acronym, PMID, DOI, registration.",
        "schema": {"type": "string", "minLength": 1},
        "example": resource.example,
    }
    return _operation(
        f"get_{name}",
        f"Get one {resource.singular}",
        resource.out.__doc__ or "",
        [id_parameter, *_selection_parameters(resource)],
        success(schema, "Content-Location", example=f"GET {resource.path}/{{id}}", description="The record.")
        | problems(*RECORD_PROBLEMS),
    )


def plain_operation(name: str, summary: str, description: str, responses: Doc, *wanted: str) -> Doc:
    kinds_of_it = ("malformed-request", "unexpected-content", *wanted)
    return _operation(name, summary, description, [], responses | problems(*kinds_of_it))
