"""The change feed in OpenAPI: its operation and its schemas."""

from app.api.http.stream_requests import EVENT_STREAM
from app.api.openapi.operations import operation, problems, ref, success
from app.api.openapi.parameters import JSON_FORMAT, PAGE_END, TEXT, TYPES_PARAMETER, Doc, query_parameter
from app.history import changes as feed
from app.history.changes import PATH
from app.query.keyset import write_cursor

CURSOR = write_cursor(feed.read_query("").asked, (1, "studies", "preempt-1"))

PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable")


def changes_operation() -> Doc:
    """Document the change feed."""
    parameters = [
        query_parameter(
            "since",
            "The last revision that you have, or a date or moment as `as_of` takes it: only later changes are told. "
            "0: all there ever were.",
            {"type": "string", "pattern": "^([0-9]{1,9}|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$", "default": "0"},
            "0",
        ),
        TYPES_PARAMETER,
        query_parameter(
            "limit",
            f"Changes a page. {PAGE_END}",
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": feed.DEFAULT_LIMIT},
            2,
        ),
        query_parameter(
            "wait",
            "Seconds to wait for a change where there is none yet.",
            {"type": "integer", "minimum": 0, "maximum": feed.LONGEST_WAIT, "default": 0},
            0,
        ),
        query_parameter("cursor", "From `next`; belongs to its query.", TEXT, CURSOR),
        JSON_FORMAT,
    ]
    stream = {
        EVENT_STREAM: {"schema": {"type": "string", "description": "`event: change`, `id:` and `data:` of each."}}
    }
    answers = success(
        ref("ChangePage"),
        "Link",
        example=f"GET {PATH}",
        description="Changes, oldest first. `revision` is what to ask `since` for when `next` is null.",
        others=stream,
    )
    return operation(
        "list_changes",
        "Follow all changes",
        "Every version of every record, in the order in which they came to be: complete, and to be resumed anywhere. "
        "With `wait` an empty page waits for a change; with `Accept: text/event-stream` changes are streamed as they "
        "come, and `Last-Event-ID` resumes.",
        parameters,
        answers | problems(*PROBLEMS),
    )
