"""The operations of record types in OpenAPI, and what all operations share: responses, problems, headers, examples."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal

import orjson
from pydantic import BaseModel
from starlette.responses import Response

from app.api.http.negotiation import JSON
from app.api.http.problems import MEDIA_TYPE
from app.api.openapi.answers import page_name
from app.api.openapi.parameters import (
    EXPORT_HEADERS,
    TEXT,
    Doc,
    facet_parameters,
    filter_parameters,
    list_paging_parameters,
    path_parameter,
    search_parameters,
    selection_parameters,
)
from app.api.representations import JSON as JSON_ROW
from app.api.representations import QuestionKind, representations_of
from app.common.problems import KINDS
from app.records.resource import Resource
from app.records.vocabularies import RecordType

ModelSchema = tuple[type[BaseModel], Literal["validation", "serialization"]]
"""A model whose schema is a component, as the model is read or as it is sent."""

SECURED: list[Doc] = [{"key": []}]
"""The security requirement of an operation that needs a key."""

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
    """Return example requests with their responses on the seeds; `make snapshot` writes them and a test sends them."""
    file = resources.files("app.api.openapi").joinpath("examples.json")
    return orjson.loads(file.read_bytes()) if file.is_file() else {}


def problem_examples() -> Doc:
    """Return an example of every kind of problem, for OpenAPI's components."""
    return {
        kind: {"summary": KINDS[kind].title, "value": examples()[f"problem {kind}"]["body"]}
        for kind in KINDS
        if f"problem {kind}" in examples()
    }


def record_examples() -> Doc:
    """Return one record of each type, as it is shown and as it was entered."""
    found = examples()
    names = (
        name for name in found if name.startswith("entered ") or (name.startswith("GET ") and name.endswith("{id}"))
    )
    return {example_name(name): {"summary": name, "value": found[name]["body"]} for name in names}


def example_name(name: str) -> str:
    """Return the name of an example among OpenAPI's components, from its name in `examples`."""
    return name.replace("/v1/", "").replace("/{id}", "").replace("/", "-").replace(" ", "-").lower()


def ref(name: str) -> Doc:
    """Return a reference to a schema among OpenAPI's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def problem(kinds: list[str]) -> Doc:
    """Return the response of one status that stands for some kinds of problem."""
    shown = {kind: {"$ref": f"#/components/examples/{kind}"} for kind in kinds}
    return {
        "description": "; ".join(KINDS[kind].title for kind in kinds) + ".",
        "headers": headers(("X-Request-ID",)),
        "content": {MEDIA_TYPE: {"schema": ref("Problem"), "examples": shown}},
    }


def problems(*wanted: str) -> Doc:
    """Return the problem responses of an operation by status: the given kinds, and those that any operation has."""
    by_status: dict[str, list[str]] = {}
    for kind in dict.fromkeys((*(kind for kind in KINDS if kind in wanted), *ALWAYS)):
        by_status.setdefault(str(KINDS[kind].status), []).append(kind)
    return {status: problem(kinds) for status, kinds in sorted(by_status.items())}


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
    """Return references to response headers among OpenAPI's components."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def response_headers() -> Doc:
    """Return all response headers, for OpenAPI's components."""
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in HEADERS.items()}


def other_formats(kind: QuestionKind, type: RecordType | None, *, streamed_only: bool = False) -> Doc:
    """Return the content of a response in each representation other than JSON."""
    others = [one for one in representations_of(kind, type) if one is not JSON_ROW and one.streams >= streamed_only]
    return {one.media_type: {"schema": dict(one.schema)} for one in others}


def _part(resource: Resource) -> Doc:
    """Return the 206 for a range of an export."""
    names = ("ETag", "Last-Modified", "Cache-Control", "Vary", "X-Request-ID", *LIMITED)
    text = "The range of an export that `Range` asked for."
    shown = headers((*names, "Accept-Ranges", "Content-Range", "Content-Disposition"))
    content = other_formats("list", resource.type, streamed_only=True)
    return {"206": {"description": text, "headers": shown, "content": content}}


