"""What OpenAPI says of each operation: its answers and problems, all with examples."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, Literal

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from app.api.http.negotiation import JSON
from app.api.http.problems import MEDIA_TYPE
from app.api.openapi.parameters import (
    EXPORT_HEADERS,
    facet_parameters,
    filter_parameters,
    list_paging_parameters,
    search_parameters,
    selection_parameters,
)
from app.common.problems import KINDS
from app.query.export_formats import FORMATS, formats_of
from app.records.resource import Resource

Doc = dict[str, Any]
Shown = tuple[type[BaseModel], Literal["validation", "serialization"]]
"""A model whose schema is among the components, as it is read or as it is sent."""

RECORD_PROBLEMS = ("ambiguous-name", "malformed-request", "unexpected-content", "not-found", "gone", "not-acceptable")
LIST_PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable", "search-not-ready")
EXPORT_PROBLEMS = ("precondition-failed", "range-not-satisfiable", "export-not-ready", "insufficient-storage")
ALWAYS = (
    "unauthorized",
    "request-timeout",
    "uri-too-long",
    "invalid-parameter",
    "slow-down",
    "quota-spent",
    "headers-too-large",
    "internal-error",
    "too-busy",
    "database-unavailable",
    "database-read-only",
    "database-not-ready",
    "insufficient-storage",
)


@cache
def examples() -> Mapping[str, Any]:
    """Requests with their answers on the seeds; `make snapshot` writes them and a test runs them."""
    file = resources.files("app.api.openapi").joinpath("examples.json")
    return orjson.loads(file.read_bytes()) if file.is_file() else {}


def problem_examples() -> Doc:
    """An example of every kind of problem, for OpenAPI's components."""
    return {
        kind: {"summary": KINDS[kind].title, "value": examples()[f"problem {kind}"]["body"]}
        for kind in KINDS
        if f"problem {kind}" in examples()
    }


def record_examples() -> Doc:
    """One record of each type, as it is shown and as it was entered."""
    found = examples()
    names = (
        name for name in found if name.startswith("entered ") or (name.startswith("GET ") and name.endswith("{id}"))
    )
    return {example_name(name): {"summary": name, "value": found[name]["body"]} for name in names}


def example_name(name: str) -> str:
    return name.replace("/v1/", "").replace("/{id}", "").replace("/", "-").replace(" ", "-").lower()


def problem(kinds_of_it: list[str]) -> Doc:
    shown = {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds_of_it}
    return {
        "description": "; ".join(KINDS[kind].title for kind in kinds_of_it) + ".",
        "headers": headers(("X-Request-ID",)),
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
    "Cache-Control": "Copies may be kept and must be checked before use; what can never change says so, and need not.",
    "Vary": "Request headers that the answer depends on.",
    "X-Request-ID": "Names this request in our log.",
    "Link": "Of lists the next page, `next`, unless it is the last; of changes all versions, `version-history`.",
    "Content-Disposition": "A name for the file: of stored texts, and in formats other than JSON.",
    "Accept-Ranges": "In formats other than JSON: whether a `Range` can be sent; `none` with `q`.",
    "Content-Range": "Which bytes these are, and of how many.",
    "Content-Location": "The record's own path, where another name was asked for.",
    "Location": "The new record's path.",
    "RateLimit": "What is left of each limit: requests and seconds; not on answers kept in memory.",
    "RateLimit-Policy": "The limits: requests and seconds.",
}


LIMITED = ("RateLimit", "RateLimit-Policy")


def headers(names: tuple[str, ...]) -> Doc:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def shown_headers() -> Doc:
    """All of them, for OpenAPI's components."""
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}


def _other_formats(resource: Resource) -> Doc:
    """Everything that is not JSON: lists as a whole, as files."""
    others = [FORMATS[name].media_type for name in formats_of(resource.type) if name != "json"]
    csl = FORMATS["csl-json"].media_type
    return {media: {"schema": {"type": "array" if media == csl else "string"}} for media in others}


def _part(resource: Resource) -> Doc:
    """The 206 of a range of an export."""
    names = ("ETag", "Last-Modified", "Cache-Control", "Vary", "X-Request-ID", *LIMITED)
    text = "The range of an export that `Range` asked for."
    shown = headers((*names, "Accept-Ranges", "Content-Range", "Content-Disposition"))
    return {"206": {"description": text, "headers": shown, "content": _other_formats(resource)}}


def success(schema: Doc, *more_headers: str, example: str, description: str, others: Doc | None = None) -> Doc:
    """A 200 and the 304 that goes with it."""
    names = ("ETag", "Last-Modified", "Cache-Control", "Vary", "X-Request-ID", *LIMITED, *more_headers)
    content: Doc = {"schema": schema}
    if example in examples():
        content["example"] = examples()[example]["body"]
    return {
        "200": {"description": description, "headers": headers(names), "content": {JSON: content, **(others or {})}},
        "304": {"description": "The client's copy is still this.", "headers": headers(names[:7])},
    }


def either(name: str, part: str) -> Doc:
    """With `fields=`, the answer has only what was asked for."""
    return {"anyOf": [{"$ref": f"#/components/schemas/{name}"}, {"$ref": f"#/components/schemas/{part}"}]}


def operation(name: str, summary: str, description: str, parameters: list[Doc], responses: Doc) -> Doc:
    shown = [{key: value for key, value in parameter.items() if value is not None} for parameter in parameters]
    return {
        "operation_id": name.replace("-", "_"),
        "summary": summary,
        "description": description,
        "response_class": Response,  # what is sent is declared below, and nothing by default
        "openapi_extra": {"parameters": shown, "responses": responses} if shown else {"responses": responses},
    }


def page_name(resource: Resource) -> str:
    return resource.out.__name__.removesuffix("Out") + "Page"


def list_operation(resource: Resource) -> Doc:
    path = resource.path
    schema = either(page_name(resource), "SelectionPage")
    return operation(
        f"list_{resource.type}",
        f"List {resource.title}",
        "One page of records in a stable order, with the exact total of all that match.",
        [
            *search_parameters(),
            *filter_parameters(resource.filter),
            *facet_parameters(resource),
            *list_paging_parameters(resource),
            *selection_parameters(resource),
            *EXPORT_HEADERS,
        ],
        success(
            schema,
            "Link",
            "Accept-Ranges",
            "Content-Disposition",
            example=f"GET {path}",
            description="A page of records; in a format other than JSON the whole list, streamed.",
            others=_other_formats(resource),
        )
        | _part(resource)
        | problems(*LIST_PROBLEMS, *EXPORT_PROBLEMS),
    )


def record_operation(resource: Resource) -> Doc:
    name = resource.singular.replace(" ", "_")
    schema = either(resource.out.__name__, "Selection")
    id_parameter = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The id, or any other name of the record: a brand, synonym, acronym, PMID, DOI, registration.",
        "schema": {"type": "string", "minLength": 1},
        "example": resource.example,
    }
    return operation(
        f"get_{name}",
        f"Get one {resource.singular}",
        resource.out.__doc__ or "",
        [id_parameter, *selection_parameters(resource)],
        success(
            schema,
            "Content-Location",
            "Content-Disposition",
            example=f"GET {resource.path}/{{id}}",
            description="The record.",
            others=_other_formats(resource),
        )
        | problems(*RECORD_PROBLEMS),
    )


def plain_operation(name: str, summary: str, description: str, responses: Doc, *wanted: str) -> Doc:
    kinds_of_it = ("malformed-request", "unexpected-content", *wanted)
    return operation(name, summary, description, [], responses | problems(*kinds_of_it))
