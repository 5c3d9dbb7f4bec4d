from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.direct import DirectRoute
from app.web.searches import answer_search, search_operation

router = APIRouter(tags=["search"], route_class=DirectRoute)


@router.get("/v1/search", **search_operation())
async def search(request: Request) -> Response:
    return await answer_search(request)
