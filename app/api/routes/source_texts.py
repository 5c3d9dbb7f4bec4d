"""A source's stored text over HTTP."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer_from_loop
from app.api.http.negotiation import TEXT, require_acceptable
from app.api.http.request_state import query_string
from app.api.services import service_of
from app.query.parameters import read_no_query
from app.records.sources.texts import stored_text


def _named(id: str) -> dict[str, str]:
    """`inline`: a text is opened where it is linked from. As plain text that nobody may take for another type
    (`security_headers`) it is inert there, whatever its author wrote."""
    return {"content-disposition": f'inline; filename="{id}.txt"'}


async def answer_text(request: Request) -> Response:
    require_acceptable(request, TEXT)
    read_no_query(query_string(request))
    id = request.path_params["id"]
    text, sha256 = await service_of(request).reader.run(stored_text, id)
    return await answer_from_loop(request, text.encode(), Validators(sha256, None), media_type=TEXT, headers=_named(id))
