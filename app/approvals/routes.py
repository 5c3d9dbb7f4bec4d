from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.approvals.service import APPROVALS
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["approvals"], route_class=DirectRoute)


@router.get("/v1/approvals", **list_operation(APPROVALS))
async def list_approvals(request: Request) -> Response:
    return await answer_list(request, APPROVALS)


@router.get("/v1/approvals/{id:path}", **record_operation(APPROVALS))
async def get_approval(request: Request) -> Response:
    return await answer_record(request, APPROVALS)
