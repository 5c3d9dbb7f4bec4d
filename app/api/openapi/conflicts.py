"""Conflicts between records and their imported sources in OpenAPI: the operation and its schemas."""

from app.api.openapi.operations import operation, problems, ref, success
from app.api.openapi.parameters import (
    JSON_FORMAT,
    PAGE_END,
    TEXT,
    TYPES_PARAMETER,
    Doc,
    query_parameter,
    words_parameter,
)
from app.query import conflicts
from app.query.conflicts import PATH
from app.query.keyset import write_cursor
from app.query.parameters import DEFAULT_LIMIT, MAX_LIMIT
from app.store.reconciliation.precedence import RULES

CURSOR = write_cursor(conflicts.read_query("").asked, ("studies", "preempt-1", "enrolled", "ctgov-nct00156910"))
PROBLEMS = ("malformed-request", "unexpected-content", "bad-cursor", "not-acceptable")


def conflicts_operation() -> Doc:
    """Document the list of conflicts."""
    limit: Doc = {"type": "integer", "minimum": 0, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    parameters = [
        TYPES_PARAMETER,
        query_parameter("id", "Ids of records, comma-separated.", TEXT, "preempt-1"),
        query_parameter("field", "Fields of records, comma-separated.", TEXT, "enrolled"),
        query_parameter("source", "Ids of the sources that say otherwise, comma-separated.", TEXT, "article"),
        words_parameter("rule", "Rules by which the records' values stand, comma-separated.", RULES, "person-first"),
        query_parameter("limit", f"Conflicts a page. {PAGE_END}", limit, 2),
        query_parameter("cursor", "From `next`; belongs to its query.", TEXT, CURSOR),
        JSON_FORMAT,
    ]
    answers = success(
        ref("ConflictPage"),
        "Link",
        example=f"GET {PATH}",
        description="Conflicts in the order of their records.",
    )
    return operation(
        "list_conflicts",
        "List what imported sources say otherwise",
        "Where an imported source offers another value than the record has, the record's stands by a rule, and both "
        "are told here and in the record's own `conflicts`. A conflict goes when the two agree again.",
        parameters,
        answers | problems(*PROBLEMS),
    )
