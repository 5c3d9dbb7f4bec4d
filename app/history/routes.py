from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.direct import DirectRoute
from app.web.histories import answer_diff, answer_version, answer_versions
from app.web.history_operations import diff_operation, version_operation, versions_operation

router = APIRouter(tags=["history"], route_class=DirectRoute)


@router.get("/v1/{type}/{id:path}/versions", **versions_operation())
async def list_versions(request: Request) -> Response:
    return await answer_versions(request)


@router.get("/v1/{type}/{id:path}/versions/{version}", **version_operation())
async def get_version(request: Request) -> Response:
    return await answer_version(request)


@router.get("/v1/{type}/{id:path}/diff", **diff_operation())
async def get_diff(request: Request) -> Response:
    return await answer_diff(request)
