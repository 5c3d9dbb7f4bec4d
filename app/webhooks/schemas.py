"""The schemas of webhooks as admins enter them and as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.records.vocabularies import RecordType
from app.webhooks.signing import key_of


def _secret(value: str) -> str:
    key_of(value)
    return value


def _different(value: list[RecordType]) -> list[RecordType]:
    if len(set(value)) < len(value):
        raise ValueError("a type stands here twice")
    return value


class WebhookIn(BaseModel):
    """Who is to be told of changes."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    url: str = Field(min_length=1, max_length=2000, description="Where messages are posted to: https, on the internet.")
    types: Annotated[list[RecordType], AfterValidator(_different)] = Field(
        default_factory=list, description="Record types whose changes are told; none: every revision is."
    )
    secret: Annotated[str, AfterValidator(_secret)] | None = Field(
        None,
        repr=False,
        description="`whsec_` and the base64 of 24 to 64 random bytes; without one, one is made.",
    )


class WebhookOut(BaseModel):
    """A webhook and how far it has been told; never its secret."""

    id: str
    url: str
    types: list[RecordType] = Field(description="Record types whose changes are told; none: every revision is.")
    created_at: datetime
    created_by: str = Field(description="Name of the key that it was made with.")
    seen_revision: int = Field(description="The last revision that the receiver said it took.")
    attempts: int = Field(description="Failed ones since the last that succeeded.")
    next_attempt_at: datetime | None = Field(description="Not before this, after a failure.")
    delivered_at: datetime | None
    last_status: int | None = Field(description="HTTP status of the last answer; null where there was none.")
    last_error: str | None = Field(description="Why the last attempt failed; null where it did not.")
    disabled_at: datetime | None = Field(description="Nothing has been sent since; `enable` goes on from there.")


class WebhookCreated(WebhookOut):
    """A new webhook with its secret, which is not shown again."""

    secret: str = Field(repr=False, description="Verify signatures with it; it is not shown again.")


class WebhookPage(BaseModel):
    """All webhooks, in the order in which they were made; there are few, so this is always the last page."""

    items: Sequence[WebhookOut]
    total: int
    next: None


class WebhookTest(BaseModel):
    """What came of a `webhook.test` message."""

    delivered: bool
    status: int | None = Field(description="HTTP status of the answer; null where there was none.")
    error: str | None
    milliseconds: int
