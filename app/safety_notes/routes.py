from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.safety_notes.service import SAFETY_NOTES
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["safety notes"], route_class=DirectRoute)


@router.get("/v1/safety-notes", **list_operation(SAFETY_NOTES))
async def list_safety_notes(request: Request) -> Response:
    return await answer_list(request, SAFETY_NOTES)


@router.get("/v1/safety-notes/{id:path}", **record_operation(SAFETY_NOTES))
async def get_safety_note(request: Request) -> Response:
    return await answer_record(request, SAFETY_NOTES)
