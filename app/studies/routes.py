from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.studies.service import STUDIES
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record
from app.web.searches import answer_similar, similar_operation

router = APIRouter(tags=["studies"], route_class=DirectRoute)


@router.get("/v1/studies", **list_operation(STUDIES))
async def list_studies(request: Request) -> Response:
    return await answer_list(request, STUDIES)


@router.get("/v1/studies/{id}/similar", **similar_operation(STUDIES))
async def list_similar_studies(request: Request) -> Response:
    return await answer_similar(request, STUDIES)


@router.get("/v1/studies/{id:path}", **record_operation(STUDIES))
async def get_study(request: Request) -> Response:
    return await answer_record(request, STUDIES)
