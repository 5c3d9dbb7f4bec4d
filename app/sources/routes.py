from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.sources.service import SOURCES
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
from app.web.texts import answer_text, text_operation

router = APIRouter(tags=["sources"], route_class=DirectRoute)


@router.get("/v1/sources", **list_operation(SOURCES))
async def list_sources(request: Request) -> Response:
    return await answer_list(request, SOURCES)


@router.get("/v1/sources/{id}/text", **text_operation())
async def get_source_text(request: Request) -> Response:
    return await answer_text(request)


@router.get("/v1/sources/{id:path}", **record_operation(SOURCES))
async def get_source(request: Request) -> Response:
    return await answer_record(request, SOURCES)


@router.post("/v1/sources", **create_operation(SOURCES))
async def create_source(request: Request) -> Response:
    return await answer_create(request, SOURCES)


@router.put("/v1/sources/{id}", **replace_operation(SOURCES))
async def replace_source(request: Request) -> Response:
    return await answer_replace(request, SOURCES)


@router.patch("/v1/sources/{id}", **patch_operation(SOURCES))
async def patch_source(request: Request) -> Response:
    return await answer_patch(request, SOURCES)


@router.delete("/v1/sources/{id}", **delete_operation(SOURCES))
async def delete_source(request: Request) -> Response:
    return await answer_delete(request, SOURCES)


@router.post("/v1/sources/{id}/restore", **restore_operation(SOURCES))
async def restore_source(request: Request) -> Response:
    return await answer_restore(request, SOURCES)
