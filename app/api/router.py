"""The table of all routes of the API, in the order in which a request is matched against them.

The routes of records are made from one table for each of the ten record types. `routes/meta.py` adds the routes of the
service itself, such as `/healthz` and the documentation.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.direct_route import DirectRoute
from app.api.openapi import edits as edit_docs
from app.api.openapi import history as history_docs
from app.api.openapi import imports as import_docs
from app.api.openapi import releases as release_docs
from app.api.openapi import webhooks as webhook_docs
from app.api.openapi.changes import changes_operation
from app.api.openapi.conflicts import conflicts_operation
from app.api.openapi.operations import list_operation, record_operation
from app.api.openapi.parameters import Doc
from app.api.openapi.search import search_operation, similar_operation
from app.api.openapi.source_texts import text_operation
from app.api.openapi.synthesis import synthesis_operation
from app.api.routes import (
    changes,
    conflicts,
    edits,
    history,
    import_status,
    imports,
    meta,
    records,
    releases,
    search,
    synthesis,
    webhooks,
)
from app.api.routes.source_texts import answer_text
from app.records.registry import RESOURCES
from app.records.resource import Resource

Endpoint = Callable[[Request], Awaitable[Response]]
RecordEndpoint = Callable[[Request, Resource], Awaitable[Response]]
RecordRoute = tuple[str, str, RecordEndpoint, Callable[[Resource], Doc]]
"""A method, a path behind that of the record type, the function that answers, and the one that documents it."""

RELEASE = release_docs.release_operation() | {"status_code": 201}
REVERT = release_docs.revert_operation() | {"status_code": 201}
HISTORY = "/v1/{type}/{id:path}"
BEFORE_RECORDS = 3
"""The first of the addresses, which those of records would take for names."""
ASKED_MOST = ("studies", "mechanisms", "indications", "safety-notes", "products")
"""Types whose addresses come first: each that comes before costs a request some 0.4 microseconds."""

ROUTES: tuple[tuple[str, str, str, Endpoint, Doc], ...] = (
    # These come before the routes of records, whose `{id:path}` would match them too.
    ("history", "GET", f"{HISTORY}/versions", history.answer_versions, history_docs.versions_operation()),
    ("history", "GET", f"{HISTORY}/versions/{{version}}", history.answer_version, history_docs.version_operation()),
    ("history", "GET", f"{HISTORY}/diff", history.answer_diff, history_docs.diff_operation()),
    ("search", "GET", "/v1/search", search.answer_search, search_operation()),
    ("changes", "GET", "/v1/changes", changes.answer_changes, changes_operation()),
    ("conflicts", "GET", "/v1/conflicts", conflicts.answer_conflicts, conflicts_operation()),
    ("synthesis", "POST", "/v1/synthesis", synthesis.answer_synthesis, synthesis_operation()),
    ("webhooks", "POST", "/v1/webhooks", webhooks.answer_create, webhook_docs.CREATE),
    ("webhooks", "GET", "/v1/webhooks", webhooks.answer_list, webhook_docs.LIST),
    ("webhooks", "GET", "/v1/webhooks/{id}", webhooks.answer_one, webhook_docs.GET),
    ("webhooks", "DELETE", "/v1/webhooks/{id}", webhooks.answer_delete, webhook_docs.DELETE),
    ("webhooks", "POST", "/v1/webhooks/{id}/enable", webhooks.answer_enable, webhook_docs.ENABLE),
    ("webhooks", "POST", "/v1/webhooks/{id}/test", webhooks.answer_test, webhook_docs.TEST),
    ("releases", "GET", "/v1/releases", releases.answer_releases, release_docs.releases_operation()),
    ("releases", "POST", "/v1/releases", releases.answer_release, RELEASE),
    ("releases", "GET", "/v1/releases/{name}", releases.answer_one_release, release_docs.one_release_operation()),
    ("releases", "POST", "/v1/releases/{name}/revert", releases.answer_revert, REVERT),
    ("imports", "POST", "/v1/imports", imports.answer_start, import_docs.START),
    ("imports", "GET", "/v1/imports", import_status.answer_list, import_docs.LIST),
    ("imports", "GET", "/v1/imports/{id}", import_status.answer_one, import_docs.GET),
    ("imports", "GET", "/v1/imports/{id}/events", import_status.answer_events, import_docs.EVENTS),
    ("imports", "POST", "/v1/imports/{id}/resume", imports.answer_resume, import_docs.RESUME),
    ("imports", "DELETE", "/v1/imports/{id}", imports.answer_cancel, import_docs.CANCEL),
)

RECORD_ROUTES: tuple[RecordRoute, ...] = (
    ("GET", "", records.answer_list, list_operation),
    ("GET", "/{id:path}", records.answer_record, record_operation),
    ("POST", "", edits.answer_create, edit_docs.create_operation),
    ("PUT", "/{id}", edits.answer_replace, edit_docs.replace_operation),
    ("PATCH", "/{id}", edits.answer_patch, edit_docs.patch_operation),
    ("DELETE", "/{id}", edits.answer_delete, edit_docs.delete_operation),
    ("POST", "/{id}/restore", edits.answer_restore, edit_docs.restore_operation),
)
SIMILAR: RecordRoute = ("GET", "/{id}/similar", search.answer_similar, similar_operation)


def _endpoint(answer: RecordEndpoint, resource: Resource) -> Endpoint:
    """Bind a record type to a function that answers requests for any of them."""

    async def endpoint(request: Request) -> Response:
        return await answer(request, resource)

    return endpoint


def _router() -> APIRouter:
    router = APIRouter(route_class=DirectRoute)
    _add(router, ROUTES[:BEFORE_RECORDS])
    router.add_api_route("/v1/sources/{id}/text", answer_text, methods=["GET"], tags=["sources"], **text_operation())
    for resource in sorted(RESOURCES.values(), key=_place):
        similar = (SIMILAR,) if resource.type == "studies" else ()
        for method, rest, answer_of, document in (*similar, *RECORD_ROUTES):
            endpoint = _endpoint(answer_of, resource)
            tags: list[Any] = [resource.title]
            router.add_api_route(resource.path + rest, endpoint, methods=[method], tags=tags, **document(resource))
    _add(router, ROUTES[BEFORE_RECORDS:])
    router.routes.extend(meta.router.routes)
    return router


def _place(resource: Resource) -> int:
    return ASKED_MOST.index(resource.type) if resource.type in ASKED_MOST else len(ASKED_MOST)


def _add(router: APIRouter, addresses: Sequence[tuple[str, str, str, Endpoint, Doc]]) -> None:
    for tag, method, path, answer, documented in addresses:
        router.add_api_route(path, answer, methods=[method], tags=[tag], **documented)


router = _router()
