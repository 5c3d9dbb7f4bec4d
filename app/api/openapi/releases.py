"""What OpenAPI says of releases."""

from app.api.http.negotiation import JSON, NDJSON, ZIP
from app.api.openapi.edits import IDEMPOTENCY_KEY, SECURED
from app.api.openapi.operations import Doc, headers, operation, problems
from app.api.openapi.parameters import PAGE_END
from app.query.keyset import write_cursor

LISTED = "releases"
"""What a cursor of the list belongs to."""
TEXT: Doc = {"type": "string"}
COUNT: Doc = {"type": "integer", "minimum": 0}
NAME: Doc = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 120}
COUNTS: Doc = {
    "type": "object",
    "required": ["created", "updated", "unchanged", "refreshed", "restored", "deleted"],
    "properties": dict.fromkeys(("created", "updated", "unchanged", "refreshed", "restored", "deleted"), COUNT),
}
FIELD: Doc = {
    "type": "object",
    "required": ["pointer"],
    "properties": {
        "pointer": {"type": "string", "description": "RFC 6901, into the record as it is entered."},
        "before": {"description": "Left out where there was no value; a long one is cut."},
        "after": {"description": "Left out where there is no value; a long one is cut."},
    },
}
RECORD: Doc = {
    "type": "object",
    "required": ["type", "id", "change"],
    "properties": {
        "type": TEXT,
        "id": TEXT,
        "change": {"type": "string", "enum": ["created", "updated", "refreshed", "deleted", "restored"]},
        "fields": {"type": "array", "items": FIELD, "description": "Of an updated record: what was entered otherwise."},
        "fields_total": COUNT,
    },
}
SAID: Doc = {
    "name": TEXT,
    "revision": {"type": ["integer", "null"], "description": "Null where nothing was changed."},
    "actor": TEXT,
    "reason": TEXT,
    "reverts": {"type": ["string", "null"], "description": "The release that this one undid."},
    "counts": COUNTS,
}
TOLD: Doc = {
    "records": {"type": "array", "items": RECORD, "description": "The first thousand."},
    "records_total": COUNT,
}
STORED: Doc = {
    **SAID,
    "at": {"type": "string", "format": "date-time"},
    "reverted_by": {"type": ["string", "null"], "description": "The release that undid this one."},
}


def _object(properties: Doc) -> Doc:
    return {"type": "object", "required": list(properties), "properties": properties}


REPORT, RELEASE, ONE = _object({**SAID, **TOLD}), _object(STORED), _object({**STORED, **TOLD})

COUNTS_EXAMPLE = {"created": 0, "updated": 1, "unchanged": 0, "refreshed": 0, "restored": 0, "deleted": 0}
SAID_EXAMPLE: Doc = {
    "name": "2027-01-labels",
    "revision": 2,
    "actor": "curator",
    "reason": "Labels of January 2027",
    "reverts": None,
    "counts": COUNTS_EXAMPLE,
}
TOLD_EXAMPLE: Doc = {
    "records": [
        {
            "type": "directions",
            "id": "refining-existing-uses",
            "change": "updated",
            "fields": [{"pointer": "/note", "before": None, "after": "Looked at again."}],
            "fields_total": 1,
        }
    ],
    "records_total": 1,
}
STORED_EXAMPLE: Doc = {**SAID_EXAMPLE, "at": "2027-01-31T12:00:00Z", "reverted_by": None}

REPORTED = {"schema": REPORT, "example": {**SAID_EXAMPLE, **TOLD_EXAMPLE}}

LINE = '{"type": "directions", "id": "refining-existing-uses", "deleted": true}\n'
BODY: Doc = {
    "required": True,
    "description": "NDJSON: one object a line, of `type` and `record`, or of `type`, `id` and `deleted`. "
    "Zip: the files of a directory that `evidence load` takes, without folders. 100 MB unless set otherwise.",
    "content": {
        NDJSON: {"schema": {"type": "string"}, "example": LINE},
        ZIP: {"schema": {"type": "string", "format": "binary"}},
    },
}

