"""Tables beside the main table of a type: their owners, the column with the values of a list, and tables of links."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, Integer, Table
from sqlalchemy import text as sql
from sqlalchemy.orm import InstrumentedAttribute, MappedColumn, mapped_column

from app.database.engine import Base, table_of, text
from app.records.vocabularies import RecordType

Column = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A table whose rows belong to records; `owner` names the column with the record's id."""

    model: type[Base]
    owner: str

    @property
    def table(self) -> Table:
        """The model's table."""
        return table_of(self.model)


@dataclass(frozen=True, slots=True)
class Linked:
    """A column of another table than the main one, where a record may have several rows and so several values.

    `owner` is the column with the record's id; `where` restricts the rows.
    """

    column: Column
    owner: Column
    where: tuple[ColumnElement[bool], ...] = ()
    beside: Mapping[str, Column] = field(default_factory=dict)
    """Columns of the record that are copied into this table, by sort key, so that one index filters and sorts."""

    @property
    def part(self) -> Part:
        """The table."""
        return Part(cast(type[Base], self.owner.class_), self.owner.key)

    @property
    def reversed(self) -> "Linked":
        """The same links, as the records at their other end have them."""
        return Linked(self.owner, self.column)

    @property
    def is_set(self) -> bool:
        """Whether a record can have each value only once."""
        return bool(self.column.property.columns[0].primary_key)


def referred_type(column: Column) -> RecordType | None:
    """The record type whose ids are in a column, by its foreign key; None where the column refers to no record."""
    keys = column.property.columns[0].foreign_keys
    tables = (key.target_fullname.partition(".")[0] for key in keys)
    return next((cast(RecordType, table.replace("_", "-")) for table in tables), None)


def link_table(
    name: str, *checks: CheckConstraint, beside: Mapping[str, MappedColumn[Any]] | None = None, **columns: str
) -> Linked:
    """Make the table of the links from the records of a type to others, in their order; return its columns.

    `columns` are the column with the owner's id and the one with the other record's, each with the main table that it
    refers to: `link_table("study_products", study_id="studies", product_id="products")`. `beside` are columns that
    repeat those of the owner with the same names; each gets an index that filters by the link and sorts by it.
    """
    (owner, owners), (other, others) = columns.items()
    copied = beside or {}
    indexes = [Index(f"ix_{name}_{other}", other, owner)]
    indexes += [Index(f"ix_{name}_{each}_desc", other, sql(f"{each} DESC"), owner) for each in copied]
    content: dict[str, Any] = {
        "__module__": __name__,
        "__tablename__": name,
        "__table_args__": (*indexes, *checks),
        owner: mapped_column(text(120), ForeignKey(f"{owners}.id", ondelete="CASCADE"), primary_key=True),
        other: mapped_column(text(120), ForeignKey(f"{others}.id"), primary_key=True),
        "position": mapped_column(Integer, nullable=False),
        **copied,
    }
    model: Any = type(name.title().replace("_", ""), (Base,), content)
    return Linked(getattr(model, other), getattr(model, owner), (), {each: getattr(model, each) for each in copied})
