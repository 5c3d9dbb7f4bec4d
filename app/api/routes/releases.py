"""Releases over HTTP: making, previewing and reverting them, and reading them.

The content of a request is written to a temporary file, which a worker process reads (`app.jobs.supervisor`).
"""

from tempfile import TemporaryFile

import orjson
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE
from app.api.http.negotiation import JSON, NDJSON, ZIP
from app.api.http.request_body import read_content, receive, require_type
from app.api.http.request_state import query_string
from app.api.middleware.authentication import require_role, who_of
from app.api.openapi.releases import CURSOR_KIND
from app.api.routes.admin_requests import cursor_position, read_page_query
from app.api.routes.edits import read_reason
from app.api.routes.idempotency import idempotency_of, response_of
from app.api.services import service_of
from app.auth.audit import Who
from app.common.problems import Invalid, not_found, parameter_fault
from app.common.suggestions import nearest
from app.editing.idempotency import Asked, Given, given, replayed
from app.jobs.release_job import ReleaseJob
from app.query.keyset import write_cursor
from app.query.page_budget import cut
from app.query.pages import Page
from app.query.parameters import Parameters, read_boolean, read_no_query
from app.releases import summary
from app.releases.revert import revert_name, revertible
from app.releases.service import LONGEST_NAME, ReleaseRequest, is_name, refuse_taken


def read_name(value: str) -> str:
    """Return a name of a release; raise `Invalid` if it is none."""
    if not is_name(value):
        raise Invalid(f"a name is words of a-z and 0-9 joined by hyphens, at most {LONGEST_NAME} characters")
    return value


def _read_release_query(raw: str, who: Who) -> tuple[ReleaseRequest, bool]:
    """Return the release that parameters describe, and whether to preview it; raise a `Problem` (422) for faults."""
    parameters = Parameters(raw, ["name", "reason", "preview"])
    preview = parameters.read("preview", read_boolean, False)
    name = parameters.read("name", read_name, "preview" if preview else "")
    reason = parameters.read("reason", read_reason, f"release {name}")
    if not preview and not parameters.all("name"):
        parameters.faults.append(parameter_fault("name", "name is needed: what the release is called for good."))
    parameters.end()
    return ReleaseRequest(name, reason, who), preview


async def answer_release(request: Request) -> Response:
    """Answer a request that makes a release, or previews it."""
    identity = require_role(request, "admin")
    release, preview = _read_release_query(query_string(request), who_of(request.scope))
    require_type(request, NDJSON, ZIP)
    service = service_of(request)
    with TemporaryFile(prefix="evidence-") as file:  # it has no name, so nothing is left of it
        content = await receive(request, service.settings.max_release_bytes, file)
        asked = idempotency_of(request, identity, content.encode())
        file.seek(0)
        return response_of(await service.jobs.release(ReleaseJob(release, asked, preview), file))


async def answer_revert(request: Request) -> Response:
    """Answer a request that reverts a release by another one."""
    identity = require_role(request, "admin")
    parameters, name = Parameters(query_string(request), ["name", "reason"]), request.path_params["name"]
    by = parameters.read("name", read_name, revert_name(name))
    reason = parameters.read("reason", read_reason, f"revert of {name}")
    parameters.end()
    await read_content(request, 0)
    service, release = service_of(request), ReleaseRequest(by, reason, who_of(request.scope), reverts=name)
    asked = idempotency_of(request, identity, b"")
    before = await service.reader.run(_before_reverting, release, asked)
    with TemporaryFile(prefix="evidence-") as nothing:
        return response_of(before or await service.jobs.release(ReleaseJob(release, asked), nothing))


def _before_reverting(connection: Connection, release: ReleaseRequest, asked: Asked | None) -> Given | None:
    """Return the answer to the same request if there is one; raise a `Problem` if the release cannot be reverted.

    The worker checks the same, but to start its process takes a second.
    """
    before = given(connection, asked) if asked else None
    if before is not None:
        return replayed(before)
    revertible(connection, release.reverts or "")
    refuse_taken(connection, release.name)
    return None


def _page(connection: Connection, limit: int, before: int | None, most_bytes: int) -> bytes:
    total = summary.count(connection)
    if not limit:
        return Page([], total, None).body()
    items = summary.list_releases(connection, before=before, limit=limit + 1)
    shown = cut(((orjson.dumps(item), item["revision"]) for item in items), limit, most_bytes)
    cursor = write_cursor(CURSOR_KIND, (shown.rows[-1][1],)) if shown.is_more else ""
    next = f"/v1/releases?limit={limit}&cursor={cursor}" if shown.is_more else None
    return Page([row[0] for row in shown.rows], total, next).body()


def _position(value: str) -> int:
    return cursor_position(CURSOR_KIND, value, int)


async def answer_releases(request: Request) -> Response:
    """Answer with a page of releases, the newest first."""
    require_role(request, "admin")
    limit, before = read_page_query(request, _position)
    service = service_of(request)
    body = await service.reader.run(_page, limit, before, service.settings.page_bytes)
    return Response(body, 200, NO_STORE, JSON)


def _one(connection: Connection, name: str) -> bytes:
    release = summary.find_release(connection, name)
    if release is None:
        near = [f"/v1/releases/{other}" for other in nearest(name, summary.names(connection))]
        raise not_found(f"There is no release {name!r}.", near)
    records, total = summary.changed_records(connection, release["revision"])
    return orjson.dumps({**release, "records": records, "records_total": total})


async def answer_one_release(request: Request) -> Response:
    """Answer with one release and the first of its records."""
    require_role(request, "admin")
    read_no_query(query_string(request))
    body = await service_of(request).reader.run(_one, request.path_params["name"])
    return Response(body, 200, NO_STORE, JSON)
