"""All that a batch of units can find in the database, looked up in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from app.imports.candidates import Unit
from app.imports.linkage.identifiers import pmid_of, reports, texts, tiers
from app.records.base_models import RecordName, fold
from app.records.fields import RecordType
from app.records.studies.models import Study, StudyOverlap, StudyPublication
from app.store.documents import Document
from app.store.reconciliation.history import Known, known_layers
from app.store.rows import among, batches, deleted, known
from app.store.versions import Key

NamedBy = tuple[RecordType, str]
"""A type and a folded name."""

NAMED: tuple[RecordType, ...] = ("studies", "publications", "products", "indications")
"""Types whose records are told apart by their names."""

POOLED = ("pooled-analysis", "meta-analysis", "systematic-review")

MANY = 5000
"""Names that are asked for at once."""


@dataclass(slots=True)
class Looked:
    names: dict[NamedBy, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """`(kind, id)` by what finds it."""
    own: dict[Key, dict[str, set[str]]] = field(default_factory=dict)
    """The names of what was found, by kind."""
    there: set[Key] = field(default_factory=set)
    gone: set[Key] = field(default_factory=set)
    studies: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Studies by a publication that reports them and no other."""
    titles: dict[str, str] = field(default_factory=dict)
    """Studies' own titles, folded."""
    overlapping: set[str] = field(default_factory=set)
    """Studies that share participants with others."""
    pooled: set[str] = field(default_factory=set)
    """Studies of studies: none of them is a trial that is registered."""
    registrations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Studies' registrations, folded, in order."""
    layers: dict[Key, Known] = field(default_factory=dict)
    """Who offered something before, without what."""
    entered: dict[Key, int] = field(default_factory=dict)
    """In which revision a record was last entered."""


def _wanted(units: Iterable[Unit]) -> Iterator[tuple[NamedBy, Key | None]]:
    for unit in units:
        for offer in unit.offers:
            yield from _of_offer(offer.type, offer.data)
        said = [(each.type, each.name) for each in unit.mentions]
        said += [(each.type, each.name) for each in unit.withdrawals]
        yield from (((type, fold(type, name)), (type, name)) for type, name in said)


def _of_offer(type: RecordType, data: object) -> Iterator[tuple[NamedBy, Key | None]]:
    if not isinstance(data, dict):
        return
    for tier in tiers(type, data):
        yield from (((type, identifier.key), None) for identifier in tier)
    for id in texts(data, "id"):
        yield (type, fold(type, id)), (type, id)
    other: RecordType = "publications" if type == "studies" else "studies"
    if type in ("studies", "publications"):
        yield from (((other, fold(other, id)), None) for id in texts(data, "registry_ids"))
    for id in reports(data) if type == "studies" else ():
        yield ("publications", pmid_of(id) or id), ("publications", id)


def look(connection: Connection, units: Iterable[Unit]) -> Looked:
    wanted = list(_wanted(units))
    found = Looked()
    _names(connection, {name for name, _ in wanted}, found)
    keys = {key for _, key in wanted if key}
    keys.update((type, id) for (type, _), ids in found.names.items() for _, id in ids)
    _reported(connection, [id for type, id in keys if type == "publications"], found)
    keys.update(("studies", id) for ids in found.studies.values() for id in ids)
    found.there = set(_typed(known(connection, keys)))
    found.gone = deleted(connection, keys - found.there)
    _own_names(connection, found)
    _told_apart(connection, [id for type, id in found.there if type == "studies"], found)
    found.layers = known_layers(connection, sorted(found.there | found.gone), whole=False)
    _entered(connection, found)
    return found


def _typed(keys: Iterable[tuple[str, str]]) -> Iterator[Key]:
    yield from keys  # type: ignore[misc]  # the types of what was asked for


def _names(connection: Connection, wanted: set[NamedBy], found: Looked) -> None:
    of = (RecordName.record_type, RecordName.key)
    for some in batches(sorted(wanted), MANY):
        query = select(*of, RecordName.kind, RecordName.record_id).where(among(*of, some))
        for type, key, kind, id in connection.execute(query.order_by(RecordName.record_id, RecordName.position)):
            found.names[type, key].append((kind, id))


def _reported(connection: Connection, publications: list[str], found: Looked) -> None:
    of = (StudyPublication.publication_id, StudyPublication.study_id, StudyPublication.reports_pooled_data)
    pooled: set[str] = set()
    for some in batches(publications, MANY):
        query = select(*of).where(StudyPublication.publication_id.in_(some))
        for publication, study, several in connection.execute(query):
            found.studies[publication].add(study)
            pooled |= {publication} if several else set()
    for publication in [id for id, studies in found.studies.items() if len(studies) > 1 or id in pooled]:
        del found.studies[publication]


def _own_names(connection: Connection, found: Looked) -> None:
    of = (RecordName.record_type, RecordName.record_id)
    keys = [key for key in found.there if key[0] in NAMED]
    for some in batches(sorted(keys), MANY):
        query = select(*of, RecordName.kind, RecordName.key).where(among(*of, some))
        for type, id, kind, key in connection.execute(query.order_by(*of, RecordName.position)):
            found.own.setdefault((type, id), {}).setdefault(kind, set()).add(key)
            if type == "studies" and kind == "registry-id":
                found.registrations[id].append(key)


def _told_apart(connection: Connection, studies: list[str], found: Looked) -> None:
    overlaps = select(StudyOverlap.study_id).where(StudyOverlap.study_id == Study.id).exists()
    for some in batches(studies, MANY):
        query = select(Study.id, Study.own_title, Study.design, overlaps)
        for id, title, design, is_overlapping in connection.execute(
            query.where(Study.id.in_(some), Study.scope == "study")
        ):
            found.titles[id] = fold("studies", title or "")
            found.overlapping |= {id} if is_overlapping else set()
            found.pooled |= {id} if design in POOLED else set()


def _entered(connection: Connection, found: Looked) -> None:
    of = (Document.type, Document.id)
    for some in batches(sorted(found.there), MANY):
        query = select(*of, func.max(Document.revision)).where(among(*of, some), Document.entered.is_not(None))
        for type, id, revision in connection.execute(query.group_by(*of)):
            found.entered[type, id] = revision
