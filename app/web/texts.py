"""A source's stored text over HTTP."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.query import read_no_query
from app.sources.texts import stored_text
from app.web.answers import Validators, answer_from_loop
from app.web.negotiation import require
from app.web.operations import headers, plain_operation, problem
from app.web.service import service_of
from app.web.state import query_string

TEXT = "text/plain"


def _named(id: str) -> dict[str, str]:
    """`inline`: a text is opened where it is linked from. As plain text that nobody may take for another type
    (`security_headers`) it is inert there, whatever its author wrote."""
    return {"content-disposition": f'inline; filename="{id}.txt"'}


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


async def answer_text(request: Request) -> Response:
    require(request, TEXT)
    read_no_query(query_string(request))
    id = request.path_params["id"]
    text, sha256 = await service_of(request).reader.run(stored_text, id)
    return await answer_from_loop(request, text.encode(), Validators(sha256, None), media_type=TEXT, headers=_named(id))
