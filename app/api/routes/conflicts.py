"""Conflicts over HTTP: what imported sources say otherwise than the records."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import answer, is_fresh, not_modified
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import at_revision, query_string
from app.api.services import service_of
from app.query import conflicts
from app.query import pages as reading


async def answer_conflicts(request: Request) -> Response:
    require_acceptable(request, JSON)
    asked = conflicts.read_query(query_string(request))
    service = service_of(request)
    now = await service.reader.look_up(reading.NOW)
    before = at_revision(reading.certain(now), request)
    if is_fresh(request, before):
        return not_modified(request, before)
    page, at = await service.reader.run(conflicts.page, asked, service.settings.page_bytes)
    links = {"link": f'<{page.next}>; rel="next"'} if page.next else {}
    return answer(request, page.body(), at_revision(at, request), headers=links)
