from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.studies.service import STUDIES
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
from app.web.searches import answer_similar, similar_operation

router = APIRouter(tags=["studies"], route_class=DirectRoute)


@router.get("/v1/studies", **list_operation(STUDIES))
async def list_studies(request: Request) -> Response:
    return await answer_list(request, STUDIES)


@router.get("/v1/studies/{id}/similar", **similar_operation(STUDIES))
async def list_similar_studies(request: Request) -> Response:
    return await answer_similar(request, STUDIES)


@router.get("/v1/studies/{id:path}", **record_operation(STUDIES))
async def get_study(request: Request) -> Response:
    return await answer_record(request, STUDIES)


@router.post("/v1/studies", **create_operation(STUDIES))
async def create_study(request: Request) -> Response:
    return await answer_create(request, STUDIES)


@router.put("/v1/studies/{id}", **replace_operation(STUDIES))
async def replace_study(request: Request) -> Response:
    return await answer_replace(request, STUDIES)


@router.patch("/v1/studies/{id}", **patch_operation(STUDIES))
async def patch_study(request: Request) -> Response:
    return await answer_patch(request, STUDIES)


@router.delete("/v1/studies/{id}", **delete_operation(STUDIES))
async def delete_study(request: Request) -> Response:
    return await answer_delete(request, STUDIES)


@router.post("/v1/studies/{id}/restore", **restore_operation(STUDIES))
async def restore_study(request: Request) -> Response:
    return await answer_restore(request, STUDIES)
