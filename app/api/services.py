"""The objects that one running application shares between its requests, and how a route gets at them."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from app.api.audit_buffer import AuditBuffer
from app.api.limits.open_answers import OpenAnswers
from app.api.limits.rate_limit import RateLimiter
from app.api.limits.read_turns import ReadTurns
from app.api.metrics import Metrics
from app.database.reader_pool import Reader
from app.exports.spool_directory import ExportSpool
from app.jobs.supervisor import JobSupervisor
from app.query.change_waiter import ChangeWaiter
from app.query.pages import Totals
from app.query.sort_position_cache import SortPositionCache
from app.search.lists import Search
from app.settings import Settings
from app.store.writer_queue import Writer
from app.webhooks.delivery import Deliverer


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that routes need beside the request itself; `app.main.create_app` makes one for each application."""

    settings: Settings
    reader: Reader
    totals: Totals
    search: Search
    metrics: Metrics
    writer: Writer
    rate_limiter: RateLimiter
    audit_buffer: AuditBuffer
    change_waiter: ChangeWaiter
    open_streams: OpenAnswers
    read_turns: ReadTurns
    deliverer: Deliverer
    jobs: JobSupervisor
    exports: ExportSpool
    open_exports: OpenAnswers
    sort_positions: SortPositionCache = field(default_factory=SortPositionCache)


def service_of(request: Request) -> Service:
    """Return the `Service` of the application that answers a request."""
    return cast(Service, request.app.state.service)
