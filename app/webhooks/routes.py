from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.web import webhook_operations as operations
from app.web import webhooks
from app.web.direct import DirectRoute

router = APIRouter(tags=["webhooks"], route_class=DirectRoute)


@router.post("/v1/webhooks", **operations.CREATE)
async def create_webhook(request: Request) -> Response:
    return await webhooks.answer_create(request)


@router.get("/v1/webhooks", **operations.LIST)
async def list_webhooks(request: Request) -> Response:
    return await webhooks.answer_list(request)


@router.get("/v1/webhooks/{id}", **operations.GET)
async def get_webhook(request: Request) -> Response:
    return await webhooks.answer_one(request)


@router.delete("/v1/webhooks/{id}", **operations.DELETE)
async def delete_webhook(request: Request) -> Response:
    return await webhooks.answer_delete(request)


@router.post("/v1/webhooks/{id}/enable", **operations.ENABLE)
async def enable_webhook(request: Request) -> Response:
    return await webhooks.answer_enable(request)


@router.post("/v1/webhooks/{id}/test", **operations.TEST)
async def test_webhook(request: Request) -> Response:
    return await webhooks.answer_test(request)
