"""What OpenAPI says of searches across types and of records like one."""

from typing import Any, get_args

from app.api.openapi.operations import either, operation, page_name, problems, success
from app.api.openapi.parameters import paging_parameters, search_parameters
from app.records.fields import RecordType
from app.records.resource import Resource

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable", "search-not-ready")


def search_operation() -> dict[str, Any]:
    types = "|".join(get_args(RecordType))
    wanted = {
        "name": "type",
        "in": "query",
        "description": "Record types to look in, comma-separated; all of them unless said.",
        "schema": {"type": "string", "pattern": f"^({types})(,({types}))*$"},
        "example": "studies,safety-notes",
    }
    words = [{**parameter, "required": parameter["name"] == "q"} for parameter in search_parameters()]
    return operation(
        "search",
        "Search all types",
        "The best records of all types, by relevance; `search.types` says how many of each there are.",
        [*words, wanted, *paging_parameters("search")],
        success({"$ref": "#/components/schemas/SearchPage"}, "Link", example="GET /v1/search", description="The hits.")
        | problems(*PROBLEMS),
    )


def similar_operation(resource: Resource) -> dict[str, Any]:
    id_parameter = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The id, or any other name without a slash.",
        "schema": {"type": "string", "minLength": 1},
        "example": resource.example,
    }
    return operation(
        f"list_similar_{resource.type}",
        f"List {resource.title} like one of them",
        "Those that share most of its rarer words.",
        [id_parameter, *paging_parameters("similar")],
        success(
            either(page_name(resource), "SelectionPage"),
            example=f"GET {resource.path}/{{id}}/similar",
            description="The most alike.",
        )
        | problems("not-found", "gone", "ambiguous-name", *PROBLEMS),
    )
