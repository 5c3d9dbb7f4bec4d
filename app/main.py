"""Build the ASGI application from settings.

A request passes through these layers, the outermost first:

ClientAddress      replaces a trusted proxy's address by the client's; absent without trusted proxies
ResponseCache      answers from memory what was answered before
Cors               adds CORS and security headers to every response
RequestContext     gives the request an id, times and logs it, turns unexpected exceptions into a 500
ConcurrencyLimit   makes an address's reads wait for each other; absent without limits
Authentication     checks the key, applies the rate limits, notes refusals in the audit
RequestGuard       refuses targets and content that no route accepts, answers HEAD as GET
exception handlers turn known exceptions into problems
routes
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import make_url
from starlette.middleware import Middleware

from app import __version__
from app.api.audit_buffer import AuditBuffer
from app.api.http import exception_handlers
from app.api.limits.open_answers import OpenAnswers
from app.api.limits.rate_limit import RateLimiter
from app.api.limits.read_turns import ReadTurns
from app.api.metrics import Metrics
from app.api.middleware.authentication import Authentication
from app.api.middleware.client_address import ClientAddress, TrustedProxies
from app.api.middleware.concurrency_limit import ConcurrencyLimit
from app.api.middleware.cors import Cors
from app.api.middleware.request_context import RequestContext
from app.api.middleware.request_guard import RequestGuard
from app.api.middleware.response_cache import ResponseCache
from app.api.openapi.document import TITLE
from app.api.router import router
from app.api.services import Service
from app.common import safe_http
from app.database.engine import sqlite_file
from app.database.reader_pool import EXPORT_CONNECTIONS, Reader
from app.exports.spool_directory import ExportSpool
from app.jobs.supervisor import JobSupervisor
from app.query.change_token import change_token_of
from app.query.change_waiter import ChangeWaiter
from app.query.pages import Totals
from app.search.index import SearchIndex
from app.search.lists import Search
from app.search.service import Thesauri
from app.settings import Settings
from app.store.writer_queue import Writer
from app.webhooks.delivery import Deliverer
from app.webhooks.state import DELAYS, Delays


def index_path(settings: Settings) -> Path | None:
    """Return the folder of the search index, or None for an index in memory (`EVIDENCE_SEARCH_PATH=:memory:`).

    Without that setting it lies beside the SQLite file; without such a file, in the working directory.
    """
    if settings.search_path:
        return None if settings.search_path == ":memory:" else Path(settings.search_path)
    url = make_url(settings.database_url.get_secret_value())
    name = (url.database or "").removeprefix("file:").partition("?")[0]
    return Path(f"{name}.search") if url.get_backend_name() == "sqlite" and name else Path("evidence.search")


def spool_path(settings: Settings) -> Path:
    """Return the folder in which exports are spooled while they are sent.

    Without `EVIDENCE_SPOOL_PATH` it lies beside the SQLite file; without such a file, in the working directory. The
    system's folder for temporary files is not used, because it often lies in memory (tmpfs).
    """
    file = sqlite_file(settings.database_url.get_secret_value())
    return Path(settings.spool_path or (f"{file}.spool" if file else "evidence.spool"))


def _exports(settings: Settings, reader: Reader) -> tuple[ExportSpool, OpenAnswers]:
    spool = ExportSpool(
        spool_path(settings),
        settings.spool_bytes,
        reader.exporting,
        producers=EXPORT_CONNECTIONS,
        patience=settings.read_timeout_seconds,
    )
    return spool, OpenAnswers("exports", most_of_party=settings.address_exports if settings.limits else None)


@asynccontextmanager
async def _running(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    service.search.index.build_beside()
    service.deliverer.start()
    service.jobs.start()
    service.audit_buffer.start()
    yield
    await service.jobs.close()
    await service.deliverer.close()
    await service.audit_buffer.close()
    await service.exports.close()
    service.search.index.close()
    app.state.signal.close()
    service.reader.close()
    service.writer.close()


def create_app(settings: Settings | None = None, *, webhook_delays: Delays = DELAYS) -> FastAPI:
    """Return the application for some settings, those of the environment by default.

    `webhook_delays` are the seconds to wait after each failure to deliver to a webhook; when all of them have passed
    without success, the webhook is disabled.
    """
    settings = settings or Settings()
    reader = Reader(settings)
    search = Search(SearchIndex(index_path(settings), reader.engine), Thesauri())
    writer, rate_limiter = Writer(settings), RateLimiter(settings)
    audit_buffer = AuditBuffer(writer, settings.audit_days)
    signal = change_token_of(settings, reader)
    metrics = Metrics()
    open_streams = OpenAnswers(
        "streams and requests that wait", most=settings.max_streams, most_of_party=settings.address_streams
    )
    read_turns = ReadTurns(
        max(1, settings.read_threads - 1) if settings.limits else None, settings.read_timeout_seconds
    )
    http_client = safe_http.client(private=settings.webhooks_private)
    deliverer = Deliverer(http_client, reader.run, writer.aside, signal.token, webhook_delays, settings.public_actors)
    exports, open_exports = _exports(settings, reader)
    service = Service(
        settings=settings,
        reader=reader,
        totals=Totals(settings.count_cache_entries),
        search=search,
        metrics=metrics,
        writer=writer,
        rate_limiter=rate_limiter,
        audit_buffer=audit_buffer,
        change_waiter=ChangeWaiter(signal),
        open_streams=open_streams,
        read_turns=read_turns,
        deliverer=deliverer,
        jobs=JobSupervisor(settings, writer),
        exports=exports,
        open_exports=open_exports,
    )
    proxies = TrustedProxies(settings.trusted_proxies)
    app = FastAPI(
        title=TITLE,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        lifespan=_running,
        middleware=[
            *([Middleware(ClientAddress, proxies)] if proxies else []),  # no request pays for a layer without a use
            Middleware(
                ResponseCache,
                signal,
                metrics,
                settings.answer_cache_bytes,
                patience=settings.read_timeout_seconds,
                read_turns=read_turns,
                rate_limiter=rate_limiter,
            ),
            Middleware(Cors),
            Middleware(RequestContext, metrics, access_log=settings.access_log),
            *([Middleware(ConcurrencyLimit, read_turns)] if settings.limits else []),
            Middleware(Authentication, reader, rate_limiter, audit_buffer),
            Middleware(RequestGuard, settings.max_url_bytes),
        ],
    )
    app.state.service, app.state.signal = service, signal
    exception_handlers.install(app)
    app.router.routes.extend(router.routes)
    return app