REFUSED = ("malformed-request", "forbidden", "conflict", "content-too-large", "idempotency-key-reused")


def _query(name: str, description: str, schema: Doc, example: str) -> Doc:
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


REASON = _query(
    "reason",
    "Why; kept with every version. Unless said: `release NAME`, `revert of NAME`.",
    {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": r"\S"},
    "Labels of January 2027",
)
IN_PATH: Doc = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The release's name.",
    "schema": NAME,
    "example": "2027-01-labels",
}


def _answer(status: str, description: str, content: Doc, *more: str) -> Doc:
    shown = headers(("Cache-Control", "X-Request-ID", *more))
    return {status: {"description": description, "headers": shown, "content": {JSON: content}}}


def _secured(made: Doc, body: Doc | None = None) -> Doc:
    made["openapi_extra"]["security"] = SECURED
    if body:
        made["openapi_extra"]["requestBody"] = body
    return made


def release_operation() -> Doc:
    named = _query("name", "What it is called for good; needed unless it is a preview.", NAME, "2027-01-labels")
    preview = _query(
        "preview",
        "Say what would be done, and change nothing.",
        {"type": "string", "enum": ["true", "false"], "default": "false"},
        "true",
    )
    made = operation(
        "make_release",
        "Make many changes at once, all or none, or preview them",
        "Needs the role `admin`. Everything is checked first; up to 1,000 faults are told with file, line and pointer. "
        "Readers go on reading what was there until all of it is.",
        [named, REASON, preview, IDEMPOTENCY_KEY],
        _answer("200", "What would be done; or there was nothing to do.", REPORTED)
        | _answer("201", "It is done.", REPORTED, "Location")
        | problems(*REFUSED, "unsupported-media-type", "malformed-content", "invalid-record"),
    )
    return _secured(made, BODY)


def revert_operation() -> Doc:
    named = _query("name", "What the undoing is called; else `revert-NAME`.", NAME, "back-to-december")
    made = operation(
        "revert_release",
        "Undo a release by another one",
        "Needs the role `admin`. Each record becomes what it was, as a new version. Refused with the records that "
        "stand in the way where any was changed again, or is referred to by others now.",
        [IN_PATH, named, REASON, IDEMPOTENCY_KEY],
        _answer("200", "There was nothing to undo.", REPORTED)
        | _answer("201", "It is undone.", REPORTED, "Location")
        | problems(*REFUSED, "not-found", "invalid-record"),
    )
    return _secured(made)


def releases_operation() -> Doc:
    limit = {"type": "integer", "minimum": 0, "maximum": 1000, "default": 25}
    page = _object({"items": {"type": "array", "items": RELEASE}, "total": COUNT, "next": {"type": ["string", "null"]}})
    example = {"items": [STORED_EXAMPLE], "total": 1, "next": None}
    made = operation(
        "list_releases",
        "List releases, the newest first",
        "Needs the role `admin`.",
        [
            _query("limit", f"Releases a page; 0 asks for the total alone. {PAGE_END}", limit, "10"),
            _query(
                "cursor",
                "Where the page before ended; from its `next`.",
                {"type": "string", "minLength": 1},
                write_cursor(LISTED, (2,)),
            ),
        ],
        _answer("200", "A page of releases.", {"schema": page, "example": example})
        | problems("malformed-request", "unexpected-content", "forbidden", "bad-cursor"),
    )
    return _secured(made)


def one_release_operation() -> Doc:
    made = operation(
        "get_release",
        "Get one release",
        "Needs the role `admin`. With the first thousand of its records, field by field.",
        [IN_PATH],
        _answer("200", "The release.", {"schema": ONE, "example": {**STORED_EXAMPLE, **TOLD_EXAMPLE}})
        | problems("malformed-request", "unexpected-content", "forbidden", "not-found"),
    )
    return _secured(made)
