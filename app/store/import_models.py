"""Tables of reconciliation: what each import contributed to a record, and conflicts with the record's values."""

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, false
from sqlalchemy.orm import Mapped, mapped_column

from app.database.engine import Base
from app.records.base_models import part_of_record
from app.records.fields import Slug, word
from app.records.vocabularies import RecordType


class Imported(Base):
    """A contribution: what one source stated about a record in one import.

    Of each source the newest row that was not undone counts. Older rows are kept, so that the one before counts again
    when an import is reverted.
    """

    __tablename__ = "imported"
    __table_args__ = (part_of_record(), Index("ix_imported_revision", "revision"))

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    source_id: Mapped[Slug] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(
        primary_key=True, comment="Empty, or which record's offer it is that this one was added to"
    )
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.revision"), primary_key=True, autoincrement=False)
    format: Mapped[str]
    digest: Mapped[str] = mapped_column(comment="Hash of what was offered; empty: the publisher has withdrawn it")
    offered: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="JSON; none where it is what was entered in that revision"
    )
    theirs: Mapped[list[str] | None] = mapped_column(
        JSON(none_as_null=True), comment="Fields that people had said the same of before"
    )
    undone: Mapped[bool] = mapped_column(server_default=false(), comment="Its release was reverted")


class Conflict(Base):
    """A field for which an imported source states another value than the record has; derived, never entered."""

    __tablename__ = "conflicts"
    __table_args__ = (
        part_of_record(),
        CheckConstraint("length(field) > 0", name="field"),
        Index("ix_conflicts_rule", "rule", "record_type", "record_id"),
        Index("ix_conflicts_source_id", "source_id", "record_type", "record_id"),
    )

    record_type: Mapped[RecordType] = mapped_column(word("record_type", RecordType), primary_key=True)
    record_id: Mapped[Slug] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[Slug] = mapped_column(primary_key=True, comment="Who offers the other value")
    current: Mapped[bytes] = mapped_column(LargeBinary, comment="JSON of the record's own value; a long one is cut")
    current_source: Mapped[str | None] = mapped_column(comment="The source of the record's value; none: people")
    proposed: Mapped[bytes] = mapped_column(LargeBinary, comment="JSON of the other value; a long one is cut")
    rule: Mapped[str] = mapped_column(comment="Which rule chose")
    revision: Mapped[int] = mapped_column(ForeignKey("revisions.revision"), comment="Since when it is so")
