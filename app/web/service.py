"""What a running application holds, handed to its routes by the request."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import Request

from app.history.remembered import Remembered
from app.reading import Totals
from app.search.listing import Search
from app.settings import Settings
from app.web.concurrency_limit import ReadTurns
from app.web.export_spool import ExportSpool
from app.web.import_runs import Imports
from app.web.limits import Limits
from app.web.metrics import Metrics
from app.web.open_answers import OpenAnswers
from app.web.reader import Reader
from app.web.release_runs import Releases
from app.web.trail import Trail
from app.web.watch import Watch
from app.web.writer import Writer
from app.webhooks.delivering import Deliverer


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
