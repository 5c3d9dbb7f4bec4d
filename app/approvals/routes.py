from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.approvals.service import APPROVALS
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

router = APIRouter(tags=["approvals"], route_class=DirectRoute)


@router.get("/v1/approvals", **list_operation(APPROVALS))
async def list_approvals(request: Request) -> Response:
    return await answer_list(request, APPROVALS)


@router.get("/v1/approvals/{id:path}", **record_operation(APPROVALS))
async def get_approval(request: Request) -> Response:
    return await answer_record(request, APPROVALS)


@router.post("/v1/approvals", **create_operation(APPROVALS))
async def create_approval(request: Request) -> Response:
    return await answer_create(request, APPROVALS)


@router.put("/v1/approvals/{id}", **replace_operation(APPROVALS))
async def replace_approval(request: Request) -> Response:
    return await answer_replace(request, APPROVALS)


@router.patch("/v1/approvals/{id}", **patch_operation(APPROVALS))
async def patch_approval(request: Request) -> Response:
    return await answer_patch(request, APPROVALS)


@router.delete("/v1/approvals/{id}", **delete_operation(APPROVALS))
async def delete_approval(request: Request) -> Response:
    return await answer_delete(request, APPROVALS)


@router.post("/v1/approvals/{id}/restore", **restore_operation(APPROVALS))
async def restore_approval(request: Request) -> Response:
    return await answer_restore(request, APPROVALS)
