"""Routes that hand the request straight to their function.

FastAPI's own handling of parameters and response models costs more than the rest of a read; these read the query
themselves and send stored bytes. OpenAPI documents them all the same, and tests prove that it tells the truth.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response


class DirectRoute(APIRoute):
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint
