from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.indications.service import INDICATIONS
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

router = APIRouter(tags=["indications"], route_class=DirectRoute)


@router.get("/v1/indications", **list_operation(INDICATIONS))
async def list_indications(request: Request) -> Response:
    return await answer_list(request, INDICATIONS)


@router.get("/v1/indications/{id:path}", **record_operation(INDICATIONS))
async def get_indication(request: Request) -> Response:
    return await answer_record(request, INDICATIONS)


@router.post("/v1/indications", **create_operation(INDICATIONS))
async def create_indication(request: Request) -> Response:
    return await answer_create(request, INDICATIONS)


@router.put("/v1/indications/{id}", **replace_operation(INDICATIONS))
async def replace_indication(request: Request) -> Response:
    return await answer_replace(request, INDICATIONS)


@router.patch("/v1/indications/{id}", **patch_operation(INDICATIONS))
async def patch_indication(request: Request) -> Response:
    return await answer_patch(request, INDICATIONS)


@router.delete("/v1/indications/{id}", **delete_operation(INDICATIONS))
async def delete_indication(request: Request) -> Response:
    return await answer_delete(request, INDICATIONS)


@router.post("/v1/indications/{id}/restore", **restore_operation(INDICATIONS))
async def restore_indication(request: Request) -> Response:
    return await answer_restore(request, INDICATIONS)
