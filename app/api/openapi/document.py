"""The OpenAPI 3.1 document: the paths of the application's routes, and the schemas that they refer to."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from app import __version__
from app.api.openapi.answers import ANSWERS
from app.api.openapi.imports import SCHEMAS as IMPORT_MODELS
from app.api.openapi.operations import (
    ModelSchema,
    problem_examples,
    record_examples,
    ref,
    response_headers,
)
from app.api.openapi.parameters import Doc
from app.api.openapi.releases import SCHEMAS as RELEASE_MODELS
from app.api.openapi.synthesis import SCHEMAS as SYNTHESIS_MODELS
from app.api.openapi.webhooks import SCHEMAS as WEBHOOK_MODELS
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
* Inside v1 changes are additive: new fields may come, none goes or changes its type.
"""

REF_TEMPLATE = "#/components/schemas/{model}"


@cache
def _schemas() -> Doc:
    """Return all schemas by name, which are those of models."""
    models: list[ModelSchema] = [(resource.out, "serialization") for resource in RESOURCES.values()]
    models += [(answer, "serialization") for answer in ANSWERS]
    _, found = models_json_schema(
        [*models, *WEBHOOK_MODELS, *IMPORT_MODELS, *RELEASE_MODELS, *SYNTHESIS_MODELS], ref_template=REF_TEMPLATE
    )
    schemas: Doc = found["$defs"]
    source_record = ref("SourceOut") | {"description": "With `include=provenance`."}
    schemas["ProvenanceOut"]["properties"]["source_record"] = source_record
    return dict(sorted({**schemas, **_entered_schemas(schemas)}.items()))


def _entered_schemas(shown: Doc) -> Doc:
    """Return the schemas of records as they are entered, named `Entered...` if the one that is shown differs."""
    models = [(resource.entered, "validation") for resource in RESOURCES.values()]
    _, found = models_json_schema(models, ref_template=REF_TEMPLATE)  # type: ignore[arg-type]  # list invariance
    schemas: Doc = found["$defs"]
    names = {name: f"Entered{name}" for name in schemas if name in shown and shown[name] != schemas[name]}
    return {names.get(name, name): _renamed(schema, names) for name, schema in schemas.items()}


def _renamed(schema: Any, names: dict[str, str]) -> Any:
    """Return a schema with all its references to renamed schemas changed."""
    if isinstance(schema, dict):
        return {key: _renamed(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_renamed(value, names) for value in schema]
    prefix, _, name = schema.rpartition("/") if isinstance(schema, str) else ("", "", "")
    return f"{prefix}/{names[name]}" if prefix == REF_TEMPLATE[: -len("/{model}")] and name in names else schema


SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "evk_ID_SECRET",
        "description": "A key that an admin made with `evidence key create`. Reading needs none.",
    }
}


def openapi_document(app: FastAPI) -> Doc:
    """Return the OpenAPI document of an application."""
    document = get_openapi(
        title=TITLE,
        version=__version__,
        description=DESCRIPTION,
        routes=app.routes,
    )
    for path in [path for path in document["paths"] if "{id:path}" in path]:
        document["paths"][path.replace("{id:path}", "{id}")] = document["paths"].pop(path)
    document["paths"] = dict(sorted(document["paths"].items()))
    document["components"] = {
        "schemas": _schemas(),
        "examples": {**problem_examples(), **record_examples()},
        "headers": response_headers(),
        "securitySchemes": SECURITY,
    }
    document["servers"] = [{"url": "/"}]
    return document
