"""The stored texts of sources in OpenAPI."""

from app.api.http.negotiation import TEXT
from app.api.openapi.operations import headers, plain_operation, problem
from app.api.openapi.parameters import TEXT as TEXT_SCHEMA
from app.api.openapi.parameters import Doc


def text_operation() -> Doc:
    """Document reading the stored text of a source."""
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
    id_parameter = {"name": "id", "in": "path", "required": True, "schema": TEXT_SCHEMA, "example": "article"}
    operation["openapi_extra"]["parameters"] = [id_parameter | {"description": "The source's id."}]
    return operation
