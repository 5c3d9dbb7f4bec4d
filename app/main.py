"""The application: settings in, ASGI out. The layers of a request, outermost first:

ClientAddress (who asks, behind proxies) -> Finished (answers kept) -> CORS
-> Envelope (request id, timing, last resort) -> ConcurrencyLimit (turns of reads) -> Access (keys, limits)
-> Guard (targets, HEAD) -> errors as problems -> routes
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import make_url
from starlette.middleware import Middleware

from app import __version__
from app.api.audit_buffer import Trail
from app.api.http import exception_handlers as errors
from app.api.limits.open_answers import OpenAnswers
from app.api.limits.rate_limit import Limits
from app.api.limits.read_turns import ReadTurns
from app.api.metrics import Metrics
from app.api.middleware.authentication import Access
from app.api.middleware.client_address import ClientAddress, TrustedProxies
from app.api.middleware.concurrency_limit import ConcurrencyLimit
from app.api.middleware.cors import OpenForReading
from app.api.middleware.request_context import Envelope
from app.api.middleware.request_guard import Guard
from app.api.middleware.response_cache import Finished
from app.api.openapi.document import TITLE
from app.api.router import router
from app.api.services import Service
from app.common import safe_http as outgoing
from app.database.engine import sqlite_file
from app.database.reader_pool import EXPORT_CONNECTIONS, Reader
from app.exports.spool_directory import ExportSpool
from app.jobs.release_supervisor import Releases
from app.jobs.supervisor import Imports
from app.query.change_token import signal_of
from app.query.change_waiter import Watch
from app.query.pages import Totals
from app.search.index import SearchIndex
from app.search.lists import Search
from app.search.service import Thesauri
from app.settings import Settings
from app.store.writer_queue import Writer
from app.webhooks.delivery import Deliverer
from app.webhooks.state import DELAYS, Delays


def index_path(settings: Settings) -> Path | None:
    """Where the search index is kept: where it is said, else beside the SQLite file, else in a folder here."""
    if settings.search_path:
        return None if settings.search_path == ":memory:" else Path(settings.search_path)
    url = make_url(settings.database_url.get_secret_value())
    name = (url.database or "").removeprefix("file:").partition("?")[0]
    return Path(f"{name}.search") if url.get_backend_name() == "sqlite" and name else Path("evidence.search")


def spool_path(settings: Settings) -> Path:
    """Where exports are kept on disk while they are sent: where the setting says, else beside the SQLite file, else in
    a folder here, like the index and imports: the system's folder for temporary files is often a part of the memory."""
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
    app.state.service.search.index.build_beside()
    app.state.service.deliverer.start()
    app.state.service.imports.start()
    app.state.service.trail.start()
    yield
    await app.state.service.imports.close()
    await app.state.service.deliverer.close()
    await app.state.service.trail.close()
    await app.state.service.exports.close()
    app.state.service.search.index.close()
    app.state.signal.close()
    app.state.service.reader.close()
    app.state.service.writer.close()


def create_app(settings: Settings | None = None, *, webhook_delays: Delays = DELAYS) -> FastAPI:
    """`webhook_delays`: seconds after each failure to deliver; after the last of them a webhook is disabled."""
    settings = settings or Settings()
    reader = Reader(settings)
    search = Search(SearchIndex(index_path(settings), reader.engine), Thesauri())
    writer, limits = Writer(settings), Limits(settings)
    trail = Trail(writer, settings.audit_days)
    signal = signal_of(settings, reader)
    totals, metrics, watch = Totals(settings.count_cache_entries), Metrics(), Watch(signal)
    streams = OpenAnswers(
        "streams and requests that wait", most=settings.max_streams, most_of_party=settings.address_streams
    )
    turns = ReadTurns(max(1, settings.read_threads - 1) if settings.limits else None, settings.read_timeout_seconds)
    outward = outgoing.client(private=settings.webhooks_private)
    deliverer = Deliverer(outward, reader.run, writer.aside, signal.token, webhook_delays, settings.public_actors)
    runs = Releases(settings), Imports(settings, writer), *_exports(settings, reader)
    held = limits, trail, watch, streams, turns, deliverer, *runs
    service = Service(settings, reader, totals, search, metrics, writer, *held)
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
            *([Middleware(ClientAddress, proxies)] if proxies else []),  # without proxies a request costs nothing more
            Middleware(
                Finished,
                signal,
                metrics,
                settings.answer_cache_bytes,
                patience=settings.read_timeout_seconds,
                turns=turns,
                limits=limits,
            ),
            Middleware(OpenForReading),
            Middleware(Envelope, service.metrics, access_log=settings.access_log),
            *([Middleware(ConcurrencyLimit, turns)] if settings.limits else []),
            Middleware(Access, reader, limits, trail),
            Middleware(Guard, settings.max_url_bytes),
        ],
    )
    app.state.service, app.state.signal = service, signal
    errors.install(app)
    app.router.routes.extend(router.routes)
    return app
