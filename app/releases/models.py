"""The table of releases, which name revisions."""

from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base


class Release(Base):
    """A revision that has a name, and the release that it reverted, if any."""

    __tablename__ = "releases"

    name: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.revision"), unique=True)
    reverts: Mapped[str | None] = mapped_column(
        ForeignKey("releases.name"), unique=True, comment="The release that this one undid"
    )
    summary: Mapped[dict[str, Any]] = mapped_column(JSON, comment="How many records were created, updated ...")
