"""What a record type is: its shapes, its tables and the two functions between them.

In  --rows-->  rows of its tables  --render-->  Out
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.orm import InstrumentedAttribute

from app.database.engine import Base, table_of
from app.records.base_schemas import RecordIn
from app.records.fields import RecordType
from app.records.filters import Filter
from app.records.rules import Rule

Row = dict[str, Any]
Rows = dict[str, list[Row]]
"""A record's rows by table name, in order."""

Found = Mapping[RecordType, Mapping[str, Row]]
"""Referred records as they are embedded, by type and id."""

Name = tuple[str, str]
"""`(kind, name)`."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table whose rows belong to a record; `owner` is the column with the record's id."""

    model: type[Base]
    owner: str

    @property
    def table(self) -> Table:
        return table_of(self.model)


@dataclass(frozen=True, slots=True)
class Linked:
    """A column of another table: a record has as many values as rows there are its own."""

    column: InstrumentedAttribute[Any]
    owner: InstrumentedAttribute[str]
    where: tuple[ColumnElement[bool], ...] = ()
    beside: Mapping[str, InstrumentedAttribute[Any]] = field(default_factory=dict)
    """Numbers of the record that its links hold too, so that one index filters by a link and sorts by them."""


Target = InstrumentedAttribute[Any] | Linked
Model = type[BaseModel]
EnteredModel = type[RecordIn]
FilterModel = type[Filter]


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    type: RecordType
    singular: str
    entered: EnteredModel
    out: Model
    filter: FilterModel
    rules: tuple[Rule[Any], ...]
    main: Part
    parts: tuple[Part, ...] = ()
    views: tuple[Part, ...] = ()
    """Rows of other types that its document shows."""
    rows: Callable[[Any], Rows]
    names: Callable[[Any], Iterable[Name]]
    render: Callable[[Rows, Found], Row]
    embed: Callable[[Rows], Row]
    """How it is shown in another record's document, from its main row and `embed_parts`."""
    embed_parts: tuple[Part, ...] = ()
    derive: Callable[[Connection, Sequence[str]], None] | None = None
    """Sets the columns of some records that follow from other records' rows."""
    filters: Mapping[str, Target]
    sorts: Mapping[str, InstrumentedAttribute[Any]]
    includes: Mapping[str, RecordType] = field(default_factory=dict)
    """Embedded fields that `include=` replaces by whole records."""
    example: str

    @property
    def path(self) -> str:
        return f"/v1/{self.type}"

    @property
    def title(self) -> str:
        return self.type.replace("-", " ")


def columns(model: type[Base], shape: BaseModel, **more: Any) -> Row:
    """A row of a table from the fields of the same name; `more` gives the rest."""
    values = shape.__dict__
    return {name: values[name] for name in _shared(model, type(shape))} | more


@cache
def _shared(model: type[Base], shape: type[BaseModel]) -> tuple[str, ...]:
    return tuple(column.name for column in table_of(model).columns if column.name in shape.model_fields)


class ShapedRow(dict[str, Any]):
    """A row that was made of a shape, which it shows again without being checked again."""

    __slots__ = ("shape",)

    def __init__(self, shape: BaseModel) -> None:
        super().__init__(shape.__dict__)
        self.shape = shape


def numbered(owner: Mapping[str, Any], rows: Iterable[Row]) -> list[Row]:
    """Rows of a part, in order; they become the owner's."""
    found = list(rows)
    for position, row in enumerate(found):
        row.update(owner, position=position)
    return found


def flat(shapes: Iterable[BaseModel]) -> Iterator[Row]:
    """Shapes that hold nothing but plain values, as rows."""
    return map(ShapedRow, shapes)


def shown(shape: type[BaseModel], rows: Iterable[Row]) -> list[BaseModel | Row]:
    """The shapes that rows were made of; of those that were read, the columns that it shows."""
    return [row.shape if isinstance(row, ShapedRow) else pick(shape, row) for row in rows]


def links(owner: Mapping[str, str], column: str, ids: Iterable[str]) -> list[Row]:
    return numbered(owner, ({column: id} for id in ids))


def pick(shape: type[BaseModel], row: Row) -> Row:
    """The columns of a row that a shape shows."""
    return {name: row[name] for name in _fields(shape) if name in row}


@cache
def _fields(shape: type[BaseModel]) -> tuple[str, ...]:
    """Looking `model_fields` up costs as much as ten of these."""
    return tuple(shape.model_fields)


def named(rows: Rows, kind: str) -> list[str]:
    return [row["name"] for row in rows["names"] if row["kind"] == kind]


def group(rows: Iterable[Row], column: str) -> Mapping[Any, list[Row]]:
    grouped: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[column]].append(row)
    return grouped
