"""The search across types and the search for similar records in OpenAPI."""

from typing import get_args

from app.api.openapi.answers import page_name
from app.api.openapi.operations import either, operation, other_formats, problems, ref, success
from app.api.openapi.parameters import (
    TEXT,
    Doc,
    paging_parameters,
    path_parameter,
    search_parameters,
    words_parameter,
)
from app.records.resource import Resource
from app.records.vocabularies import RecordType

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable", "search-not-ready")


def search_operation() -> Doc:
    """Document the search across types."""
    text = "Record types to look in, comma-separated; all of them unless said."
    types = words_parameter("type", text, get_args(RecordType), "studies,safety-notes")
    words = [{**parameter, "required": parameter["name"] == "q"} for parameter in search_parameters()]
    return operation(
        "search",
        "Search all types",
        "The best records of all types, by relevance; `search.types` says how many of each there are.",
        [*words, types, *paging_parameters("search")],
        success(
            ref("SearchPage"),
            "Link",
            example="GET /v1/search",
            description="The hits.",
            others=other_formats("search", None),
        )
        | problems(*PROBLEMS),
    )


def similar_operation(resource: Resource) -> Doc:
    """Document the search for records similar to one."""
    id_parameter = path_parameter("id", "The id, or any other name without a slash.", TEXT, resource.example)
    return operation(
        f"list_similar_{resource.type}",
        f"List {resource.title} like one of them",
        "Those that share most of its rarer words.",
        [id_parameter, *paging_parameters("similar")],
        success(
            either(page_name(resource), "SelectionPage"),
            example=f"GET {resource.path}/{{id}}/similar",
            description="The most alike.",
            others=other_formats("search", resource.type),
        )
        | problems("not-found", "gone", "ambiguous-name", *PROBLEMS),
    )
