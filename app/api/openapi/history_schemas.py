"""What OpenAPI says of the shapes of history."""

from typing import Any, get_args

from app.store.documents import Change

Doc = dict[str, Any]

_TOLD: Doc = {
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


def _object(what: str, properties: Doc) -> Doc:
    return {"type": "object", "description": what, "required": list(properties), "properties": properties}


VERSION = _object(
    "One version of a record.",
    {
        **_TOLD,
        "etag": {"type": "string", "description": "Hash of the document as it was sent."},
        "href": {"type": "string", "description": "Path of this version."},
    },
)
VERSION_PAGE = _object(
    "A page of versions.",
    {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Version"}},
        "total": {"type": "integer", "minimum": 1, "description": "How many versions there are."},
        "next": {"type": ["string", "null"], "description": "Path of the next page; null on the last."},
    },
)
WHOLE_VERSION = _object(
    "One version of a record, whole.",
    {
        **_TOLD,
        "document": {
            "type": ["object", "null"],
            "description": "As it was sent; null where this version is a deletion. The type's shape, as it was then.",
        },
        "entered": {"type": ["object", "null"], "description": "As it was entered; null where nothing was."},
    },
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
DIFF = _object(
    "What turns one version of a record into another.",
    {
        "from": {"type": "integer", "minimum": 1},
        "to": {"type": "integer", "minimum": 1},
        "patch": {"type": "array", "items": {"$ref": "#/components/schemas/PatchOperation"}},
        "reasons": {
            "type": "array",
            "description": "The changes after the earlier and up to the later of the two, the oldest first.",
            "items": _object("A change.", _TOLD),
        },
    },
)
OF_HISTORY: Doc = {
    "Version": VERSION,
    "VersionPage": VERSION_PAGE,
    "WholeVersion": WHOLE_VERSION,
    "PatchOperation": OPERATION,
    "Diff": DIFF,
}
