from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.mechanisms.service import MECHANISMS
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

router = APIRouter(tags=["mechanisms"], route_class=DirectRoute)


@router.get("/v1/mechanisms", **list_operation(MECHANISMS))
async def list_mechanisms(request: Request) -> Response:
    return await answer_list(request, MECHANISMS)


@router.get("/v1/mechanisms/{id:path}", **record_operation(MECHANISMS))
async def get_mechanism(request: Request) -> Response:
    return await answer_record(request, MECHANISMS)


@router.post("/v1/mechanisms", **create_operation(MECHANISMS))
async def create_mechanism(request: Request) -> Response:
    return await answer_create(request, MECHANISMS)


@router.put("/v1/mechanisms/{id}", **replace_operation(MECHANISMS))
async def replace_mechanism(request: Request) -> Response:
    return await answer_replace(request, MECHANISMS)


@router.patch("/v1/mechanisms/{id}", **patch_operation(MECHANISMS))
async def patch_mechanism(request: Request) -> Response:
    return await answer_patch(request, MECHANISMS)


@router.delete("/v1/mechanisms/{id}", **delete_operation(MECHANISMS))
async def delete_mechanism(request: Request) -> Response:
    return await answer_delete(request, MECHANISMS)


@router.post("/v1/mechanisms/{id}/restore", **restore_operation(MECHANISMS))
async def restore_mechanism(request: Request) -> Response:
    return await answer_restore(request, MECHANISMS)
