"""The list of conflicts over HTTP: fields in which an imported source differs from the record."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import answer, next_link
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import query_string, unchanged, validators_at
from app.api.services import service_of
from app.query import conflicts


async def answer_conflicts(request: Request) -> Response:
    """Answer with a page of conflicts."""
    require_acceptable(request, JSON)
    asked = conflicts.read_query(query_string(request))
    if response := await unchanged(request):
        return response
    service = service_of(request)
    page, at = await service.reader.run(conflicts.page, asked, service.settings.page_bytes)
    return answer(request, page.body(), validators_at(at, request), headers=next_link(page.next))
