"""The application: settings in, ASGI out. The layers of a request, outermost first:

Envelope (request id, timing, last resort) -> CORS -> Guard (targets, HEAD) -> errors as problems -> routes
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from app import __version__
from app.approvals.routes import router as approvals
from app.directions.routes import router as directions
from app.dosing.routes import router as dosing
from app.indications.routes import router as indications
from app.mechanisms.routes import router as mechanisms
from app.products.routes import router as products
from app.publications.routes import router as publications
from app.reading import Totals
from app.safety_notes.routes import router as safety_notes
from app.settings import Settings
from app.sources.routes import router as sources
from app.studies.routes import router as studies
from app.web import errors
from app.web.envelope import Envelope
from app.web.guard import Guard
from app.web.metrics import Metrics
from app.web.openapi import TITLE
from app.web.pages import router as pages
from app.web.reader import Reader
from app.web.service import Service

ROUTERS = (
    studies,
    mechanisms,
    indications,
    safety_notes,
    products,
    approvals,
    dosing,
    publications,
    directions,
    sources,
    pages,
)

EXPOSED = ["ETag", "Last-Modified", "Link", "Content-Location", "X-Request-ID"]


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    yield
    app.state.service.reader.close()


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings()
    service = Service(settings, Reader(settings), Totals(settings.count_cache_entries), Metrics())
    cors = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
        max_age=86_400,
    )
    app = FastAPI(
        title=TITLE,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_running,
        middleware=[
            Middleware(Envelope, service.metrics, access_log=settings.access_log),
            cors,
            Middleware(Guard, settings.max_url_bytes),
        ],
    )
    app.state.service = service
    errors.install(app)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    return app
