"""What a running application holds, handed to its routes by the request."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from app.api.audit_buffer import Trail
from app.api.limits.open_answers import OpenAnswers
from app.api.limits.rate_limit import Limits
from app.api.limits.read_turns import ReadTurns
from app.api.metrics import Metrics
from app.database.reader_pool import Reader
from app.exports.spool_directory import ExportSpool
from app.jobs.release_supervisor import Releases
from app.jobs.supervisor import Imports
from app.query.change_waiter import Watch
from app.query.pages import Totals
from app.query.sort_position_cache import Remembered
from app.search.lists import Search
from app.settings import Settings
from app.store.writer_queue import Writer
from app.webhooks.delivery import Deliverer


@dataclass(frozen=True, slots=True)
class Service:
    settings: Settings
    reader: Reader
    totals: Totals
    search: Search
    metrics: Metrics
    writer: Writer
    limits: Limits
    trail: Trail
    watch: Watch
    streams: OpenAnswers
    turns: ReadTurns
    deliverer: Deliverer
    releases: Releases
    imports: Imports
    exports: ExportSpool
    export_answers: OpenAnswers
    remembered: Remembered = field(default_factory=Remembered)


def service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)
