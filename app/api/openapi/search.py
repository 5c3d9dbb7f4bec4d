"""The search across types and the search for similar records in OpenAPI."""

from app.api.openapi.answers import page_name
from app.api.openapi.operations import operation, other_formats, problems, ref, success
from app.api.openapi.parameters import (
    TEXT,
    TYPES_PARAMETER,
    Doc,
    paging_parameters,
    path_parameter,
    search_parameters,
)
from app.records.resource import Resource

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable", "search-not-ready")


def search_operation() -> Doc:
    """Document the search across types."""
    words = [{**parameter, "required": parameter["name"] == "q"} for parameter in search_parameters()]
    return operation(
        "search",
        "Search all types",
        "The best records of all types, by relevance; `search.types` says how many of each there are.",
        [*words, TYPES_PARAMETER, *paging_parameters("search")],
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
            ref(page_name(resource)),
            example=f"GET {resource.path}/{{id}}/similar",
            description="The most alike.",
            others=other_formats("search", resource.type),
        )
        | problems("not-found", "gone", "ambiguous-name", *PROBLEMS),
    )
