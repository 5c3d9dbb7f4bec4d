from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web.direct import DirectRoute
from app.web.release_operations import one_release_operation, release_operation, releases_operation, revert_operation
from app.web.releases import answer_one_release, answer_release, answer_releases, answer_revert

router = APIRouter(tags=["releases"], route_class=DirectRoute)


@router.get("/v1/releases", **releases_operation())
async def list_releases(request: Request) -> Response:
    return await answer_releases(request)


@router.post("/v1/releases", status_code=201, **release_operation())
async def make_release(request: Request) -> Response:
    return await answer_release(request)


@router.get("/v1/releases/{name}", **one_release_operation())
async def get_release(request: Request) -> Response:
    return await answer_one_release(request)


@router.post("/v1/releases/{name}/revert", status_code=201, **revert_operation())
async def revert_release(request: Request) -> Response:
    return await answer_revert(request)
