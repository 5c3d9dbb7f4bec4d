from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.products.service import PRODUCTS
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

router = APIRouter(tags=["products"], route_class=DirectRoute)


@router.get("/v1/products", **list_operation(PRODUCTS))
async def list_products(request: Request) -> Response:
    return await answer_list(request, PRODUCTS)


@router.get("/v1/products/{id:path}", **record_operation(PRODUCTS))
async def get_product(request: Request) -> Response:
    return await answer_record(request, PRODUCTS)


@router.post("/v1/products", **create_operation(PRODUCTS))
async def create_product(request: Request) -> Response:
    return await answer_create(request, PRODUCTS)


@router.put("/v1/products/{id}", **replace_operation(PRODUCTS))
async def replace_product(request: Request) -> Response:
    return await answer_replace(request, PRODUCTS)


@router.patch("/v1/products/{id}", **patch_operation(PRODUCTS))
async def patch_product(request: Request) -> Response:
    return await answer_patch(request, PRODUCTS)


@router.delete("/v1/products/{id}", **delete_operation(PRODUCTS))
async def delete_product(request: Request) -> Response:
    return await answer_delete(request, PRODUCTS)


@router.post("/v1/products/{id}/restore", **restore_operation(PRODUCTS))
async def restore_product(request: Request) -> Response:
    return await answer_restore(request, PRODUCTS)
