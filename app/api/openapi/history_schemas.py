"""The schemas of a record's history in OpenAPI."""

from typing import get_args

from app.api.openapi.operations import object_schema, ref
from app.api.openapi.parameters import Doc
from app.store.documents import Change

_CHANGE_FIELDS: Doc = {
    "version": {"type": "integer", "minimum": 1, "description": "Counts the record's versions from 1 on."},
    "change": {
        "type": "string",
        "enum": list(get_args(Change)),
        "description": "`refreshed`: nothing was entered, but a record that this one shows has changed.",
    },
    "revision": {"type": "integer", "minimum": 1, "description": "Counts the database's changes."},
    "at": {"type": "string", "format": "date-time", "description": "Since when it was to be seen."},
    "actor": {"type": "string", "description": "Who changed it, by name or by a pseudonym."},
    "reason": {"type": "string", "description": "Why, as it was given."},
}


VERSION = object_schema(
    {
        **_CHANGE_FIELDS,
        "etag": {"type": "string", "description": "Hash of the document as it was sent."},
        "href": {"type": "string", "description": "Path of this version."},
    },
    "One version of a record.",
)
VERSION_PAGE = object_schema(
    {
        "items": {"type": "array", "items": ref("Version")},
        "total": {"type": "integer", "minimum": 1, "description": "How many versions there are."},
        "next": {"type": ["string", "null"], "description": "Path of the next page; null on the last."},
    },
    "A page of versions.",
)
WHOLE_VERSION = object_schema(
    {
        **_CHANGE_FIELDS,
        "document": {
            "type": ["object", "null"],
            "description": "As it was sent; null where this version is a deletion. The type's shape, as it was then.",
        },
        "entered": {"type": ["object", "null"], "description": "As it was entered; null where nothing was."},
    },
    "One version of a record, whole.",
)
OPERATION = {
    "type": "object",
    "description": "One operation of a JSON Patch (RFC 6902).",
    "required": ["op", "path"],
    "properties": {
        "op": {"type": "string", "enum": ["add", "remove", "replace"]},
        "path": {"type": "string", "description": "JSON pointer (RFC 6901)."},
        "value": {"description": "Not with `remove`."},
    },
}
DIFF = object_schema(
    {
        "from": {"type": "integer", "minimum": 1},
        "to": {"type": "integer", "minimum": 1},
        "patch": {"type": "array", "items": ref("PatchOperation")},
        "reasons": {
            "type": "array",
            "description": "The changes after the earlier and up to the later of the two, the oldest first.",
            "items": object_schema(_CHANGE_FIELDS, "A change."),
        },
    },
    "What turns one version of a record into another.",
)
HISTORY_SCHEMAS: Doc = {
    "Version": VERSION,
    "VersionPage": VERSION_PAGE,
    "WholeVersion": WHOLE_VERSION,
    "PatchOperation": OPERATION,
    "Diff": DIFF,
}
