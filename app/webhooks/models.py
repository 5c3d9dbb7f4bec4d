"""The table of webhooks: where messages go, how far each receiver was served, and when to try again."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base


class Webhook(Base):
    """A webhook with its delivery state.

    `seen_revision` moves only after the receiver has acknowledged the message, so messages arrive at least once and in
    order.
    """

    __tablename__ = "webhooks"
    __table_args__ = (CheckConstraint("attempts >= 0", name="attempts"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    secret: Mapped[str] = mapped_column(comment="Signs what is sent, so it has to be kept as it is")
    types: Mapped[list[str]] = mapped_column(JSON, comment="Record types told of; empty: all")
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    seen_revision: Mapped[int]
    attempts: Mapped[int] = mapped_column(comment="Failed ones since the last that succeeded")
    next_attempt_at: Mapped[datetime | None]
    claimed_until: Mapped[datetime | None] = mapped_column(comment="A process is delivering; after this, another may")
    delivered_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    last_error: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
