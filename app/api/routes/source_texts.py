"""The stored text of a source over HTTP."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import Validators, answer_from_loop
from app.api.http.negotiation import TEXT, require_acceptable
from app.api.http.request_state import query_string
from app.api.services import service_of
from app.query.parameters import read_no_query
from app.records.sources.texts import stored_text


def _content_disposition(id: str) -> dict[str, str]:
    """Return the header that lets a browser show the text (`inline`) and names the file to save it as.

    Showing it is safe: `app.api.http.security_headers` forbids taking plain text for another type.
    """
    return {"content-disposition": f'inline; filename="{id}.txt"'}


async def answer_text(request: Request) -> Response:
    """Answer with the stored text of a source."""
    require_acceptable(request, TEXT)
    read_no_query(query_string(request))
    id = request.path_params["id"]
    text, sha256 = await service_of(request).reader.run(stored_text, id)
    return await answer_from_loop(
        request, text.encode(), Validators(sha256, None), media_type=TEXT, headers=_content_disposition(id)
    )
