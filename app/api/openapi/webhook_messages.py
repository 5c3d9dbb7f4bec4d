"""The messages that webhooks receive, as models for OpenAPI's `webhooks`; `app.webhooks.messages` writes them."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from app.api.http.negotiation import JSON
from app.api.openapi.answers import Answer
from app.api.openapi.operations import ModelSchema, ref
from app.api.openapi.parameters import TEXT, Doc


class CommittedRevision(Answer):
    revision: int = Field(description="All its changes came at once.")
    at: datetime
    actor: str = Field(description="Whose key it was, by its name or by a pseudonym that stands for it.")
    reason: str
    counts: dict[str, dict[str, int]] = Field(description="Changed records by type and kind of change.")
    changes: str = Field(description="Path of the change feed, where the changes are.")


class RevisionMessage(Answer):
    """A revision was committed."""

    type: Literal["revision.committed"]
    timestamp: datetime
    data: CommittedRevision


class TestedWebhook(Answer):
    webhook: str = Field(description="Id of the webhook.")


class TestMessage(Answer):
    """A message that an admin asked for, to test a receiver."""

    type: Literal["webhook.test"]
    timestamp: datetime
    data: TestedWebhook


SCHEMAS: tuple[ModelSchema, ...] = ((RevisionMessage, "serialization"), (TestMessage, "serialization"))

_TIME = "2026-01-31T12:00:00Z"
_REVISION: Doc = {
    "type": "revision.committed",
    "timestamp": _TIME,
    "data": {
        "revision": 42,
        "at": _TIME,
        "actor": "curator",
        "reason": "As printed in table 2",
        "counts": {"studies": {"updated": 1}, "mechanisms": {"refreshed": 2}},
        "changes": "/v1/changes?since=41",
    },
}
_TEST: Doc = {"type": "webhook.test", "timestamp": _TIME, "data": {"webhook": "3f9a1c0b7e52"}}


def _header(name: str, description: str, example: str) -> Doc:
    found: Doc = {"name": name, "in": "header", "required": True, "schema": TEXT}
    return found | {"description": description, "example": example}


_HEADERS = [
    _header("webhook-id", "The same however often a message is sent.", "msg_x_42_3f9a1c0b7e52"),
    _header("webhook-timestamp", "When this attempt was made, in seconds since 1970.", "1769860800"),
    _header(
        "webhook-signature", "By Standard Webhooks, with the webhook's secret.", "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9"
    ),
]
_ANSWERS = {
    "2XX": {"description": "The message was taken; any other answer is a failure, and it is sent again."},
    "410": {"description": "The webhook is disabled."},
}


def _message(name: str, summary: str, description: str, schema: str, example: Doc) -> Doc:
    body = {"required": True, "content": {JSON: {"schema": ref(schema), "example": example}}}
    about = {"operationId": name, "tags": ["webhooks"], "summary": summary, "description": description, "security": []}
    return {"post": {**about, "parameters": _HEADERS, "requestBody": body, "responses": _ANSWERS}}


WEBHOOKS: Doc = {
    "revision.committed": _message(
        "on_revision_committed",
        "A revision was committed",
        "Sent once for each revision that changed a type of the webhook, in order and at least once.",
        "RevisionMessage",
        _REVISION,
    ),
    "webhook.test": _message("on_webhook_test", "A test", "Sent when an admin asks for it.", "TestMessage", _TEST),
}
