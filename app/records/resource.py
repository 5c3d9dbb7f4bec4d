"""The declaration of a record type: its shapes, its tables and the functions between them.

In  --rows-->  rows of its tables  --render-->  Out

`Resource` is the declaration; the rest are helpers with which the types' `resource.py` write theirs.
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
"""A row of a table: values by column."""
Rows = dict[str, list[Row]]
"""A record's rows by table name, in order."""

EmbeddedRecords = Mapping[RecordType, Mapping[str, Row]]
"""Records that others refer to, as they are embedded, by type and id."""

Name = tuple[str, str]
"""`(kind, name)`."""


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
    """A filter's target in another table than the main one, where a record may have several rows and so several values.

    `owner` is the column with the record's id; `where` restricts the rows.
    """

    column: InstrumentedAttribute[Any]
    owner: InstrumentedAttribute[str]
    where: tuple[ColumnElement[bool], ...] = ()
    beside: Mapping[str, InstrumentedAttribute[Any]] = field(default_factory=dict)
    """Columns of the record that are copied into this table, by sort key, so that one index filters and sorts."""


Target = InstrumentedAttribute[Any] | Linked
Model = type[BaseModel]
EnteredModel = type[RecordIn]
FilterModel = type[Filter]


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """The declaration of a record type, from which storing, querying and the HTTP interface of the type follow."""

    type: RecordType
    singular: str
    """The type's name in prose, for one record."""
    entered: EnteredModel
    """The `In` model."""
    out: Model
    filter: FilterModel
    rules: tuple[Rule[Any], ...]
    main: Part
    """The table with one row for each record."""
    parts: tuple[Part, ...] = ()
    """Other tables that a record is entered into."""
    views: tuple[Part, ...] = ()
    """Tables of other types' records that refer to this one and that its document shows."""
    rows: Callable[[Any], Rows]
    """Makes a record's rows in the main table and in `parts` from its `In` model."""
    names: Callable[[Any], Iterable[Name]]
    """The names of an `In` record beside its id."""
    render: Callable[[Rows, EmbeddedRecords], Row]
    """Makes the fields of `Out` from a record's rows and the records that they refer to."""
    embed: Callable[[Rows], Row]
    """Makes what another record's document shows of a record, from its rows in the main table and in `embed_parts`."""
    embed_parts: tuple[Part, ...] = ()
    derive: Callable[[Connection, Sequence[str]], None] | None = None
    """Sets the columns of records, given by id, that follow from other records' rows."""
    derived: frozenset[str] = frozenset()
    """Those of the main row's columns that `derive` sets."""
    filters: Mapping[str, Target]
    sorts: Mapping[str, InstrumentedAttribute[Any]]
    includes: Mapping[str, RecordType] = field(default_factory=dict)
    """The embedded fields that `include=` replaces by whole records, and the types of these."""
    example: str
    """The id of a record in the seeds, for examples."""

    @property
    def path(self) -> str:
        """The path of the type's list."""
        return f"/v1/{self.type}"

    @property
    def title(self) -> str:
        """The type's name in prose, for several records."""
        return self.type.replace("-", " ")


def row_of(model: type[Base], shape: BaseModel, **more: Any) -> Row:
    """Make a row of a table from a model's fields that have the columns' names, and from `more`."""
    values = shape.__dict__
    return {name: values[name] for name in _shared(model, type(shape))} | more


@cache
def _shared(model: type[Base], shape: type[BaseModel]) -> tuple[str, ...]:
    return tuple(column.name for column in table_of(model).columns if column.name in shape.model_fields)


class ShapedRow(dict[str, Any]):
    """A row that keeps the model it was made from, so that rendering it needs no second validation."""

    __slots__ = ("shape",)

    def __init__(self, shape: BaseModel) -> None:
        super().__init__(shape.__dict__)
        self.shape = shape


def part_rows(owner: Mapping[str, Any], rows: Iterable[Row]) -> list[Row]:
    """Add to each row its owner's columns and its position."""
    found = list(rows)
    for position, row in enumerate(found):
        row.update(owner, position=position)
    return found


def shaped_rows(shapes: Iterable[BaseModel]) -> Iterator[Row]:
    """Make rows of models whose fields are the columns."""
    return map(ShapedRow, shapes)


def render_rows(shape: type[BaseModel], rows: Iterable[Row]) -> list[BaseModel | Row]:
    """Render rows by a model: those of `shaped_rows` as their models, those read from the database as its fields."""
    return [row.shape if isinstance(row, ShapedRow) else pick(shape, row) for row in rows]


def links(owner: Mapping[str, str], column: str, ids: Iterable[str]) -> list[Row]:
    """The rows of a link table: one for each id, in order."""
    return part_rows(owner, ({column: id} for id in ids))


def pick(shape: type[BaseModel], row: Row) -> Row:
    """The columns of a row that are fields of a model."""
    return {name: row[name] for name in _fields(shape) if name in row}


@cache
def _fields(shape: type[BaseModel]) -> tuple[str, ...]:
    """The names of a model's fields. They are cached, since looking up `model_fields` takes ten times as long."""
    return tuple(shape.model_fields)


def names_of_kind(rows: Rows, kind: str) -> list[str]:
    """The names of one kind among a record's rows."""
    return [row["name"] for row in rows["names"] if row["kind"] == kind]


def no_names(_: RecordIn) -> Iterator[Name]:
    """The `names` of a type whose records have none but their ids."""
    return iter(())


def embed_columns(table: str, *columns: str) -> Callable[[Rows], Row]:
    """An `embed` function that shows some columns of a record's main row."""

    def embed(rows: Rows) -> Row:
        main = rows[table][0]
        return {name: main[name] for name in columns}

    return embed


def embedded(found: EmbeddedRecords, type: RecordType, rows: Iterable[Row], column: str) -> list[Row]:
    """The records of a type that rows refer to by a column, as they are embedded."""
    return [found[type][row[column]] for row in rows]


def group(rows: Iterable[Row], column: str) -> Mapping[Any, list[Row]]:
    """Rows by the value of a column, in their order."""
    grouped: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[column]].append(row)
    return grouped
