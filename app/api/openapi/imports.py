"""Imports in OpenAPI. The service answers none of these operations without a key, so their examples are here."""

from pydantic import BaseModel

from app.api.http.negotiation import JSON, NDJSON, ZIP
from app.api.http.stream_requests import EVENT_STREAM
from app.api.openapi.edits import IDEMPOTENCY_KEY
from app.api.openapi.operations import ModelSchema, operation, problems, ref, response, secured
from app.api.openapi.parameters import (
    FLAG,
    TEXT,
    Doc,
    admin_paging_parameters,
    header_parameter,
    path_parameter,
    query_parameter,
)
from app.api.openapi.releases import NAME
from app.imports.registry import FORMATS
from app.jobs.schemas import ImportIn, ImportOut, ImportPage
from app.query.keyset import write_cursor

CURSOR_KIND = "imports"
"""The name that cursors of the list are made for."""
OCTETS, XML, GZIP = "application/octet-stream", "application/xml", "application/gzip"
TSV = "text/tab-separated-values"
UPLOAD_TYPES = (OCTETS, JSON, NDJSON, XML, "text/xml", ZIP, GZIP, "application/x-gzip", "text/plain", TSV)
"""The media types that an upload may have. The file's first bytes, not its media type, tell what it is."""

SCHEMAS: tuple[ModelSchema, ...] = (
    (ImportIn, "validation"),
    (ImportOut, "serialization"),
    (ImportPage, "serialization"),
)

_ENTERED: Doc = {"format": "ctgov", "query": "botulinum toxin", "since": "2026-01-01", "on_error": "skip"}
_SUMMARY: Doc = {
    **_ENTERED,
    "allow_older": False,
    "dry_run": False,
    "name": None,
    "reason": None,
    "id": "019d35a1c2e3f9a1c0b",
    "upload": None,
    "created_at": "2026-01-31T12:00:00Z",
    "created_by": "release manager",
    "state": "done",
    "attempt": 1,
    "started_at": "2026-01-31T12:00:01Z",
    "ended_at": "2026-01-31T12:00:09Z",
    "progress": {"pages": 1, "expected": 2, "units": 2, "refused": 1, "applied": 2},
    "problem": None,
    "release": "import-ctgov-2026-01-31",
    "resumable": False,
}
_COUNTS: Doc = {"created": 2, "updated": 0, "unchanged": 0, "refreshed": 0, "restored": 0, "deleted": 0}
_REFUSAL: Doc = {"place": "NCT00000000", "record": "", "pointer": "/design", "detail": "not known", "nearest": []}
_REPORT: Doc = {
    "format": "ctgov",
    "name": "import-ctgov-2026-01-31",
    "revision": 42,
    "stopped": False,
    "counts": _COUNTS,
    "units": {"read": 2, "applied": 1, "unchanged": 0, "skipped": 0, "refused": 1},
    "refusals": [_REFUSAL],
    "refusals_total": 1,
    "warnings": {"condition-kept-as-text": {"count": 1, "texts": ["NCT00156910: 'Muscle Spasticity'"]}},
    "conflicts": {"opened": 0, "total": 0},
    "dropped_links": 0,
}
_OUT: Doc = {**_SUMMARY, "report": _REPORT}
_QUEUED: Doc = {**_OUT, "state": "queued", "started_at": None, "ended_at": None, "progress": None, "report": None}
_QUEUED |= {"release": None}
EXAMPLES: dict[str, Doc] = {
    "ImportIn": _ENTERED,
    "ImportOut": _OUT,
    "ImportPage": {"items": [_SUMMARY], "total": 1, "next": None},
}

