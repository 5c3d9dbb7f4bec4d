"""The routes of the service itself: the service document, probes, metrics, OpenAPI, documentation and problem pages."""

from functools import lru_cache
from html import escape
from importlib import resources
from typing import Any

import orjson
from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Connection, func, select
from starlette.requests import Request
from starlette.responses import Response

from app import __version__
from app.api.http.conditional import NO_STORE, Validators, answer
from app.api.http.direct_route import DirectRoute
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_state import query_string, validators_at
from app.api.limits.rate_limit import RateLimiter
from app.api.openapi.document import AUDIENCES, TITLE, Audience, openapi_document
from app.api.openapi.operations import plain_operation, success
from app.api.openapi.parameters import query_parameter
from app.api.services import service_of
from app.common.problems import KINDS, Invalid, Problem
from app.query import pages as query_pages
from app.query.pages import DatabaseState
from app.query.parameters import Parameters, read_no_query
from app.records.registry import RESOURCES
from app.store.documents import Document
from app.store.rendering import etag_of

router = APIRouter(route_class=DirectRoute)

HTML = "text/html"
ASSETS = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "docs.js": "text/javascript"}
OWN_ONLY = {
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
}
"""The Content Security Policy of pages: they may load and request only what this service has."""


def _ok(media_type: str, schema: dict[str, Any], description: str, example: Any) -> dict[str, Any]:
    return {"200": {"description": description, "content": {media_type: {"schema": schema, "example": example}}}}


AUDIENCE = query_parameter(
    "audience",
    "For whom it is: `public` leaves out what only admins may do, and the webhooks.",
    {"type": "string", "enum": [*AUDIENCES], "default": "all"},
    "public",
)
OBJECT: dict[str, Any] = {"type": "object"}
TEXT: dict[str, Any] = {"type": "string"}


def _counts(connection: Connection) -> tuple[DatabaseState, dict[str, int]]:
    at = query_pages.now(connection)
    of_current = select(Document.type, func.count()).where(Document.until_revision.is_(None))
    rows = connection.execute(of_current.group_by(Document.type))
    return at, {row[0]: row[1] for row in rows}


def _service_document(at: DatabaseState, counts: dict[str, int], limits: RateLimiter) -> bytes:
    types = [
        {
            "type": resource.type,
            "path": resource.path,
            "total": counts.get(resource.type, 0),
            "description": (resource.out.__doc__ or "").split("\n")[0],
        }
        for resource in RESOURCES.values()
    ]
    pages = {
        "openapi": "/openapi.json",
        "docs": "/docs",
        "problems": "/problems",
        "health": "/healthz",
        "ready": "/readyz",
        "metrics": "/metrics",
    }
    about = {"title": TITLE, "version": __version__, "revision": at.revision, "changed_at": at.changed_at}
    return orjson.dumps(
        {
            **about,
            "records": types,
            "pages": pages,
            "limits": limits.published(),
            "example": "/v1/studies?indication=chronic-migraine",
        },
        option=orjson.OPT_UTC_Z,
    )


@router.get(
    "/",
    tags=["service"],
    **plain_operation(
        "get_service",
        "What is here and where",
        "The record types with their paths and totals, and the other pages.",
        success(OBJECT, example="GET /", description="The service document."),
        "not-acceptable",
    ),
)
async def get_service(request: Request) -> Response:
    """Answer with the service document."""
    require_acceptable(request, JSON)
    read_no_query(query_string(request))
    at, counts = await service_of(request).reader.run(_counts)
    return answer(request, _service_document(at, counts, service_of(request).rate_limiter), validators_at(at, request))


@router.get(
    "/healthz",
    tags=["service"],
    **plain_operation(
        "get_health",
        "Whether the process is alive",
        "Touches no database.",
        _ok(JSON, OBJECT, "It is alive.", {"status": "ok"}),
    ),
)
async def get_health(request: Request) -> Response:
    """Answer that the process is alive."""
    read_no_query(query_string(request))
    return Response(b'{"status":"ok"}', 200, NO_STORE, JSON)


@router.get(
    "/readyz",
    tags=["service"],
    **plain_operation(
        "get_readiness",
        "Whether requests can be answered",
        "503 while the database is missing, at another schema version, or does not answer.",
        _ok(JSON, OBJECT, "It is ready.", {"status": "ok", "revision": 1}),
    ),
)
async def get_readiness(request: Request) -> Response:
    """Answer with the revision of the database, or with a 503 if it cannot be read."""
    read_no_query(query_string(request))
    found = await service_of(request).reader.probe(query_pages.NOW)
    at = query_pages.certain(found)
    return Response(orjson.dumps({"status": "ok", "revision": at.revision}), 200, NO_STORE, JSON)


