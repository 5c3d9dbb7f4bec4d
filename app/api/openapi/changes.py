"""What OpenAPI says of the change feed."""

from typing import Any

from app.api.http.stream_requests import EVENT_STREAM
from app.api.openapi.operations import operation, problems, success
from app.api.openapi.parameters import PAGE_END
from app.history import changes as feed
from app.history.changes import PATH
from app.query.keyset import write_cursor
from app.query.parameters import TYPES

CURSOR = write_cursor(feed.read_query("").asked, (1, "studies", "preempt-1"))

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable")


def _parameter(name: str, description: str, schema: dict[str, Any], example: object) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema, "example": example}


def changes_operation() -> dict[str, Any]:
    types = "|".join(TYPES)
    parameters = [
        _parameter(
            "since",
            "The last revision that you have, or a date or moment as `as_of` takes it: only later changes are told. "
            "0: all there ever were.",
            {"type": "string", "pattern": "^([0-9]{1,9}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$", "default": "0"},
            "0",
        ),
        _parameter(
            "type",
            "Record types, comma-separated; all of them unless said.",
            {"type": "string", "pattern": f"^({types})(,({types}))*$"},
            "studies,publications",
        ),
        _parameter(
            "limit",
            f"Changes a page. {PAGE_END}",
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": feed.DEFAULT_LIMIT},
            2,
        ),
        _parameter(
            "wait",
            "Seconds to wait for a change where there is none yet.",
            {"type": "integer", "minimum": 0, "maximum": feed.LONGEST_WAIT, "default": 0},
            0,
        ),
        _parameter("cursor", "From `next`; belongs to its query.", {"type": "string", "minLength": 1}, CURSOR),
        _parameter("format", "The format of the answer.", {"type": "string", "enum": ["json"]}, "json"),
    ]
    stream = {
        EVENT_STREAM: {"schema": {"type": "string", "description": "`event: change`, `id:` and `data:` of each."}}
    }
    answers = success(
        {"$ref": "#/components/schemas/ChangePage"},
        "Link",
        example=f"GET {PATH}",
        description="Changes, oldest first. `revision` is what to ask `since` for when `next` is null.",
        others=stream,
    )
    made = operation(
        "list_changes",
        "Follow all changes",
        "Every version of every record, in the order in which they came to be: complete, and to be resumed anywhere. "
        "With `wait` an empty page waits for a change; with `Accept: text/event-stream` changes are streamed as they "
        "come, and `Last-Event-ID` resumes.",
        parameters,
        answers | problems(*PROBLEMS),
    )
    return made


CHANGE: dict[str, Any] = {
    "type": "object",
    "required": ["revision", "at", "actor", "reason", "type", "id", "version", "change", "fields", "href"],
    "properties": {
        "revision": {"type": "integer", "description": "All changes of one revision came at once."},
        "at": {"type": "string", "format": "date-time"},
        "actor": {
            "type": "string",
            "description": "Whose key it was, by its name or by a pseudonym that stands for it.",
        },
        "reason": {"type": "string"},
        "type": {"type": "string", "enum": list(TYPES)},
        "id": {"type": "string"},
        "version": {"type": "integer", "minimum": 1},
        "change": {
            "type": "string",
            "enum": ["created", "updated", "refreshed", "deleted", "restored"],
            "description": "`refreshed`: a record that this one shows has changed. `deleted`: a tombstone.",
        },
        "fields": {
            "type": ["array", "null"],
            "items": {"type": "string"},
            "description": "Fields of the document that differ from the version before; null where it is new or gone.",
        },
        "href": {"type": "string", "description": "Path of this version."},
    },
}
CHANGE_PAGE: dict[str, Any] = {
    "type": "object",
    "required": ["items", "next", "revision"],
    "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Change"}},
        "next": {"type": ["string", "null"], "description": "Path of the next page; null on the last."},
        "revision": {"type": "integer", "description": "All changes up to this one are told when `next` is null."},
    },
}