_REASON = TEXT | {"maxLength": 1000, "pattern": r"\S"}
_PARAMETERS = [
    query_parameter("format", "Whose records the file holds.", {"type": "string", "enum": list(FORMATS)}, "ctgov"),
    query_parameter(
        "since",
        "Units that say they were updated before this day are passed over; only `ctgov` files say so.",
        {"type": "string", "format": "date"},
        "2026-01-01",
    ),
    query_parameter(
        "on_error",
        "`stop`: one refusal, and nothing is changed; `skip`: the others are taken.",
        {"type": "string", "enum": ["stop", "skip"], "default": "stop"},
        "skip",
    ),
    query_parameter(
        "allow_older", "Take records that are older than what is stored of them; else they are skipped.", FLAG, True
    ),
    query_parameter("dry_run", "Say what would be done, and change nothing.", FLAG, True),
    query_parameter(
        "name", "What its release is called for good; else `import-FORMAT-YYYY-MM-DD[-n]`.", NAME, "trials-2026-01"
    ),
    query_parameter("reason", "Why; kept with every version.", _REASON, "Trials of January 2026"),
]
_ID = path_parameter("id", "The import's id.", TEXT, _SUMMARY["id"])
_LAST_EVENT = header_parameter(
    "Last-Event-ID",
    "The `id` of the last event that you have: it is not sent again.",
    {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "5f1c0d9a7b3e2468",
)
_BODY: Doc = {
    "required": True,
    "description": "A file as its publisher gives it, plain, gzipped or in a zip, with `format` in the address; 1 GB "
    "unless set otherwise. Or, without parameters, JSON with a query that the publisher's service is asked.",
    "content": {
        JSON: {
            "schema": {"anyOf": [ref("ImportIn"), {"type": "object", "description": "A file."}]},
            "example": _ENTERED,
        },
        **{media: {"schema": {"type": "string", "format": "binary"}} for media in UPLOAD_TYPES if media != JSON},
    },
}

_ALWAYS = ("malformed-request", "forbidden", "not-acceptable")
_WITH_CONTENT = ("content-too-large", "idempotency-key-reused", "conflict", "insufficient-storage")
_STREAM: Doc = {"schema": {"type": "string", "description": "`event: import`, `id:` and `data:`, an import, of each."}}


def _content(model: type[BaseModel], example: Doc) -> Doc:
    return {"schema": ref(model.__name__), "example": example}


def _import(status: str, description: str, example: Doc, *more_headers: str, stream: bool = False) -> Doc:
    others = {EVENT_STREAM: _STREAM} if stream else {}
    return response(status, description, {JSON: _content(ImportOut, example), **others}, *more_headers)


_ALREADY_SEEN = response("204", "It is over, and `Last-Event-ID` says that you know.", None)


START = {
    **secured(
        operation(
            "start_import",
            "Bring in what a registry or a service publishes",
            "Needs the role `admin`. It is done in the background, one at a time, and is one release: all of it or "
            "nothing, and undone by reverting that.",
            [*_PARAMETERS, IDEMPOTENCY_KEY],
            _import("202", "It waits for its turn.", _QUEUED, "Location")
            | problems(*_ALWAYS, *_WITH_CONTENT, "malformed-content", "unsupported-media-type", "invalid-record"),
        ),
        _BODY,
    ),
    "status_code": 202,
}
LIST = secured(
    operation(
        "list_imports",
        "List imports, the newest first",
        "Needs the role `admin`.",
        admin_paging_parameters(
            "Imports a page; 0 asks for the total alone.", write_cursor(CURSOR_KIND, (str(_SUMMARY["id"]),))
        ),
        response("200", "A page of imports.", {JSON: _content(ImportPage, EXAMPLES["ImportPage"])})
        | problems(*_ALWAYS, "unexpected-content", "bad-cursor"),
    )
)
GET = secured(
    operation(
        "get_import",
        "Get one import",
        "Needs the role `admin`. With its report, once there is one; with `Accept: text/event-stream` it is followed "
        "as at `/events`. `progress` is as of half a second ago, and null where the import is run by a service that "
        "keeps it in another folder than this one.",
        [_ID, _LAST_EVENT],
        _import("200", "The import.", _OUT, stream=True)
        | _ALREADY_SEEN
        | problems(*_ALWAYS, "unexpected-content", "not-found"),
    )
)
EVENTS = secured(
    operation(
        "follow_import",
        "Follow one import",
        "Needs the role `admin`. Server-sent events: the import each time that it has changed, and for the last time "
        "when it is over.",
        [_ID, _LAST_EVENT],
        response("200", "Its changes as they come.", {EVENT_STREAM: _STREAM})
        | _ALREADY_SEEN
        | problems(*_ALWAYS, "unexpected-content", "not-found"),
    )
)
RESUME = {
    **secured(
        operation(
            "resume_import",
            "Go on with an import that was interrupted or failed",
            "Needs the role `admin`. What was sent is read again; what was fetched is not fetched again. It is kept "
            "for a week, of the newest twenty.",
            [_ID, IDEMPOTENCY_KEY],
            _import("202", "It waits for its turn again.", {**_QUEUED, "attempt": 2}, "Location")
            | problems(*_ALWAYS, *_WITH_CONTENT, "not-found"),
        )
    ),
    "status_code": 202,
}
CANCEL = secured(
    operation(
        "cancel_import",
        "Cancel an import",
        "Needs the role `admin`. Nothing of it is kept, and nothing was changed; one that is done is undone by "
        "reverting its release.",
        [_ID],
        _import("200", "It is cancelled.", {**_QUEUED, "state": "cancelled", "ended_at": "2026-01-31T12:00:05Z"})
        | _import("202", "It is about to end; look again.", {**_QUEUED, "state": "writing"})
        | problems(*_ALWAYS, "content-too-large", "conflict", "not-found"),
    )
)
