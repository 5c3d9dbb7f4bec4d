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

from app import __version__, outgoing
from app.approvals.routes import router as approvals
from app.conflicts.routes import router as conflicts
from app.db import sqlite_file
from app.directions.routes import router as directions
from app.dosing.routes import router as dosing
from app.feed.routes import router as changes
from app.history.routes import router as history
from app.importing.routes import router as imports
from app.indications.routes import router as indications
from app.mechanisms.routes import router as mechanisms
from app.products.routes import router as products
from app.publications.routes import router as publications
from app.reading import Totals
from app.releases.routes import router as releases
from app.safety_notes.routes import router as safety_notes
from app.search.index import SearchIndex
from app.search.listing import Search
from app.search.routes import router as search_routes
from app.search.service import Thesauri
from app.settings import Settings
from app.sources.routes import router as sources
from app.studies.routes import router as studies
from app.web import errors
from app.web.access import Access
from app.web.client_address import ClientAddress, TrustedProxies
from app.web.concurrency_limit import ConcurrencyLimit, ReadTurns
from app.web.cors import OpenForReading
from app.web.envelope import Envelope
from app.web.export_spool import ExportSpool
from app.web.finished import Finished
from app.web.guard import Guard
from app.web.import_runs import Imports
from app.web.limits import Limits
from app.web.metrics import Metrics
from app.web.open_answers import OpenAnswers
from app.web.openapi import TITLE
from app.web.pages import router as pages
from app.web.reader import EXPORT_CONNECTIONS, Reader
from app.web.release_runs import Releases
from app.web.service import Service
from app.web.signals import signal_of
from app.web.trail import Trail
from app.web.watch import Watch
from app.web.writer import Writer
from app.webhooks.delivering import Deliverer
from app.webhooks.progress import DELAYS, Delays
from app.webhooks.routes import router as webhooks

ROUTERS = (
    history,  # before the types, whose own addresses would take these for names
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
    search_routes,
    changes,
    conflicts,
    webhooks,
    releases,
    imports,
    pages,
)


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
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    return app
