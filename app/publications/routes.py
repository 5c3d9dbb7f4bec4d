from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.publications.service import PUBLICATIONS
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["publications"], route_class=DirectRoute)


@router.get("/v1/publications", **list_operation(PUBLICATIONS))
async def list_publications(request: Request) -> Response:
    return await answer_list(request, PUBLICATIONS)


@router.get("/v1/publications/{id:path}", **record_operation(PUBLICATIONS))
async def get_publication(request: Request) -> Response:
    return await answer_record(request, PUBLICATIONS)
