"""Documents: the public JSON of each record, rendered at each change, with all versions kept.

One table serves readers (the versions without an end) and is the history. `database_state` holds the database's one
revision counter, which every commit that changes data increases; its row is also the lock of the writers.
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
from app.records.fields import Slug, word
from app.records.vocabularies import RecordType

_FRAME = b"\x28\xb5\x2f\xfd"
"""The magic number at the start of a zstd frame (RFC 8878); no JSON begins so."""
MIN_COMPRESSED = 500
"""Bytes. Shorter values are stored uncompressed."""
_thread_local = threading.local()


def compress(value: bytes) -> bytes:
    """Compress JSON with zstd. Short values and values that are compressed already are returned unchanged."""
    if len(value) < MIN_COMPRESSED or value[:4] == _FRAME:
        return value
    if not hasattr(_thread_local, "packer"):
        _thread_local.packer = ZstdCompressor(level=1)
    return bytes(_thread_local.packer.compress(value))


def decompress(value: bytes) -> bytes:
    """Undo `compress`."""
    return ZstdDecompressor().decompress(value) if value[:4] == _FRAME else value


class CompressedJson(TypeDecorator[bytes]):
    """A column of compressed JSON, for values that are rarely read: it takes a fifth of the space.

    Values that were stored before compression was introduced are read unchanged.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else compress(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        return None if value is None else decompress(value)


Change = Literal["created", "updated", "refreshed", "deleted", "restored"]
"""How a version came to be.

`refreshed`: the record was not entered, but something that its document shows has changed.
`deleted`: the version is a tombstone; it ends in the revision in which it begins, so it is never current.
"""


class State(Base):
    """The one row about the database as a whole."""

    __tablename__ = "database_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), CheckConstraint("revision >= 0", name="revision"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    revision: Mapped[int]
    changed_at: Mapped[datetime]
    epoch: Mapped[str] = mapped_column(comment="Random; tells this database from another with equal revisions")
    loaded: Mapped[str | None] = mapped_column(comment="Digest of the files last loaded")
    shapes: Mapped[str | None] = mapped_column(comment="Digest of the shapes that the documents were rendered by")


class Revision(Base):
    """A committed change of the data: its number, when it could first be seen, who made it and why."""

    __tablename__ = "revisions"

    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    committed_at: Mapped[datetime]
    actor: Mapped[str]
    reason: Mapped[str]


class Document(Base):
    """One version of a record's public JSON."""

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
    entered: Mapped[bytes | None] = mapped_column(
        CompressedJson, comment="The record as it was entered; none if refreshed"
    )


def valid_at(revision: int | None) -> ColumnElement[bool]:
    """The condition that a version is current, or was current when `revision` was the newest."""
    if revision is None:
        return Document.until_revision.is_(None)
    unended = or_(Document.until_revision.is_(None), Document.until_revision > revision)
    return and_(Document.revision <= revision, unended)
