from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.dosing.service import DOSING
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

router = APIRouter(tags=["dosing"], route_class=DirectRoute)


@router.get("/v1/dosing", **list_operation(DOSING))
async def list_dosing(request: Request) -> Response:
    return await answer_list(request, DOSING)


@router.get("/v1/dosing/{id:path}", **record_operation(DOSING))
async def get_dosing_entry(request: Request) -> Response:
    return await answer_record(request, DOSING)


@router.post("/v1/dosing", **create_operation(DOSING))
async def create_dosing_entry(request: Request) -> Response:
    return await answer_create(request, DOSING)


@router.put("/v1/dosing/{id}", **replace_operation(DOSING))
async def replace_dosing_entry(request: Request) -> Response:
    return await answer_replace(request, DOSING)


@router.patch("/v1/dosing/{id}", **patch_operation(DOSING))
async def patch_dosing_entry(request: Request) -> Response:
    return await answer_patch(request, DOSING)


@router.delete("/v1/dosing/{id}", **delete_operation(DOSING))
async def delete_dosing_entry(request: Request) -> Response:
    return await answer_delete(request, DOSING)


@router.post("/v1/dosing/{id}/restore", **restore_operation(DOSING))
async def restore_dosing_entry(request: Request) -> Response:
    return await answer_restore(request, DOSING)
