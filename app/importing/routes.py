from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web import import_operations as operations
from app.web import import_views, imports
from app.web.direct import DirectRoute

router = APIRouter(tags=["imports"], route_class=DirectRoute)


@router.post("/v1/imports", **operations.START)
async def start_import(request: Request) -> Response:
    return await imports.answer_start(request)


@router.get("/v1/imports", **operations.LIST)
async def list_imports(request: Request) -> Response:
    return await import_views.answer_list(request)


@router.get("/v1/imports/{id}", **operations.GET)
async def get_import(request: Request) -> Response:
    return await import_views.answer_one(request)


@router.get("/v1/imports/{id}/events", **operations.EVENTS)
async def follow_import(request: Request) -> Response:
    return await import_views.answer_events(request)


@router.post("/v1/imports/{id}/resume", **operations.RESUME)
async def resume_import(request: Request) -> Response:
    return await imports.answer_resume(request)


@router.delete("/v1/imports/{id}", **operations.CANCEL)
async def cancel_import(request: Request) -> Response:
    return await imports.answer_cancel(request)
