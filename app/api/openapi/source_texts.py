"""What OpenAPI says of the stored texts of sources."""

from typing import Any

from app.api.http.negotiation import TEXT
from app.api.openapi.operations import headers, plain_operation, problem


def text_operation() -> dict[str, Any]:
    ok = {
        "description": "The text.",
        "headers": headers(("ETag", "Cache-Control", "Vary", "Content-Disposition", "X-Request-ID")),
        "content": {
            TEXT: {
                "schema": {"type": "string"},
                "example": "Unlocking the Science: Clinical Studies on Botox Mechanism",
            }
        },
    }
    operation = plain_operation(
        "get_source_text",
        "Get a source's stored text",
        "The full text, in UTF-8, that quotes are checked against; offsets count its Unicode code points.",
        {"200": ok, "304": {"description": "The client's copy is still this."}, "404": problem(["not-found"])},
        "not-found",
        "not-acceptable",
    )
    schema = {"type": "string", "minLength": 1}
    id_parameter = {"name": "id", "in": "path", "required": True, "schema": schema, "example": "article"}
    operation["openapi_extra"]["parameters"] = [id_parameter | {"description": "The source's id."}]
    return operation
