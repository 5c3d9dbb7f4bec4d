"""Documents: each record's public JSON, rendered once a change and kept in every version.

The table is at once what readers get (the versions with no end) and the history. `database_state` holds the one
revision counter: it moves with every commit that changes data, and its row is the writers' lock.
"""

import threading
from datetime import datetime
from typing import Literal

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    TypeDecorator,
    and_,
    or_,
)
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column
from zstandard import ZstdCompressor, ZstdDecompressor

from app.database.engine import Base
from app.records.fields import RecordType, Slug, word

_FRAME = b"\x28\xb5\x2f\xfd"
"""What every zstd frame begins with, and no JSON."""
SHORTEST_PACKED = 500
_own = threading.local()


def packed(value: bytes) -> bytes:
    """What is packed already stays as it is."""
    if len(value) < SHORTEST_PACKED or value[:4] == _FRAME:
        return value
    if not hasattr(_own, "packer"):
        _own.packer = ZstdCompressor(level=1)
    return bytes(_own.packer.compress(value))


def unpacked(value: bytes) -> bytes:
    return ZstdDecompressor().decompress(value) if value[:4] == _FRAME else value


class Packed(TypeDecorator[bytes]):
    """JSON that is rarely read: a fifth of its size. What was stored before it was packed is read as it is."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else packed(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else unpacked(value)


Change = Literal["created", "updated", "refreshed", "deleted", "restored"]
"""`refreshed`: nothing was entered, but a record that this document shows has changed. `deleted`: a tombstone, which
ends where it begins, so that it is never what a reader gets."""


class State(Base):
    __tablename__ = "database_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), CheckConstraint("revision >= 0", name="revision"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]
    changed_at: Mapped[datetime]
    epoch: Mapped[str] = mapped_column(comment="Random; tells this database from another with equal revisions")
    loaded: Mapped[str | None] = mapped_column(comment="Digest of the files last loaded")
    shapes: Mapped[str | None] = mapped_column(comment="Digest of the shapes that the documents were rendered by")


class Revision(Base):
    __tablename__ = "revisions"

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    committed_at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]


class Document(Base):
    __tablename__ = "documents"
    __table_args__ = (
        ForeignKeyConstraint(["type", "id"], ["records.type", "records.id"]),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint(
            "until_revision > revision AND change <> 'deleted' OR until_revision = revision AND change = 'deleted'",
            name="ends_later",
        ),
        Index("ix_documents_revision", "revision", "type", "id"),
        Index(
            "uq_documents_current",
            "type",
            "id",
            unique=True,
            sqlite_where=sql("until_revision IS NULL"),
            postgresql_where=sql("until_revision IS NULL"),
        ),
    )

    type: Mapped[RecordType] = mapped_column(word("type", RecordType), primary_key=True)
    id: Mapped[Slug] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[Change] = mapped_column(word("change", Change))
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.revision"))
    until_revision: Mapped[int | None] = mapped_column(ForeignKey("revisions.revision"))
    etag: Mapped[str] = mapped_column(comment="Hash of the body")
    body: Mapped[bytes] = mapped_column(LargeBinary)
    entered: Mapped[bytes | None] = mapped_column(Packed, comment="The record as it was entered; none if refreshed")


def valid_at(revision: int | None) -> ColumnElement[bool]:
    """The versions that readers get, or got when a revision was the newest."""
    if revision is None:
        return Document.until_revision.is_(None)
    unended = or_(Document.until_revision.is_(None), Document.until_revision > revision)
    return and_(Document.revision <= revision, unended)
