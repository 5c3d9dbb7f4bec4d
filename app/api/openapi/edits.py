"""The operations that change single records in OpenAPI."""

from app.api.http.negotiation import JSON
from app.api.http.request_body import MERGE_PATCH
from app.api.openapi.operations import example_name, examples, headers, operation, patch_name, problems, ref, secured
from app.api.openapi.parameters import FLAG, TEXT, Doc, header_parameter, path_parameter, query_parameter
from app.records.resource import Resource

ALWAYS = (
    "malformed-request",
    "forbidden",
    "conflict",
    "content-too-large",
    "idempotency-key-reused",
)
WITH_CONTENT = ("malformed-content", "unsupported-media-type", "invalid-record")
OF_ONE = ("not-found", "gone", "precondition-failed", "precondition-required")

REASON: Doc = {
    "name": "reason",
    "in": "query",
    "required": True,
    "description": "Why this is changed; kept with the version.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 1000, "pattern": r"\S"},
    "example": "As printed in table 2",
}
VALIDATE_ONLY = query_parameter(
    "validate_only", "Check everything and answer as if it were done, but change nothing.", FLAG, True
)
IDEMPOTENCY_KEY = header_parameter(
    "Idempotency-Key",
    "Names this request: sent again within 24 hours, it is answered as before and done only once. What "
    "changes nothing (`validate_only`, `preview`) is answered anew.",
    TEXT | {"maxLength": 255, "pattern": "^[!-~]+$"},
    "3f0f2c0e-6a0b-4f6e-9a57-6e6f0b8f4a55",
)
IF_MATCH = header_parameter(
    "If-Match", "The `ETag` of the record as you know it; `*`: whatever it is now. Without it: 428.", TEXT, "*"
) | {"required": True}


def _id(resource: Resource) -> Doc:
    schema = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 120}
    return path_parameter("id", "The record's id; changes go by no other name.", schema, resource.example)


def _example(name: str) -> Doc:
    shown = {"$ref": f"#/components/examples/{example_name(name)}"}
    return {"examples": {"record": shown}} if name in examples() else {}


def _whole(resource: Resource) -> Doc:
    text = "The record as it is to be entered: what is left out has its default."
    content = {"schema": ref(resource.entered.__name__), **_example(f"entered {resource.type}")}
    return {"required": True, "description": text, "content": {JSON: content}}


def _part(resource: Resource) -> Doc:
    text = (
        "JSON Merge Patch (RFC 7396) of the record as it was entered: `null` takes a field away; lists are replaced. "
        "As `application/json` it means the same."
    )
    content = {"schema": ref(patch_name(resource)), "example": {"note": "Checked against the registry."}}
    return {"required": True, "description": text, "content": {MERGE_PATCH: content, JSON: content}}


def _stored(resource: Resource, status: str, description: str, *more: str) -> Doc:
    shown = headers(("ETag", "Content-Location", "Cache-Control", "X-Request-ID", "Link", *more))
    content = {JSON: {"schema": ref(resource.out.__name__), **_example(f"GET {resource.path}/{{id}}")}}
    return {status: {"description": description, "headers": shown, "content": content}}


def _change(
    resource: Resource,
    verb: str,
    summary: str,
    description: str,
    parameters: list[Doc],
    responses: Doc,
    body: Doc | None = None,
) -> Doc:
    name = resource.singular.replace(" ", "_")
    wanted = [*parameters, REASON, VALIDATE_ONLY, IDEMPOTENCY_KEY]
    return secured(operation(f"{verb}_{name}", summary, description, wanted, responses), body)


def create_operation(resource: Resource) -> Doc:
    """Document creating a record."""
    validated = _stored(resource, "200", "With `validate_only`: the document as it would be.")
    return _change(
        resource,
        "create",
        f"Create one {resource.singular}",
        "Needs the role `editor`. The same rules hold as for all loading, and a source is needed.",
        [],
        validated | _stored(resource, "201", "The stored document.", "Location") | problems(*ALWAYS, *WITH_CONTENT),
        _whole(resource),
    )


def replace_operation(resource: Resource) -> Doc:
    """Document replacing a record (PUT)."""
    return _change(
        resource,
        "replace",
        f"Replace one {resource.singular}",
        "Needs the role `editor`. What is left out is left out of the record.",
        [_id(resource), IF_MATCH],
        _stored(resource, "200", "The stored document.") | problems(*ALWAYS, *WITH_CONTENT, *OF_ONE),
        _whole(resource),
    )


def patch_operation(resource: Resource) -> Doc:
    """Document changing parts of a record (PATCH)."""
    return _change(
        resource,
        "patch",
        f"Change parts of one {resource.singular}",
        "Needs the role `editor`. The patch is of the record as it was entered: `GET .../versions/{n}` shows it.",
        [_id(resource), IF_MATCH],
        _stored(resource, "200", "The stored document.") | problems(*ALWAYS, *WITH_CONTENT, *OF_ONE),
        _part(resource),
    )


def delete_operation(resource: Resource) -> Doc:
    """Document deleting a record."""
    example = {"id": resource.example, "type": resource.type, "deleted": True, "version": 2}
    content = {JSON: {"schema": ref("Tombstone"), "example": example}}
    shown = headers(("ETag", "Content-Location", "Cache-Control", "X-Request-ID", "Link"))
    return _change(
        resource,
        "delete",
        f"Delete one {resource.singular}",
        "Needs the role `editor`. Leaves a tombstone and all versions; refused while other records refer to it.",
        [_id(resource), IF_MATCH],
        {"200": {"description": "The tombstone.", "headers": shown, "content": content}} | problems(*ALWAYS, *OF_ONE),
    )


def restore_operation(resource: Resource) -> Doc:
    """Document restoring a deleted record."""
    return _change(
        resource,
        "restore",
        f"Bring one deleted {resource.singular} back",
        "Needs the role `editor`. As it was last entered, if the rules still allow it.",
        [_id(resource)],
        _stored(resource, "200", "The stored document.") | problems(*ALWAYS, "invalid-record", "not-found"),
    )
