from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.sources.service import SOURCES
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record
from app.web.texts import answer_text, text_operation

router = APIRouter(tags=["sources"], route_class=DirectRoute)


@router.get("/v1/sources", **list_operation(SOURCES))
async def list_sources(request: Request) -> Response:
    return await answer_list(request, SOURCES)


@router.get("/v1/sources/{id}/text", **text_operation())
async def get_source_text(request: Request) -> Response:
    return await answer_text(request)


@router.get("/v1/sources/{id:path}", **record_operation(SOURCES))
async def get_source(request: Request) -> Response:
    return await answer_record(request, SOURCES)
