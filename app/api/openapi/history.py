"""The history of a record in OpenAPI: three operations, the same for all types."""

from typing import get_args

from app.api.openapi.operations import operation, problems, ref, success
from app.api.openapi.parameters import TEXT, Doc, history_paging_parameters
from app.query.keyset import write_cursor
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType

EXAMPLE = RESOURCES["directions"]
PROBLEMS = ("ambiguous-name", "malformed-request", "unexpected-content", "not-found", "not-acceptable")
PATH = "/v1/{type}/{id}"


def _path_parameters() -> list[Doc]:
    types: Doc = {"type": "string", "enum": list(get_args(RecordType))}
    id_text = "The id, also of a deleted record, or any other name that a record has now."
    return [
        {"name": "type", "in": "path", "required": True, "schema": types, "example": EXAMPLE.type}
        | {"description": "The record type."},
        {"name": "id", "in": "path", "required": True, "schema": TEXT}
        | {"description": id_text, "example": EXAMPLE.example},
    ]


def _number(name: str, where: str, text: str) -> Doc:
    schema: Doc = {"type": "integer", "minimum": 1}
    return {"name": name, "in": where, "required": True, "description": text, "schema": schema, "example": 1}


def _answers(schema: str, path: str, description: str, *headers: str) -> Doc:
    return success(ref(schema), "Content-Location", *headers, example=f"GET {path}", description=description)


def versions_operation() -> Doc:
    """Document the list of a record's versions."""
    cursor = write_cursor(f"versions {EXAMPLE.type} {EXAMPLE.example}", (2,))
    return operation(
        "list_versions",
        "List a record's versions",
        "When it was changed, by whom and why; the newest first. A deleted record's last version is its deletion.",
        [*_path_parameters(), *history_paging_parameters(cursor)],
        _answers("VersionPage", f"{PATH}/versions", "A page of versions.", "Link") | problems("bad-cursor", *PROBLEMS),
    )


def version_operation() -> Doc:
    """Document reading one version of a record."""
    return operation(
        "get_version",
        "Get one version of a record",
        "The record as it was sent then, and as it was entered. It never changes.",
        [*_path_parameters(), _number("version", "path", "The number of the version.")],
        _answers("WholeVersion", f"{PATH}/versions/{{version}}", "The version.") | problems(*PROBLEMS),
    )


def diff_operation() -> Doc:
    """Document the difference between two versions."""
    text = "The number of a version; `from` may be the later one, which gives the way back."
    return operation(
        "get_diff",
        "Compare two versions of a record",
        "What turns one document into the other, as a JSON Patch (RFC 6902), and the changes that lie between them.",
        [*_path_parameters(), _number("from", "query", text), _number("to", "query", text)],
        _answers("Diff", f"{PATH}/diff", "The difference.") | problems(*PROBLEMS),
    )
