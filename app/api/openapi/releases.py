"""Releases in OpenAPI: operations and schemas. The service answers none of them without a key, so examples are here."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from app.api.http.negotiation import JSON, NDJSON, ZIP
from app.api.openapi.answers import Answer, sometimes
from app.api.openapi.edits import IDEMPOTENCY_KEY
from app.api.openapi.operations import ModelSchema, operation, problems, ref, response, secured
from app.api.openapi.parameters import (
    FLAG,
    PAGE_END,
    TEXT,
    Doc,
    admin_paging_parameters,
    path_parameter,
    query_parameter,
)
from app.query.keyset import write_cursor

CURSOR_KIND = "releases"
"""The name that cursors of the list are made for."""
NAME: Doc = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 120}

Number = Annotated[int, Field(ge=0)]


class ChangeCounts(Answer):
    created: Number
    updated: Number
    unchanged: Number
    refreshed: Number
    restored: Number
    deleted: Number


class ChangedField(Answer):
    pointer: str = Field(description="RFC 6901, into the record as it is entered.")
    before: Any = sometimes("Left out where there was no value; a long one is cut.")
    after: Any = sometimes("Left out where there is no value; a long one is cut.")


class ReleasedRecord(Answer):
    type: str
    id: str
    change: Literal["created", "updated", "refreshed", "deleted", "restored"]
    fields: list[ChangedField] = sometimes("Of an updated record: what was entered otherwise.")
    fields_total: Number = sometimes()


class ReleaseSummary(Answer):
    name: str
    revision: int | None = Field(description="Null where nothing was changed.")
    actor: str
    reason: str
    reverts: str | None = Field(description="The release that this one undid.")
    counts: ChangeCounts


class ReleaseReport(ReleaseSummary):
    records: list[ReleasedRecord] = Field(description="The first thousand.")
    records_total: Number


class Release(ReleaseSummary):
    at: datetime
    reverted_by: str | None = Field(description="The release that undid this one.")


class WholeRelease(Release):
    records: list[ReleasedRecord] = Field(description="The first thousand.")
    records_total: Number


class ReleasePage(Answer):
    items: list[Release]
    total: Number
    next: str | None


SCHEMAS: tuple[ModelSchema, ...] = (
    (ReleaseReport, "serialization"),
    (ReleasePage, "serialization"),
    (WholeRelease, "serialization"),
)

COUNTS_EXAMPLE = {"created": 0, "updated": 1, "unchanged": 0, "refreshed": 0, "restored": 0, "deleted": 0}
SUMMARY_EXAMPLE: Doc = {
    "name": "2027-01-labels",
    "revision": 2,
    "actor": "curator",
    "reason": "Labels of January 2027",
    "reverts": None,
    "counts": COUNTS_EXAMPLE,
}
RECORDS_EXAMPLE: Doc = {
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
STORED_EXAMPLE: Doc = {**SUMMARY_EXAMPLE, "at": "2027-01-31T12:00:00Z", "reverted_by": None}

REPORT_CONTENT = {"schema": ref("ReleaseReport"), "example": {**SUMMARY_EXAMPLE, **RECORDS_EXAMPLE}}

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

PROBLEMS = ("malformed-request", "forbidden", "conflict", "content-too-large", "idempotency-key-reused")

REASON = query_parameter(
    "reason",
    "Why; kept with every version. Unless said: `release NAME`, `revert of NAME`.",
    TEXT | {"maxLength": 1000, "pattern": r"\S"},
    "Labels of January 2027",
)
NAME_IN_PATH = path_parameter("name", "The release's name.", NAME, "2027-01-labels")


def _response(status: str, description: str, content: Doc, *more_headers: str) -> Doc:
    return response(status, description, {JSON: content}, *more_headers)


def release_operation() -> Doc:
    """Document making a release."""
    named = query_parameter(
        "name", "What it is called for good; needed unless it is a preview.", NAME, "2027-01-labels"
    )
    preview = query_parameter(
        "preview",
        "Say what would be done, and change nothing.",
        FLAG,
        True,
    )
    documented = operation(
        "make_release",
        "Make many changes at once, all or none, or preview them",
        "Needs the role `admin`. Everything is checked first; up to 1,000 faults are told with file, line and pointer. "
        "Readers go on reading what was there until all of it is.",
        [named, REASON, preview, IDEMPOTENCY_KEY],
        _response("200", "What would be done; or there was nothing to do.", REPORT_CONTENT)
        | _response("201", "It is done.", REPORT_CONTENT, "Location")
        | problems(*PROBLEMS, "unsupported-media-type", "malformed-content", "invalid-record"),
    )
    return secured(documented, BODY)


def revert_operation() -> Doc:
    """Document reverting a release."""
    named = query_parameter("name", "What the undoing is called; else `revert-NAME`.", NAME, "back-to-december")
    documented = operation(
        "revert_release",
        "Undo a release by another one",
        "Needs the role `admin`. Each record becomes what it was, as a new version. Refused with the records that "
        "stand in the way where any was changed again, or is referred to by others now.",
        [NAME_IN_PATH, named, REASON, IDEMPOTENCY_KEY],
        _response("200", "There was nothing to undo.", REPORT_CONTENT)
        | _response("201", "It is undone.", REPORT_CONTENT, "Location")
        | problems(*PROBLEMS, "not-found", "invalid-record"),
    )
    return secured(documented)


def releases_operation() -> Doc:
    """Document the list of releases."""
    example = {"items": [STORED_EXAMPLE], "total": 1, "next": None}
    documented = operation(
        "list_releases",
        "List releases, the newest first",
        "Needs the role `admin`.",
        admin_paging_parameters(
            f"Releases a page; 0 asks for the total alone. {PAGE_END}", write_cursor(CURSOR_KIND, (2,))
        ),
        _response("200", "A page of releases.", {"schema": ref("ReleasePage"), "example": example})
        | problems("malformed-request", "unexpected-content", "forbidden", "bad-cursor"),
    )
    return secured(documented)


def one_release_operation() -> Doc:
    """Document reading one release."""
    documented = operation(
        "get_release",
        "Get one release",
        "Needs the role `admin`. With the first thousand of its records, field by field.",
        [NAME_IN_PATH],
        _response(
            "200", "The release.", {"schema": ref("WholeRelease"), "example": {**STORED_EXAMPLE, **RECORDS_EXAMPLE}}
        )
        | problems("malformed-request", "unexpected-content", "forbidden", "not-found"),
    )
    return secured(documented)
