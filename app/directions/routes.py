from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.directions.service import DIRECTIONS
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

router = APIRouter(tags=["directions"], route_class=DirectRoute)


@router.get("/v1/directions", **list_operation(DIRECTIONS))
async def list_directions(request: Request) -> Response:
    return await answer_list(request, DIRECTIONS)


@router.get("/v1/directions/{id:path}", **record_operation(DIRECTIONS))
async def get_direction(request: Request) -> Response:
    return await answer_record(request, DIRECTIONS)


@router.post("/v1/directions", **create_operation(DIRECTIONS))
async def create_direction(request: Request) -> Response:
    return await answer_create(request, DIRECTIONS)


@router.put("/v1/directions/{id}", **replace_operation(DIRECTIONS))
async def replace_direction(request: Request) -> Response:
    return await answer_replace(request, DIRECTIONS)


@router.patch("/v1/directions/{id}", **patch_operation(DIRECTIONS))
async def patch_direction(request: Request) -> Response:
    return await answer_patch(request, DIRECTIONS)


@router.delete("/v1/directions/{id}", **delete_operation(DIRECTIONS))
async def delete_direction(request: Request) -> Response:
    return await answer_delete(request, DIRECTIONS)


@router.post("/v1/directions/{id}/restore", **restore_operation(DIRECTIONS))
async def restore_direction(request: Request) -> Response:
    return await answer_restore(request, DIRECTIONS)
