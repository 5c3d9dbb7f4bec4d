from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.products.service import PRODUCTS
from app.web.direct import DirectRoute
from app.web.operations import list_operation, record_operation
from app.web.records import answer_list, answer_record

router = APIRouter(tags=["products"], route_class=DirectRoute)


@router.get("/v1/products", **list_operation(PRODUCTS))
async def list_products(request: Request) -> Response:
    return await answer_list(request, PRODUCTS)


@router.get("/v1/products/{id:path}", **record_operation(PRODUCTS))
async def get_product(request: Request) -> Response:
    return await answer_record(request, PRODUCTS)
