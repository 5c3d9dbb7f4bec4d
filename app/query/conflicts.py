"""The list of conflicts: values that imported sources propose and that differ from the current record."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, RowMapping, func, select, tuple_

from app.common.problems import Invalid, Problem, invalid_parameters, parameter_fault
from app.common.suggestions import nearest
from app.query.keyset import next_url, read_cursor
from app.query.page_budget import cut
from app.query.pages import DatabaseState, Page, now
from app.query.parameters import DEFAULT_LIMIT, TYPES, Parameters, read_ids, read_limit, read_types
from app.records.base_models import Record
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.import_models import Conflict
from app.store.reconciliation.precedence import RULES
from app.store.rows import IS_DELETED

PATH = "/v1/conflicts"
NAMES = ("type", "id", "field", "source", "rule")
NO_VALUES: tuple[str, ...] = ()

KEY = (Conflict.record_type, Conflict.record_id, Conflict.field, Conflict.source_id)
_CONFLICTS = select(
    Conflict.record_type.label("type"),
    Conflict.record_id.label("id"),
    Conflict.field,
    Conflict.current,
    Conflict.current_source,
    Conflict.proposed,
    Conflict.source_id.label("source"),
    Conflict.rule,
    Conflict.revision,
).order_by(*KEY)


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """The parsed query string of the list of conflicts.

    `types` holds all types where `type=` is not given; the other filters are empty where they are not given.
    """

    types: tuple[RecordType, ...]
    ids: tuple[str, ...]
    fields: tuple[str, ...]
    sources: tuple[str, ...]
    rules: tuple[str, ...]
    limit: int
    after: tuple[str, ...]
    """The key (see `KEY`) of the last conflict of the page before, from the cursor."""
    parameters: tuple[tuple[str, str], ...]
    """The parameters as they were given, without `cursor`."""

    @property
    def asked(self) -> str:
        """The text that a cursor is bound to: a cursor is refused by a query with other filters."""
        return repr(("conflicts", self.types, self.ids, self.fields, self.sources, self.rules))

    def next_url(self, position: tuple[str, ...]) -> str:
        """The URL of the page that follows the conflict with this key."""
        return next_url(PATH, self.parameters, self.asked, position)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The SQL conditions of the filters that are set; a conflict must pass all of them."""
        wanted = (
            (Conflict.record_type, () if len(self.types) == len(TYPES) else self.types),
            (Conflict.record_id, self.ids),
            (Conflict.field, self.fields),
            (Conflict.source_id, self.sources),
            (Conflict.rule, self.rules),
        )
        return [column.in_(values) for column, values in wanted if values]


def _fields() -> set[str]:
    return {name for resource in RESOURCES.values() for name in resource.entered.model_fields}


def _read_words(known: Sequence[str], what: str, value: str) -> tuple[str, ...]:
    words = read_ids(value)
    for word in words:
        if word not in known:
            raise Invalid(f"{word!r} is no {what}", nearest(word, known))
    return words


def _read_cursor(query: str, cursor: str) -> tuple[str, ...]:
    found = read_cursor(query, cursor)
    if len(found) != len(KEY) or not all(isinstance(part, str) and "\0" not in part for part in found):
        raise Problem("bad-cursor", "The cursor cannot be used: it was not made here.")
    return tuple(found)


@lru_cache(maxsize=256)
def read_query(raw: str) -> ConflictQuery:
    """Parse a raw query string; raises a `Problem` that lists every fault."""
    given = Parameters(raw, [*NAMES, "limit", "cursor", "format"])
    types = given.read_several("type", read_types, TYPES)
    fields = given.read("field", partial(_read_words, sorted(_fields()), "field"), NO_VALUES)
    rules = given.read("rule", partial(_read_words, RULES, "rule"), NO_VALUES)
    ids, sources = (given.read(name, read_ids, NO_VALUES) for name in ("id", "source"))
    limit = given.read("limit", read_limit, DEFAULT_LIMIT)
    given.read_format()
    given.end()
    bare = ConflictQuery(types, ids, fields, sources, rules, limit, NO_VALUES, ())
    after = given.read("cursor", partial(_read_cursor, bare.asked), NO_VALUES)
    given.end()
    return ConflictQuery(types, ids, fields, sources, rules, limit, after, given.without("cursor"))


def _item(row: RowMapping) -> dict[str, Any]:
    values = {name: orjson.Fragment(row[name]) for name in ("current", "proposed")}
    return {**row, **values, "href": f"/v1/{row['type']}/{row['id']}"}


def page(connection: Connection, query: ConflictQuery, most_bytes: int) -> tuple[Page, DatabaseState]:
    """Return one page of conflicts and the database state that it was read at.

    Raises a `Problem` (invalid-parameter) where `id` or `source` names a record that does not exist.
    """
    at = now(connection)
    _refuse_unknown(connection, "id", query.ids, query.types)
    _refuse_unknown(connection, "source", query.sources, ("sources",))
    wanted = query.conditions()
    total = connection.scalars(select(func.count()).select_from(Conflict).where(*wanted)).one()
    if not query.limit:
        return Page([], total, None), at
    statement = _CONFLICTS.where(*wanted).limit(query.limit + 1)
    if query.after:
        statement = statement.where(tuple_(*KEY) > query.after)
    found = connection.execute(statement).mappings()
    rows = ((orjson.dumps(_item(row)), (row["type"], row["id"], row["field"], row["source"])) for row in found)
    shown = cut(rows, query.limit, most_bytes)
    following = query.next_url(shown.rows[-1][1]) if shown.is_more else None
    return Page([row[0] for row in shown.rows], total, following), at


def _refuse_unknown(connection: Connection, name: str, ids: Sequence[str], types: Sequence[RecordType]) -> None:
    """Raise a `Problem` for ids of records that do not exist: an empty list would hide a mistyped id."""
    if not ids:
        return
    there = set(connection.scalars(select(Record.id).where(Record.type.in_(types), Record.id.in_(ids), ~IS_DELETED)))
    faults = [parameter_fault(name, f"{name}: there is no record {id!r}.") for id in ids if id not in there]
    if faults:
        raise invalid_parameters(faults)
