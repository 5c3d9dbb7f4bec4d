"""Webhooks in OpenAPI. The service answers none of these operations without a key, so their examples are here."""

from pydantic import BaseModel

from app.api.http.negotiation import JSON
from app.api.openapi.edits import IDEMPOTENCY_KEY
from app.api.openapi.operations import ModelSchema, operation, problems, ref, secured
from app.api.openapi.parameters import TEXT, Doc, path_parameter
from app.webhooks.schemas import WebhookCreated, WebhookIn, WebhookOut, WebhookPage, WebhookTest

SCHEMAS: tuple[ModelSchema, ...] = (
    (WebhookIn, "validation"),
    (WebhookOut, "serialization"),
    (WebhookCreated, "serialization"),
    (WebhookPage, "serialization"),
    (WebhookTest, "serialization"),
)

_ENTERED: Doc = {"url": "https://example.org/hooks/evidence", "types": ["studies", "safety-notes"]}
_WEBHOOK: Doc = {
    "id": "3f9a1c0b7e52",
    **_ENTERED,
    "created_at": "2026-01-31T12:00:00Z",
    "created_by": "release manager",
    "seen_revision": 41,
    "attempts": 0,
    "next_attempt_at": None,
    "delivered_at": "2026-01-31T12:05:00Z",
    "last_status": 204,
    "last_error": None,
    "disabled_at": None,
}
_CREATED: Doc = {
    **_WEBHOOK,
    "delivered_at": None,
    "last_status": None,
    "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}
_TESTED: Doc = {"delivered": False, "status": 500, "error": "answered 500", "milliseconds": 83}
EXAMPLES: dict[str, Doc] = {
    "WebhookIn": _ENTERED,
    "WebhookOut": _WEBHOOK,
    "WebhookCreated": _CREATED,
    "WebhookPage": {"items": [_WEBHOOK], "total": 1, "next": None},
    "WebhookTest": _TESTED,
}

_ID = path_parameter("id", "The webhook's id.", TEXT, _WEBHOOK["id"])
_ALWAYS = ("malformed-request", "unauthorized", "forbidden", "not-acceptable", "slow-down", "quota-spent")
_WITH_CONTENT = ("content-too-large", "malformed-content", "unsupported-media-type", "invalid-record", "conflict")


def _content(model: type[BaseModel]) -> Doc:
    name = model.__name__
    return {JSON: {"schema": ref(name), "example": EXAMPLES[name]}}


def _answers(status: int, description: str, model: type[BaseModel] | None) -> Doc:
    content = {"content": _content(model)} if model else {}
    return {str(status): {"description": description, **content}}


def _operation(
    name: str, summary: str, description: str, answers: Doc, *wanted: str, of_one: bool = True, once: bool = False
) -> Doc:
    """Document an operation that needs the role `admin`.

    `of_one`: its path names a webhook; `once`: it honours `Idempotency-Key`.
    """
    kinds = (*wanted, *_ALWAYS, *(("not-found",) if of_one else ()))
    named = [IDEMPOTENCY_KEY] if once else []
    parameters = [*([_ID] if of_one else []), *named]
    return secured(operation(name, summary, description, parameters, answers | problems(*kinds)))


def _create() -> Doc:
    documented = _operation(
        "create_webhook",
        "Have a receiver told of changes",
        "Each later revision is told in a `revision.committed` message, signed by Standard Webhooks "
        "(standardwebhooks.com), in order and at least once: `webhook-id` is the same however often one is sent.",
        _answers(201, "The webhook, with its secret, which is not shown again.", WebhookCreated),
        *_WITH_CONTENT,
        "idempotency-key-reused",
        of_one=False,
        once=True,
    )
    return secured(documented, {"required": True, "content": _content(WebhookIn)})


CREATE = _create()
LIST = _operation(
    "list_webhooks",
    "List webhooks",
    "All of them, in the order in which they were made.",
    _answers(200, "The webhooks.", WebhookPage),
    "unexpected-content",
    of_one=False,
)
GET = _operation(
    "get_webhook",
    "Get one webhook",
    "How far it has been told, and what came of the last attempt.",
    _answers(200, "The webhook.", WebhookOut),
    "unexpected-content",
)
DELETE = _operation(
    "delete_webhook",
    "Delete a webhook",
    "Nothing more is sent.",
    _answers(204, "It is deleted.", None),
    "content-too-large",
    "idempotency-key-reused",
    once=True,
)
ENABLE = _operation(
    "enable_webhook",
    "Enable a webhook again",
    "A webhook is disabled when its receiver answers 410, or fails for three days. It goes on from what it was last "
    "told, at once; for one that waits after a failure the wait is over.",
    _answers(200, "The webhook.", WebhookOut),
    "content-too-large",
    "idempotency-key-reused",
    once=True,
)
TEST = _operation(
    "test_webhook",
    "Send a test message",
    "Posts a `webhook.test` message now and tells what came of it; no other message waits for it or is lost.",
    _answers(200, "What came of it.", WebhookTest),
    "content-too-large",
)