@router.get(
    "/metrics",
    tags=["service"],
    **plain_operation(
        "get_metrics",
        "Metrics for Prometheus",
        "Text exposition format.",
        _ok("text/plain", TEXT, "The metrics.", "evidence_revision 1.0\n"),
    ),
)
async def get_metrics(request: Request) -> Response:
    """Answer with the metrics for Prometheus; without a database those of the process alone are current."""
    read_no_query(query_string(request))
    service = service_of(request)
    try:
        at, counts = await service.reader.run(_counts)
    except Exception:
        service.metrics.revision.set(float("nan"))  # metrics are needed most when the database does not answer
    else:
        service.metrics.revision.set(at.revision)
        for type, count in counts.items():
            service.metrics.records.labels(type).set(count)
    return Response(service.metrics.page(), 200, NO_STORE | {"content-type": CONTENT_TYPE_LATEST})


@router.get(
    "/openapi.json",
    tags=["service"],
    **plain_operation(
        "get_openapi",
        "This contract",
        "OpenAPI 3.1.",
        success(OBJECT, example="GET /openapi.json", description="The document."),
        "not-acceptable",
        parameters=[AUDIENCE],
    ),
)
async def get_openapi_document(request: Request) -> Response:
    """Answer with the OpenAPI document for an audience."""
    require_acceptable(request, JSON)
    parameters = Parameters(query_string(request), ["audience", "format"])
    everybody: Audience = "all"
    audience = parameters.read("audience", _read_audience, everybody)
    parameters.read_format()
    parameters.end()
    body = _openapi_bytes(request.app, audience)
    return answer(request, body, Validators(etag_of(body), None), static=True)


@lru_cache(maxsize=8)
def _openapi_bytes(app: Any, audience: Audience) -> bytes:
    return orjson.dumps(openapi_document(app, audience))


def _read_audience(value: str) -> Audience:
    for audience in AUDIENCES:
        if audience == value:
            return audience
    raise Invalid(f"{value!r} is not an audience", AUDIENCES)


@lru_cache(maxsize=8)
def _static(name: str) -> bytes:
    return resources.files("app.api").joinpath("static", name).read_bytes()


@router.get("/docs", include_in_schema=False)
async def get_docs(request: Request) -> Response:
    """Answer with the documentation page."""
    return _page(request, _static("docs.html"), HTML)


def _page(request: Request, body: bytes, media_type: str) -> Response:
    read_no_query(query_string(request))
    validators = Validators(etag_of(body), None)
    return answer(request, body, validators, media_type=media_type, headers=OWN_ONLY, static=True)


@router.get("/favicon.ico", include_in_schema=False)
async def get_favicon(request: Request) -> Response:
    """Answer with the icon that browsers ask for."""
    return _page(request, _static("favicon.svg"), "image/svg+xml")


@router.get("/docs/{asset}", include_in_schema=False)
async def get_docs_asset(request: Request) -> Response:
    """Answer with a script or a style sheet of the documentation page."""
    name = request.path_params["asset"]
    if name not in ASSETS:
        raise Problem("not-found", f"The documentation has no {name!r}.")
    return _page(request, _static(name), ASSETS[name])


PROBLEM_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">
<h1>{title}</h1><p>HTTP status {status}, problem type <code>/problems/{kind}</code>.</p><p>{meaning}</p>
<p><a href="/problems">All problems</a>, <a href="/docs">documentation</a></p></body></html>"""

PROBLEMS_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Problems</title>
<body style="font: 1rem/1.5 system-ui; max-width: 40rem; margin: 3rem auto; padding: 0 1rem">
<h1>Problems</h1>
<p>Every error is <code>application/problem+json</code> (RFC 9457). Its <code>type</code> is one of these.</p>
<ul>{items}</ul>
<p><a href="/docs">Documentation</a></p></body></html>"""
PROBLEM_ITEM = '<li><a href="/problems/{kind}"><code>{kind}</code></a>, HTTP status {status}: {title}.</li>'


@lru_cache(maxsize=1)
def _problems() -> bytes:
    shown = sorted(KINDS.items(), key=lambda item: (item[1].status, item[0]))
    items = [PROBLEM_ITEM.format(kind=name, status=kind.status, title=escape(kind.title)) for name, kind in shown]
    return PROBLEMS_PAGE.format(items="\n".join(items)).encode()


@router.get("/problems", include_in_schema=False)
async def get_problems_page(request: Request) -> Response:
    """Answer with the page that lists all kinds of problems."""
    return _page(request, _problems(), HTML)


@router.get("/problems/{kind}", include_in_schema=False)
async def get_problem_page(request: Request) -> Response:
    """Answer with the page of one kind of problem."""
    name = request.path_params["kind"]
    if name not in KINDS:
        raise Problem("not-found", f"There is no problem type {name!r}.")
    kind = KINDS[name]
    text = {"title": escape(kind.title), "kind": name, "status": kind.status, "meaning": escape(kind.meaning)}
    return _page(request, PROBLEM_PAGE.format(**text).encode(), HTML)
