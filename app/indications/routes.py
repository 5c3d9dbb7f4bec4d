from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.indications.service import INDICATIONS
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["indications"], route_class=DirectRoute)


@router.get("/v1/indications", **list_operation(INDICATIONS))
async def list_indications(request: Request) -> Response:
    return await answer_list(request, INDICATIONS)


@router.get("/v1/indications/{id:path}", **record_operation(INDICATIONS))
async def get_indication(request: Request) -> Response:
    return await answer_record(request, INDICATIONS)
