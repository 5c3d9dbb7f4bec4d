"""The OpenAPI 3.1 document: the paths of the application's routes, and the schemas that they refer to."""

from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from app import __version__
from app.api.openapi.changes import CHANGE, CHANGE_PAGE
from app.api.openapi.conflicts import CONFLICT, CONFLICT_PAGE
from app.api.openapi.edits import TOMBSTONE
from app.api.openapi.history_schemas import HISTORY_SCHEMAS
from app.api.openapi.imports import SCHEMAS as IMPORT_MODELS
from app.api.openapi.operations import (
    ModelSchema,
    page_name,
    problem_examples,
    record_examples,
    ref,
    response_headers,
)
from app.api.openapi.parameters import Doc
from app.api.openapi.webhooks import SCHEMAS as WEBHOOK_MODELS
from app.common.problems import KINDS
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


def _page(item: Doc, description: str) -> Doc:
    return {
        "type": "object",
        "description": description,
        "required": ["items", "total", "next"],
        "properties": {
            "items": {"type": "array", "items": item},
            "total": {"type": "integer", "minimum": 0, "description": "How many records match, on all pages."},
            "next": {"type": ["string", "null"], "description": "Path of the next page; null on the last."},
            "search": ref("Search") | {"description": "With `q`."},
            "facets": ref("Facets") | {"description": "With `facets`."},
        },
    }


def _texts(description: str) -> Doc:
    return {"type": "array", "items": {"type": "string"}, "description": description}


HIT: Doc = {
    "type": "object",
    "description": "Why a record was found; one for each of `items`, in the same order.",
    "required": ["id", "score"],
    "properties": {
        "id": {"type": "string"},
        "type": {"type": "string"},
        "score": {
            "type": "number",
            "description": "BM25, with titles and names weighing more; 0 when sorted otherwise.",
        },
        "matched": {"type": "object", "additionalProperties": _texts("Terms found in this part of the record.")},
        "snippet": {
            "type": ["object", "null"],
            "required": ["part", "text", "marks"],
            "properties": {
                "part": {"type": "string"},
                "text": {"type": "string"},
                "marks": {
                    "type": "array",
                    "items": {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2},
                    "description": "Where the terms stand in `text`: start and end in Unicode code points.",
                },
            },
        },
    },
}
SEARCH: Doc = {
    "type": "object",
    "required": ["hits"],
    "properties": {
        "match": {"type": "string", "enum": ["all", "any"], "description": "How words were matched in the end."},
        "expanded": {"type": "object", "additionalProperties": _texts("Other names that were looked for too.")},
        "plain_words": _texts("Words searched for as any other, which are operators in capital letters: not, and, or."),
        "hits": {"type": "array", "items": ref("Hit")},
        "types": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "Hits by type."},
        "without": {
            "type": "array",
            "description": "Where nothing was found: how many there would be without each filter.",
            "items": {
                "type": "object",
                "required": ["parameter", "total"],
                "properties": {"parameter": {"type": "string"}, "total": {"type": "integer"}},
            },
        },
        "spelling": {
            "type": "array",
            "description": "Where nothing was found: words that are nowhere, and the nearest that are.",
            "items": {
                "type": "object",
                "required": ["word", "nearest"],
                "properties": {"word": {"type": "string"}, "nearest": _texts("Words that there are.")},
            },
        },
    },
}
FACETS: Doc = {
    "type": "object",
    "description": "By the name asked for.",
    "additionalProperties": {
        "type": "object",
        "required": ["values", "distinct", "missing"],
        "properties": {
            "values": {"type": "array", "items": ref("Count")},
            "distinct": {"type": "integer", "description": "How many values there are; `facet_limit` lists more."},
            "missing": {"type": "integer", "description": "Records without a value."},
        },
    },
}
COUNT: Doc = {
    "type": "object",
    "required": ["value", "count"],
    "properties": {
        "value": {"type": ["string", "number"]},
        "count": {"type": "integer"},
        "by": {"type": "array", "items": ref("Count"), "description": "With `a*b`."},
    },
}
SEARCH_SCHEMAS: Doc = {"Hit": HIT, "Search": SEARCH, "Facets": FACETS, "Count": COUNT}


SELECTION: Doc = {
    "type": "object",
    "description": "With `fields=`: only what was asked for, each as in the whole record.",
}

PROBLEM: Doc = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "enum": [f"/problems/{kind}" for kind in KINDS], "description": "A page about it."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string", "description": "Names this request in our log."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["detail", "nearest"],
                "properties": {
                    "parameter": {"type": "string"},
                    "pointer": {"type": "string", "description": "RFC 6901"},
                    "file": {"type": "string", "description": "Of a release: in which file."},
                    "line": {"type": "integer", "description": "Of a release: in which line."},
                    "record": {"type": "string", "description": "Of a release: in which record."},
                    "detail": {"type": "string"},
                    "nearest": {"type": "array", "items": {"type": "string"}, "description": "Nearest valid values."},
                },
            },
        },
    },
}


@cache
def _schemas() -> Doc:
    """Return all schemas by name: those of the models, and those written here and in the neighbouring modules."""
    models: list[ModelSchema] = [(resource.out, "serialization") for resource in RESOURCES.values()]
    _, found = models_json_schema([*models, *WEBHOOK_MODELS, *IMPORT_MODELS], ref_template=REF_TEMPLATE)
    schemas: Doc = found["$defs"]
    pages = {
        page_name(resource): _page(ref(resource.out.__name__), f"A page of {resource.title}.")
        for resource in RESOURCES.values()
    }
    source_record = ref("SourceOut") | {"description": "With `include=provenance`."}
    schemas["ProvenanceOut"]["properties"]["source_record"] = source_record
    selection = {
        "Selection": SELECTION,
        "SelectionPage": _page(ref("Selection"), "A page of parts."),
    }
    any_record = {"anyOf": [ref(resource.out.__name__) for resource in RESOURCES.values()]}
    entered = _entered_schemas(schemas)
    search_page = {"SearchPage": _page(any_record, "Records of all types, by relevance.")}
    return dict(
        sorted(
            {
                **schemas,
                **entered,
                "Tombstone": TOMBSTONE,
                "Change": CHANGE,
                "ChangePage": CHANGE_PAGE,
                "Conflict": CONFLICT,
                "ConflictPage": CONFLICT_PAGE,
                **pages,
                **search_page,
                **SEARCH_SCHEMAS,
                **HISTORY_SCHEMAS,
                **selection,
                "Problem": PROBLEM,
            }.items()
        )
    )


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