def success(schema: Doc, *more_headers: str, example: str, description: str, others: Doc | None = None) -> Doc:
    """Return the 200 of a conditional GET and the 304 that goes with it; `others` is its content beside JSON."""
    names = ("ETag", "Last-Modified", "Cache-Control", "Vary", "X-Request-ID", *LIMITED, *more_headers)
    content: Doc = {"schema": schema}
    if example in examples():
        content["example"] = examples()[example]["body"]
    return {
        "200": {"description": description, "headers": headers(names), "content": {JSON: content, **(others or {})}},
        "304": {"description": "The client's copy is still this.", "headers": headers(names[:7])},
    }


def patch_name(resource: Resource) -> str:
    """Return the name of the schema of a merge patch of a record."""
    return resource.entered.__name__.removesuffix("In") + "Patch"


def response(status: str, description: str, content: Doc | None, *more_headers: str) -> Doc:
    """Return a response of an operation whose responses are not cached."""
    shown = headers(("Cache-Control", "X-Request-ID", *more_headers))
    return {status: {"description": description, "headers": shown, **({"content": content} if content else {})}}


def secured(documented: Doc, body: Doc | None = None) -> Doc:
    """Add to an operation that it needs a key, and its request body if it has one."""
    documented["openapi_extra"]["security"] = SECURED
    if body:
        documented["openapi_extra"]["requestBody"] = body
    return documented


def operation(name: str, summary: str, description: str, parameters: list[Doc], responses: Doc) -> Doc:
    """Return the keyword arguments with which FastAPI documents a route."""
    shown = [{key: value for key, value in parameter.items() if value is not None} for parameter in parameters]
    return {
        "operation_id": name.replace("-", "_"),
        "summary": summary,
        "description": description,
        "response_class": Response,  # what is sent is declared below, and nothing by default
        "openapi_extra": {"parameters": shown, "responses": responses} if shown else {"responses": responses},
    }


def list_operation(resource: Resource) -> Doc:
    """Document the list of a record type."""
    path = resource.path
    return operation(
        f"list_{resource.type}",
        f"List {resource.title}",
        "One page of records in a stable order, with the exact total of all that match.",
        [
            *search_parameters(),
            *filter_parameters(resource),
            *facet_parameters(resource),
            *list_paging_parameters(resource),
            *selection_parameters("list", resource),
            *EXPORT_HEADERS,
        ],
        success(
            ref(page_name(resource)),
            "Link",
            "Accept-Ranges",
            "Content-Disposition",
            example=f"GET {path}",
            description="A page of records; in a format other than JSON the whole list, streamed.",
            others=other_formats("list", resource.type),
        )
        | _part(resource)
        | problems(*LIST_PROBLEMS, *EXPORT_PROBLEMS),
    )


def record_operation(resource: Resource) -> Doc:
    """Document reading one record."""
    name = resource.singular.replace(" ", "_")
    text = "The id, or any other name of the record: a brand, synonym, acronym, PMID, DOI, registration."
    id_parameter = path_parameter("id", text, TEXT, resource.example)
    return operation(
        f"get_{name}",
        f"Get one {resource.singular}",
        resource.out.__doc__ or "",
        [id_parameter, *selection_parameters("record", resource)],
        success(
            ref(resource.out.__name__),
            "Content-Location",
            "Content-Disposition",
            example=f"GET {resource.path}/{{id}}",
            description="The record.",
            others=other_formats("record", resource.type),
        )
        | problems(*RECORD_PROBLEMS),
    )


def plain_operation(
    name: str, summary: str, description: str, responses: Doc, *wanted: str, parameters: Sequence[Doc] = ()
) -> Doc:
    """Document a GET that has no parameters, or few."""
    kinds = ("malformed-request", "unexpected-content", *wanted)
    return operation(name, summary, description, [*parameters], responses | problems(*kinds))
