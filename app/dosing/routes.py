from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.dosing.service import DOSING
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["dosing"], route_class=DirectRoute)


@router.get("/v1/dosing", **list_operation(DOSING))
async def list_dosing(request: Request) -> Response:
    return await answer_list(request, DOSING)


@router.get("/v1/dosing/{id:path}", **record_operation(DOSING))
async def get_dosing_entry(request: Request) -> Response:
    return await answer_record(request, DOSING)
