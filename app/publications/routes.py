from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.publications.service import PUBLICATIONS
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

router = APIRouter(tags=["publications"], route_class=DirectRoute)


@router.get("/v1/publications", **list_operation(PUBLICATIONS))
async def list_publications(request: Request) -> Response:
    return await answer_list(request, PUBLICATIONS)


@router.get("/v1/publications/{id:path}", **record_operation(PUBLICATIONS))
async def get_publication(request: Request) -> Response:
    return await answer_record(request, PUBLICATIONS)


@router.post("/v1/publications", **create_operation(PUBLICATIONS))
async def create_publication(request: Request) -> Response:
    return await answer_create(request, PUBLICATIONS)


@router.put("/v1/publications/{id}", **replace_operation(PUBLICATIONS))
async def replace_publication(request: Request) -> Response:
    return await answer_replace(request, PUBLICATIONS)


@router.patch("/v1/publications/{id}", **patch_operation(PUBLICATIONS))
async def patch_publication(request: Request) -> Response:
    return await answer_patch(request, PUBLICATIONS)


@router.delete("/v1/publications/{id}", **delete_operation(PUBLICATIONS))
async def delete_publication(request: Request) -> Response:
    return await answer_delete(request, PUBLICATIONS)


@router.post("/v1/publications/{id}/restore", **restore_operation(PUBLICATIONS))
async def restore_publication(request: Request) -> Response:
    return await answer_restore(request, PUBLICATIONS)
