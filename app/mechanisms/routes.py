from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.mechanisms.service import MECHANISMS
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["mechanisms"], route_class=DirectRoute)


@router.get("/v1/mechanisms", **list_operation(MECHANISMS))
async def list_mechanisms(request: Request) -> Response:
    return await answer_list(request, MECHANISMS)


@router.get("/v1/mechanisms/{id:path}", **record_operation(MECHANISMS))
async def get_mechanism(request: Request) -> Response:
    return await answer_record(request, MECHANISMS)
