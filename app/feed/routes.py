from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.changes import answer_changes, changes_operation
from app.web.direct import DirectRoute

router = APIRouter(tags=["changes"], route_class=DirectRoute)


@router.get("/v1/changes", **changes_operation())
async def list_changes(request: Request) -> Response:
    return await answer_changes(request)
