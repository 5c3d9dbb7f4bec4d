"""What a running application holds, handed to its routes by the request."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request

from app.reading import Totals
from app.search.listing import Search
from app.settings import Settings
from app.web.limits import Limits
from app.web.metrics import Metrics
from app.web.reader import Reader
from app.web.release_runs import Releases
from app.web.trail import Trail
from app.web.watch import Watch
from app.web.writer import Writer


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
    releases: Releases


def service_of(request: Request) -> Service:
    return cast(Service, request.app.state.service)
