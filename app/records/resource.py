"""The declaration of a record type: its shapes, its tables and the functions between them.

In  --rows-->  rows of its tables  --render-->  Out

`Resource` is the declaration; the rest are helpers with which the types' `resource.py` write theirs. How filters are
declared is in `filter_declarations`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, get_origin

from pydantic import BaseModel
from sqlalchemy import Connection

from app.common.problems import Fault
from app.database.engine import Base, table_of
from app.records.base_schemas import CitedIn, RecordIn, RefersTo, embedded_types, field_at, referring
from app.records.filter_declarations import Filter, Target, completed
from app.records.filters import Kind
from app.records.link_tables import Column, Linked, Part, referred_type
from app.records.rules import Rule, broken, unique
from app.records.vocabularies import RecordType

Row = dict[str, Any]
"""A row of a table: values by column."""
Rows = dict[str, list[Row]]
"""A record's rows by table name, in order."""

EmbeddedRecords = Mapping[RecordType, Mapping[str, Row]]
"""Records that others refer to, as they are embedded, by type and id."""

Name = tuple[str, str]
"""`(kind, name)`."""


Model = type[BaseModel]
EnteredModel = type[RecordIn]


def _nothing(*_: Any) -> Any:
    return {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """The declaration of a record type, from which storing, querying and the HTTP interface of the type follow.

    Fields of `In` that have the names of columns, that refer to a record by a column `NAME_id`, or that are in `lists`
    or `named_by`, are stored and rendered without more. Others are the business of the functions `more_...`.
    """

    type: RecordType
    singular: str
    """The type's name in prose, for one record."""
    entered: EnteredModel
    """The `In` model."""
    out: Model
    rules: tuple[Rule[Any], ...] = ()
    """What must hold within a record, beside what its shape and `lists` say."""
    main: Part
    """The table with one row for each record."""
    lists: Mapping[str, Linked] = field(default_factory=dict)
    """The fields that are lists of ids or words, each with the column and the table that hold them."""
    named_by: Mapping[str, str] = field(default_factory=dict)
    """The fields that name a record beside its id, each with the kind of name."""
    own_parts: tuple[Part, ...] = ()
    """Other tables that a record is entered into, in the order in which rows can be inserted."""
    views: tuple[Part, ...] = ()
    """Tables of other types' records that refer to this one and that its document shows."""
    more_columns: Callable[[Any], Row] = _nothing
    """Makes the columns of the main row that are no fields of `In`, from a record."""
    more_rows: Callable[[Any], Rows] = _nothing
    """Makes a record's rows in `own_parts`."""
    more_names: Callable[[Any], Iterable[Name]] = _nothing
    """Makes the names that are no field of `In` as they are."""
    more_fields: Callable[[Rows, EmbeddedRecords], Row] = _nothing
    """Makes the other fields of `Out` from a record's rows and the records that they refer to."""
    embed: Callable[[Rows], Row] = _nothing
    """Makes what another record's document shows of a record, from its rows in the main table and in `embed_parts`."""
    embed_parts: tuple[Part, ...] = ()
    derive: Callable[[Connection, Sequence[str]], None] | None = None
    """Sets the columns of records, given by id, that follow from other records' rows."""
    derived: frozenset[str] = frozenset()
    """Those of the main row's columns that `derive` sets."""
    filters: Mapping[str, Filter]
    sorted_by: tuple[str, ...]
    """The sort keys beside the id: columns of the main table, or filters that test one."""
    texts: Mapping[str, tuple[str, ...]]
    """The searchable text: for each part, paths into a document. The index weighs `title` and `name` higher."""
    example: str
    """The id of a record in the seeds, for examples."""

    def __post_init__(self) -> None:
        """Complete the filters; raises `LookupError` where a path, a column or a part of the text is missing."""
        object.__setattr__(self, "filters", completed(self.filters, self.out))
        if missing := {"title", "name"} - self.texts.keys():
            raise LookupError(f"{self.type} have no texts for search: {', '.join(sorted(missing))}")
        for path in (path for paths in self.texts.values() for path in paths):
            field_at(self.out, path)
        if unstored := self._unstored():
            raise LookupError(f"{self.type} have no place for {', '.join(sorted(unstored))}")
        assert self.sorts

    def _unstored(self) -> set[str]:
        """The fields of `In` that are stored nowhere, where no function of the type stores more."""
        if self.more_columns is not _nothing or self.more_rows is not _nothing:
            return set()
        columns = self.main.table.columns.keys()
        return self.entered.model_fields.keys() - {
            *CitedIn.model_fields,
            *columns,
            *self._references,
            *self.lists,
            *self.named_by,
        }

    @property
    def path(self) -> str:
        """The path of the type's list."""
        return f"/v1/{self.type}"

    @property
    def title(self) -> str:
        """The type's name in prose, for several records."""
        return self.type.replace("-", " ")

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """All tables that a record is entered into beside the main one."""
        return (*self.own_parts, *(linked.part for linked in self.lists.values()))

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The kind of each filter, by the filter's name."""
        return {name: filter.kind for name, filter in self.filters.items()}

    @cached_property
    def sorts(self) -> Mapping[str, Column]:
        """The column of each sort key, the id first."""
        return {name: self._sort_column(name) for name in ("id", *self.sorted_by)}

    def _sort_column(self, name: str) -> Column:
        target: Target | None = self.filters[name].target if name in self.filters else None
        column = getattr(self.main.model, name, target)
        if column is None or isinstance(column, Linked):
            raise LookupError(f"{self.type} have no column for the sort key {name!r}")
        return column

    @cached_property
    def includes(self) -> Mapping[str, RecordType]:
        """The embedded fields that `include=` replaces by whole records, and the types of these."""
        return embedded_types(self.out)

    @cached_property
    def _references(self) -> Mapping[str, tuple[str, RecordType]]:
        """The fields with the id of one record, each with its column and the type of that record."""
        columns = self.main.table.columns
        marks = referring(self.entered).items()
        return {
            name: (f"{name}_id", mark.type)
            for name, mark in marks
            if isinstance(mark, RefersTo) and f"{name}_id" in columns
        }

    @cached_property
    def _shown_names(self) -> Mapping[str, tuple[str, bool]]:
        """The fields that only names hold, each with their kind and whether it is a list."""
        columns, fields = self.main.table.columns, self.out.model_fields
        kinds = {name: kind for name, kind in self.named_by.items() if name not in columns}
        return {name: (kind, get_origin(fields[name].annotation) is list) for name, kind in kinds.items()}

    @cached_property
    def _list_columns(self) -> Mapping[str, tuple[str, str, RecordType | None]]:
        """The fields in `lists`, each with its table, its column and the type of the records that it refers to."""
        every = self.lists.items()
        return {
            name: (linked.part.table.name, linked.column.key, referred_type(linked.column)) for name, linked in every
        }

    def rows(self, record: Any) -> Rows:
        """Make a record's rows in the main table and in `parts`."""
        refers = {column: getattr(record, name) for name, (column, _) in self._references.items()}
        rows = {self.main.table.name: [row_of(self.main.model, record) | refers | self.more_columns(record)]}
        for name, (table, column, _) in self._list_columns.items():
            rows[table] = links({self.lists[name].owner.key: record.id}, column, getattr(record, name))
        return rows | self.more_rows(record)

    def names(self, record: Any) -> Iterator[Name]:
        """The names of a record beside its id."""
        for field_name, kind in self.named_by.items():
            value = getattr(record, field_name) or ()
            yield from ((kind, name) for name in ((value,) if isinstance(value, str) else value))
        yield from self.more_names(record)

    def render(self, rows: Rows, found: EmbeddedRecords) -> Row:
        """Make the fields of `Out` from a record's rows and the records that they refer to."""
        main = rows[self.main.table.name][0]
        shown = dict(main)
        for name, (kind, is_list) in self._shown_names.items():
            names = names_of_kind(rows, kind)
            shown[name] = names if is_list else next(iter(names), None)
        for name, (column, of) in self._references.items():
            shown[name] = found[of][main[column]] if main[column] else None
        for name, (table, column, type) in self._list_columns.items():
            values = [row[column] for row in rows[table]]
            shown[name] = [found[type][value] for value in values] if type else values
        return shown | self.more_fields(rows, found)

    def faults(self, record: Any) -> list[Fault]:
        """What is wrong with a record by itself: values that stand in a list twice, and broken rules of the type."""
        sets = (name for name, linked in self.lists.items() if linked.is_set)
        twice = (fault for name in sets for fault in unique(f"/{name}", getattr(record, name), name.replace("_", " ")))
        return [*twice, *broken(record, self.rules)]


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


def embed_columns(table: str, *columns: str) -> Callable[[Rows], Row]:
    """An `embed` function that shows some columns of a record's main row."""

    def embed(rows: Rows) -> Row:
        main = rows[table][0]
        return {name: main[name] for name in columns}

    return embed


def group(rows: Iterable[Row], column: str) -> Mapping[Any, list[Row]]:
    """Rows by the value of a column, in their order."""
    grouped: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row[column]].append(row)
    return grouped
