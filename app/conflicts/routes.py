from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.conflicts import answer_conflicts, conflicts_operation
from app.web.direct import DirectRoute

router = APIRouter(tags=["conflicts"], route_class=DirectRoute)


@router.get("/v1/conflicts", **conflicts_operation())
async def list_conflicts(request: Request) -> Response:
    return await answer_conflicts(request)
