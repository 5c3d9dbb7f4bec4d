from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.safety_notes.service import SAFETY_NOTES
from app.web.direct import DirectRoute
from app.web.edit_operations import (
    create_operation,
    delete_operation,
    patch_operation,
    replace_operation,
    restore_operation,
)
from app.web.edits import answer_create, answer_delete, answer_patch, answer_replace, answer_restore
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["safety notes"], route_class=DirectRoute)


@router.get("/v1/safety-notes", **list_operation(SAFETY_NOTES))
async def list_safety_notes(request: Request) -> Response:
    return await answer_list(request, SAFETY_NOTES)


@router.get("/v1/safety-notes/{id:path}", **record_operation(SAFETY_NOTES))
async def get_safety_note(request: Request) -> Response:
    return await answer_record(request, SAFETY_NOTES)


@router.post("/v1/safety-notes", **create_operation(SAFETY_NOTES))
async def create_safety_note(request: Request) -> Response:
    return await answer_create(request, SAFETY_NOTES)


@router.put("/v1/safety-notes/{id}", **replace_operation(SAFETY_NOTES))
async def replace_safety_note(request: Request) -> Response:
    return await answer_replace(request, SAFETY_NOTES)


@router.patch("/v1/safety-notes/{id}", **patch_operation(SAFETY_NOTES))
async def patch_safety_note(request: Request) -> Response:
    return await answer_patch(request, SAFETY_NOTES)


@router.delete("/v1/safety-notes/{id}", **delete_operation(SAFETY_NOTES))
async def delete_safety_note(request: Request) -> Response:
    return await answer_delete(request, SAFETY_NOTES)


@router.post("/v1/safety-notes/{id}/restore", **restore_operation(SAFETY_NOTES))
async def restore_safety_note(request: Request) -> Response:
    return await answer_restore(request, SAFETY_NOTES)
