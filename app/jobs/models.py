"""The table of imports that were requested over HTTP. Those that still wait are only in the queue folder."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, false
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.jobs.vocabulary import OnError, RunState
from app.records.fields import word


class ImportRun(Base):
    """One import. Its outcome is written in the transaction of the import itself, so both are committed or neither."""

    __tablename__ = "imports"
    __table_args__ = (
        CheckConstraint("attempt >= 1", name="attempt"),
        Index("ix_imports_place", "place", "state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, comment="Sorts by the moment in which it was asked for")
    place: Mapped[str] = mapped_column(comment="The folder that keeps what it needs: who shares it may judge it")
    attempt: Mapped[int] = mapped_column(comment="Who goes on from an older one may not end it")
    state: Mapped[RunState] = mapped_column(word("state", RunState))
    format: Mapped[str]
    query: Mapped[str | None]
    since: Mapped[str | None]
    on_error: Mapped[OnError] = mapped_column(word("on_error", OnError))
    allow_older: Mapped[bool] = mapped_column(server_default=false())
    dry_run: Mapped[bool]
    name: Mapped[str | None] = mapped_column(comment="Of its release; nothing: made from the format and the day")
    reason: Mapped[str | None]
    upload_bytes: Mapped[int | None] = mapped_column(BigInteger)
    upload_sha256: Mapped[str | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    problem: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    release: Mapped[str | None] = mapped_column(comment="Nothing where nothing was changed")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
