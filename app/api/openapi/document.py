"""The OpenAPI 3.1 document: the paths of the application's routes, and the schemas that they refer to."""

from copy import deepcopy
from typing import Literal, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from app import __version__
from app.api.openapi.enumerations import with_named_enumerations
from app.api.openapi.operations import SECURED, problem_examples, record_examples, response_headers
from app.api.openapi.parameters import Doc
from app.api.openapi.record_schemas import component_schemas, references_in
from app.api.openapi.shared_parts import share
from app.api.openapi.webhook_messages import WEBHOOKS
from app.records.registry import RESOURCES

TITLE = "Clinical Evidence API"
DESCRIPTION = """What is known about a therapy, with proof: how it works (**mechanisms**), what was studied
(**studies**), what it is for (**indications**) and what can go wrong (**safety notes**), each with its source.

* Every GET also answers HEAD. Answers have a strong `ETag`; with `If-None-Match` an unchanged one is a 304.
* Lists are paged by `next`: follow it until it is `null`, whatever a page holds: it may end before `limit` where its
  items come to EVIDENCE_PAGE_BYTES. `total` is exact.
* An unknown parameter, value or field is refused with the nearest valid ones, never ignored.
* Every error is `application/problem+json` (RFC 9457); its `type` is a page that says what to do.
* Every version of every record is kept: `/versions`, `/diff`, and `as_of=` on records and lists.
* `null` means that a value was not seen, never that there is none; where a source says why, `absent` says so.
* Changes need a key, the version they change in `If-Match`, and a `reason`; every version is kept.
* Requests are limited by key or address; `RateLimit` says what is left, `/` what the limits are.
* Inside v1 changes are additive: new fields may come, none goes or changes its type. An operation that is to go says so
  by `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) at least a year before; none does now.
"""

SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "evk_ID_SECRET",
        "description": "A key that an admin made with `evidence key create`. Reading needs none.",
    }
}


Audience = Literal["all", "public"]
"""For whom a document is: `public` leaves out what needs the role `admin`."""
AUDIENCES: tuple[Audience, ...] = get_args(Audience)

ADMIN_TAGS = {
    "imports": "What registries and services publish, brought in. Needs the role `admin`.",
    "releases": "Many changes at once, and how to undo them. Needs the role `admin`.",
    "webhooks": "Receivers of messages about changes. Needs the role `admin`.",
}
TAGS = {
    **{resource.title: (resource.out.__doc__ or "").split("\n")[0] for resource in RESOURCES.values()},
    "search": "Words in records of all types.",
    "synthesis": "Pooled effects of the rows that a question gives.",
    "history": "Every version of every record, and what differs between them.",
    "changes": "All changes in their order, to be followed.",
    "conflicts": "Where imported sources and records differ.",
    **ADMIN_TAGS,
    "service": "The service itself.",
}
CONTACT = {"name": "The operator of this service"}
LICENSE = {"name": "As its sources allow; every record names them", "identifier": "LicenseRef-sources"}


def openapi_document(app: FastAPI, audience: Audience = "all") -> Doc:
    """Return the OpenAPI document of an application for an audience."""
    document = get_openapi(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        routes=app.routes,
        contact=CONTACT,
        license_info=LICENSE,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
    )
    for path in [path for path in document["paths"] if "{id:path}" in path]:
        document["paths"][path.replace("{id:path}", "{id}")] = document["paths"].pop(path)
    _restore_nulls(document, app)
    document["paths"] = with_named_enumerations(dict(sorted(document["paths"].items())))
    document["webhooks"] = WEBHOOKS
    document["components"] = {
        "schemas": component_schemas(),
        "examples": {**problem_examples(), **record_examples()},
        "headers": response_headers(),
        "securitySchemes": SECURITY,
    }
    share(document)
    document["security"] = [{}, *SECURED]
    document["servers"] = [{"url": "/"}]
    return _public(document) if audience == "public" else _without_unused(document)


def _restore_nulls(document: Doc, app: FastAPI) -> None:
    """Put what the routes document back as it is: FastAPI leaves every null out, also from examples."""
    for route in app.routes:
        if isinstance(route, APIRoute) and route.include_in_schema and route.openapi_extra:
            path = route.path.replace("{id:path}", "{id}")
            for method in route.methods or ():
                document["paths"][path][method.lower()].update(deepcopy(route.openapi_extra))


def _public(document: Doc) -> Doc:
    """Return a document without what only admins may do, and without the components that only that refers to."""
    paths = {
        path: {verb: operation for verb, operation in item.items() if not ADMIN_TAGS.keys() & {*operation["tags"]}}
        for path, item in document["paths"].items()
    }
    tags = [tag for tag in document["tags"] if tag["name"] not in ADMIN_TAGS]
    public = {**document, "paths": {path: item for path, item in paths.items() if item}, "tags": tags}
    del public["webhooks"]
    return _without_unused(public)


def _without_unused(document: Doc) -> Doc:
    """Return a document with only those components to which its paths and webhooks lead."""
    components = document["components"]
    pending, found = [*references_in([document["paths"], document.get("webhooks")])], set[str]()
    while pending:
        reference = pending.pop()
        if reference not in found:
            found.add(reference)
            _, _, kind, name = reference.split("/")
            pending += references_in(components[kind][name])
    kept: Doc = {
        kind: {name: part for name, part in parts.items() if f"#/components/{kind}/{name}" in found}
        for kind, parts in components.items()
    }
    return {**document, "components": kept | {"securitySchemes": components["securitySchemes"]}}
