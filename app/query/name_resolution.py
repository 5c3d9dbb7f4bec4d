"""Name resolution: finding records by ids, brand names, synonyms, acronyms, registry ids and other identifiers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, or_, select

from app.common.problems import Fault, Problem, invalid_parameters, not_found, parameter_fault
from app.common.suggestions import nearest
from app.database.lookup import Ask, Lookup
from app.query.deleted_records import raise_if_deleted
from app.query.pages import StoredDocument, by_id, now
from app.query.record_queries import ListQuery
from app.records.base_models import RecordName, fold
from app.records.filters import AnyOf, NoneOf, Test
from app.records.registry import RESOURCES
from app.records.resource import Resource
from app.records.vocabularies import RecordType
from app.store.documents import Document, valid_at
from app.store.rows import among, batches

MAX_CANDIDATES = 20_000
"""The number of names that are searched for suggestions; only a request with an unknown name pays for this."""
MAX_FAULTS, MAX_NEAREST = 20, 5
"""How many unknown names of one request are reported, and for how many of these suggestions are looked up."""


def documents_missing() -> Problem:
    """The 503 for a database whose rows have no documents yet."""
    detail = "The documents are not made yet; run `evidence rebuild`."
    return Problem("database-not-ready", detail, headers={"retry-after": "5"})


def by_name(connection: Connection, resource: Resource, name: str) -> StoredDocument:
    """The current document of the record with a name; raises a `Problem` where there is none or more than one."""
    now(connection)
    found = by_id(connection, resource.type, id_of(connection, resource, name))
    if found is None:
        raise documents_missing()
    return found


def id_of(connection: Connection, resource: Resource, name: str) -> str:
    """The id of the record that has a name now; raises a `Problem` where there is none or more than one.

    The problem is `gone` where `name` is the id of a deleted record.
    """
    key = (resource.type, fold(resource.type, name))
    ids = _ids_by_name(connection, {key}).get(key, [])
    if len(ids) == 1:
        return ids[0]
    if ids:
        faults = [Fault(f"{resource.path}/{id}", nearest=(id,)) for id in ids]
        raise Problem("ambiguous-name", f"{name!r} is a name of {len(ids)} {resource.title}.", errors=faults)
    raise_if_deleted(connection, resource, name)
    near = [f"{resource.path}/{id}" for id in _nearest(connection, resource.type, name)]
    detail = f"There is no {name!r} among the {resource.title}."
    raise not_found(detail, near)


def _ids_by_name(connection: Connection, keys: Iterable[tuple[RecordType, str]]) -> dict[tuple[str, str], list[str]]:
    """Ids by `(type, folded name)`."""
    found: dict[tuple[str, str], list[str]] = {}
    for some in batches(keys):
        wanted: dict[RecordType, list[str]] = {}
        for type, key in some:
            wanted.setdefault(type, []).append(key)
        query = _names_statement(tuple(wanted))
        for row in connection.execute(query, {f"keys_{type}": names for type, names in wanted.items()}):
            found.setdefault((row[0], row[1]), []).append(row[2])
    return found


@cache
def _names_statement(types: tuple[RecordType, ...]) -> Select[Any]:
    """A statement for the ids of records by the parameters `keys_TYPE`; cached, because most lists resolve names."""
    keys = (RecordName.key.in_(bindparam(f"keys_{type}", expanding=True)) for type in types)
    named = or_(*(and_(RecordName.record_type == type, key) for type, key in zip(types, keys, strict=True)))
    columns: tuple[Any, ...] = (RecordName.record_type, RecordName.key, RecordName.record_id)
    return select(*columns).where(named).distinct().order_by(RecordName.record_id)


_IDS_OF_NAME = Lookup(
    select(RecordName.record_id)
    .where(RecordName.record_type == bindparam("type"), RecordName.key == bindparam("key"))
    .distinct(),
    str,
    "type",
    "key",
)


def unique_id(ask: Ask, type: RecordType, name: str) -> str | None:
    """The id of the record with a name if there is exactly one, else None. An id takes precedence over other names."""
    ids = [*ask(_IDS_OF_NAME, type, fold(type, name))]
    meant = [name] if name in ids else ids
    return meant[0] if len(meant) == 1 else None


def _nearest(connection: Connection, type: RecordType, name: str) -> list[str]:
    """The ids of records with similar names. Names with the same first letter are tried first: few typos are there."""
    key = fold(type, name)
    of = (RecordName.key, RecordName.record_id)
    query = select(*of).where(RecordName.record_type == type).order_by(*of).limit(MAX_CANDIDATES)
    same_start = query.where(RecordName.key >= key[:1], RecordName.key < key[:1] + "\U0010ffff")
    for candidates in (same_start, query):
        ids: dict[str, str] = {row.key: row.record_id for row in connection.execute(candidates)}
        near = nearest(key, ids, few=0)
        if near:
            return list(dict.fromkeys(ids[name] for name in near))
    return []


@dataclass(frozen=True, slots=True)
class _Reference:
    parameter: str
    type: RecordType
    name: str

    @property
    def key(self) -> tuple[RecordType, str]:
        return self.type, fold(self.type, self.name)


def _references(resource: Resource, query: ListQuery) -> list[_Reference]:
    found = [_Reference("ids", resource.type, id) for id in query.ids]
    known = resource.kinds
    for name, tests in query.tests.items():
        of = known[name].of
        if of:
            values = (value for test in tests if isinstance(test, AnyOf | NoneOf) for value in test.values)
            found += [_Reference(name, of, str(value)) for value in values]
    return found


def _unknown_name_fault(connection: Connection, reference: _Reference, as_of: datetime | None, *, near: bool) -> Fault:
    where = f"among the {RESOURCES[reference.type].title}"
    if as_of is not None:
        detail = f"{reference.parameter}: there was no {reference.name!r} {where} at {as_of:%Y-%m-%dT%H:%M:%SZ}."
        return parameter_fault(reference.parameter, detail)
    detail = f"{reference.parameter}: there is no {reference.name!r} {where}."
    found = _nearest(connection, reference.type, reference.name) if near else ()
    return parameter_fault(reference.parameter, detail, found)


def _existing_at(connection: Connection, keys: Iterable[tuple[str, str]], revision: int) -> set[tuple[str, str]]:
    of = (Document.type, Document.id)
    existing_keys: set[tuple[str, str]] = set()
    for some in batches(keys):
        found = connection.execute(select(*of).where(among(*of, some), valid_at(revision)))
        existing_keys.update((row[0], row[1]) for row in found)
    return existing_keys


def _resolved_ids(
    connection: Connection, references: Sequence[_Reference], revision: int | None
) -> dict[tuple[str, str], list[str]]:
    """The ids by `(type, folded name)`; with `revision`, those of records that existed then, even if deleted since."""
    ids = _ids_by_name(connection, {reference.key for reference in references})
    if revision is None:
        return ids
    meant = {reference.key: [*ids.get(reference.key, ()), reference.name] for reference in references}
    wanted = {(type, id) for (type, _), found in meant.items() for id in found}
    existing = _existing_at(connection, wanted, revision)
    there = {key: _of_type(key[0], found, existing) for key, found in meant.items()}
    return {key: found for key, found in there.items() if found}


def _of_type(type: str, ids: Iterable[str], existing: set[tuple[str, str]]) -> list[str]:
    """Those of some ids that are records of a type among the existing ones, each once."""
    return list(dict.fromkeys(id for id in ids if (type, id) in existing))


def _refuse_unknown(connection: Connection, unknown: Sequence[_Reference], as_of: datetime | None) -> None:
    """Raise a `Problem` that lists names which no record has, the first of them with the nearest names."""
    faults = [
        _unknown_name_fault(connection, reference, as_of, near=number < MAX_NEAREST)
        for number, reference in enumerate(unknown)
    ]
    if faults:
        raise invalid_parameters(faults)


def resolve(connection: Connection, resource: Resource, query: ListQuery) -> ListQuery:
    """Replace the names in a list's filters and in `ids=` by ids; a name of several records means any of them.

    As of a revision, records are found by the names that they have now, but only those that existed then. Raises a
    `Problem` that lists the unknown names.
    """
    references = _references(resource, query)
    if not references:
        return query
    ids = _resolved_ids(connection, references, query.revision)
    _refuse_unknown(connection, [each for each in references if each.key not in ids][:MAX_FAULTS], query.as_of)
    known = resource.kinds

    def resolved(name: str, test: Test) -> Test:
        of = known[name].of
        if of is None or not isinstance(test, AnyOf | NoneOf):
            return test
        return replace(test, values=tuple(id for value in test.values for id in _ids_for_name(ids, of, str(value))))

    tests = {name: tuple(resolved(name, test) for test in tests) for name, tests in query.tests.items()}
    own = tuple(dict.fromkeys(id for name in query.ids for id in _ids_for_name(ids, resource.type, name)))
    return replace(query, tests=tests, ids=own)


def _ids_for_name(ids: Mapping[tuple[str, str], list[str]], type: RecordType, name: str) -> list[str]:
    """The ids of a name. An id means its own record, even where it is a name of other records too."""
    found = ids[type, fold(type, name)]
    return [name] if name in found else found
