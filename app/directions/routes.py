from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.directions.service import DIRECTIONS
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["directions"], route_class=DirectRoute)


@router.get("/v1/directions", **list_operation(DIRECTIONS))
async def list_directions(request: Request) -> Response:
    return await answer_list(request, DIRECTIONS)


@router.get("/v1/directions/{id:path}", **record_operation(DIRECTIONS))
async def get_direction(request: Request) -> Response:
    return await answer_record(request, DIRECTIONS)
