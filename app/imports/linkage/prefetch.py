"""Prefetch: reads everything from the database that a batch of units can match, in a fixed number of statements per
batch.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from app.imports.candidates import Json, SourceItem
from app.imports.editions import Edition
from app.imports.linkage.identifiers import pmid_of, reported_publications, texts, tiers
from app.records.base_models import Provenance, RecordName, fold
from app.records.sources.models import Source
from app.records.studies.models import STUDY_OVERLAPS, Study, StudyPublication
from app.records.vocabularies import RecordType
from app.store.documents import Document
from app.store.reconciliation.history import ContributionHistory, contributions_to
from app.store.rows import among, batches, deleted, known
from app.store.versions import Key

NameKey = tuple[RecordType, str]
"""A record type and a folded name."""

NAMED_TYPES: tuple[RecordType, ...] = ("studies", "publications", "products", "indications")
"""The types whose own names are read, to tell their records apart."""

POOLED = ("pooled-analysis", "meta-analysis", "systematic-review")
"""The designs of studies that pool other studies."""

NAMES_PER_QUERY = 5000
"""The number of keys in one statement."""


@dataclass(slots=True)
class Prefetched:
    """The stored data that the candidates of a batch can match."""

    names: dict[NameKey, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    """The kind of name and the id of each record that a folded name identifies."""
    own_names: dict[Key, dict[str, set[str]]] = field(default_factory=dict)
    """All names of the records that were found, by kind."""
    existing: set[Key] = field(default_factory=set)
    deleted_keys: set[Key] = field(default_factory=set)
    studies_by_publication: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The study of each publication that reports exactly one study and no pooled data."""
    study_titles: dict[str, str] = field(default_factory=dict)
    """The folded titles of studies."""
    overlapping_studies: set[str] = field(default_factory=set)
    """Studies that share participants with others."""
    pooled: set[str] = field(default_factory=set)
    """Studies that pool other studies. None of them is itself a registered trial."""
    registrations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The folded registration numbers of studies, in order."""
    layers: dict[Key, ContributionHistory] = field(default_factory=dict)
    """The contributions of earlier imports to each record, without their content."""
    entered_revisions: dict[Key, int] = field(default_factory=dict)
    """The revision in which each record was last entered."""
    editions: dict[str, Edition] = field(default_factory=dict)
    """The edition of each source that is stored."""
    citing: dict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))
    """The records of withdrawable types that cite each source."""


def _lookups(units: Iterable[SourceItem]) -> Iterator[tuple[NameKey, Key | None]]:
    """Yields the names that units refer to, each with the key of the record if the name may be an id."""
    for unit in units:
        for candidate in unit.candidates:
            yield from _candidate_lookups(candidate.type, candidate.data)
        named = [(each.type, each.name) for each in unit.partial_updates]
        named += [(each.type, each.name) for each in unit.withdrawals]
        yield from (((type, fold(type, name)), (type, name)) for type, name in named)


def _candidate_lookups(type: RecordType, data: object) -> Iterator[tuple[NameKey, Key | None]]:
    """Yields the names by which a candidate and the records related to it may be found."""
    if not isinstance(data, dict):
        return
    for tier in tiers(type, data):
        yield from (((type, identifier.key), None) for identifier in tier)
    for id in texts(data, "id"):
        yield (type, fold(type, id)), (type, id)
    if type in ("studies", "publications"):
        yield from _related_lookups(type, data)


def _related_lookups(type: RecordType, data: Json) -> Iterator[tuple[NameKey, Key | None]]:
    """Yields the names of related records.

    A study and a publication may share registration numbers, and a study names the publications that report it, by
    PMID also before they are stored.
    """
    other: RecordType = "publications" if type == "studies" else "studies"
    shared = ("registry_ids",) if type == "studies" else ("registry_ids", "pmid")
    yield from (((other, fold(other, id)), None) for name in shared for id in texts(data, name))
    for id in reported_publications(data) if type == "studies" else ():
        yield ("publications", pmid_of(id) or id), ("publications", id)


def prefetch(
    connection: Connection, units: Iterable[SourceItem], withdrawable: Collection[RecordType] = ()
) -> Prefetched:
    """Reads the data for all units of a batch, and the records of some types that cite the sources of the units."""
    wanted = list(_lookups(units))
    found = Prefetched()
    _fetch_names(connection, {name for name, _ in wanted}, found)
    keys = {key for _, key in wanted if key}
    keys.update((type, id) for (type, _), ids in found.names.items() for _, id in ids)
    _fetch_reported_studies(connection, _ids_of("publications", keys), found)
    keys.update(("studies", id) for ids in found.studies_by_publication.values() for id in ids)
    found.existing = set(_typed(known(connection, keys)))
    found.deleted_keys = deleted(connection, keys - found.existing)
    _fetch_own_names(connection, found)
    _fetch_study_details(connection, _ids_of("studies", found.existing), found)
    sources = _ids_of("sources", found.existing)
    _fetch_editions(connection, sources, found)
    if withdrawable:
        _fetch_citing(connection, sources, withdrawable, found)
    found.layers = contributions_to(connection, sorted(found.existing | found.deleted_keys), whole=False)
    _fetch_entered_revisions(connection, found)
    return found


def _ids_of(type: RecordType, keys: Iterable[Key]) -> list[str]:
    return [id for other, id in keys if other == type]


def _typed(keys: Iterable[tuple[str, str]]) -> Iterator[Key]:
    yield from keys  # type: ignore[misc]  # the types come from the keys of the query


def _fetch_names(connection: Connection, wanted: set[NameKey], found: Prefetched) -> None:
    columns = (RecordName.record_type, RecordName.key)
    for batch in batches(sorted(wanted), NAMES_PER_QUERY):
        query = select(*columns, RecordName.kind, RecordName.record_id).where(among(*columns, batch))
        for type, key, kind, id in connection.execute(query.order_by(RecordName.record_id, RecordName.position)):
            found.names[type, key].append((kind, id))


def _fetch_reported_studies(connection: Connection, publications: list[str], found: Prefetched) -> None:
    """Finds the studies that publications report; drops publications of several studies or of pooled data."""
    columns = (StudyPublication.publication_id, StudyPublication.study_id, StudyPublication.reports_pooled_data)
    pooled: set[str] = set()
    for batch in batches(publications, NAMES_PER_QUERY):
        query = select(*columns).where(StudyPublication.publication_id.in_(batch))
        for publication, study, is_pooled in connection.execute(query):
            found.studies_by_publication[publication].add(study)
            pooled |= {publication} if is_pooled else set()
    for publication in [id for id, studies in found.studies_by_publication.items() if len(studies) > 1 or id in pooled]:
        del found.studies_by_publication[publication]


def _fetch_own_names(connection: Connection, found: Prefetched) -> None:
    columns = (RecordName.record_type, RecordName.record_id)
    keys = [key for key in found.existing if key[0] in NAMED_TYPES]
    for batch in batches(sorted(keys), NAMES_PER_QUERY):
        query = select(*columns, RecordName.kind, RecordName.key).where(among(*columns, batch))
        for type, id, kind, key in connection.execute(query.order_by(*columns, RecordName.position)):
            found.own_names.setdefault((type, id), {}).setdefault(kind, set()).add(key)
            if type == "studies" and kind == "registry-id":
                found.registrations[id].append(key)


def _fetch_study_details(connection: Connection, studies: list[str], found: Prefetched) -> None:
    """Reads what tells studies of one registration apart: title, design, and shared participants."""
    overlaps = select(STUDY_OVERLAPS.owner).where(STUDY_OVERLAPS.owner == Study.id).exists()
    for batch in batches(studies, NAMES_PER_QUERY):
        query = select(Study.id, Study.own_title, Study.design, overlaps)
        for id, title, design, is_overlapping in connection.execute(
            query.where(Study.id.in_(batch), Study.scope == "study")
        ):
            found.study_titles[id] = fold("studies", title or "")
            found.overlapping_studies |= {id} if is_overlapping else set()
            found.pooled |= {id} if design in POOLED else set()


def _fetch_editions(connection: Connection, sources: list[str], found: Prefetched) -> None:
    for batch in batches(sources, NAMES_PER_QUERY):
        query = select(Source.id, Source.version, Source.effective_date).where(Source.id.in_(batch))
        found.editions |= {id: Edition(version, date) for id, version, date in connection.execute(query)}


def _fetch_citing(connection: Connection, sources: list[str], types: Collection[RecordType], found: Prefetched) -> None:
    columns = (Provenance.source_id, Provenance.record_type, Provenance.record_id)
    for batch in batches(sources, NAMES_PER_QUERY):
        query = select(*columns).where(Provenance.source_id.in_(batch), Provenance.record_type.in_(types)).distinct()
        for source, type, id in connection.execute(query):
            found.citing[source].add((type, id))
            found.existing.add((type, id))


def _fetch_entered_revisions(connection: Connection, found: Prefetched) -> None:
    columns = (Document.type, Document.id)
    for batch in batches(sorted(found.existing), NAMES_PER_QUERY):
        query = select(*columns, func.max(Document.revision)).where(
            among(*columns, batch), Document.entered.is_not(None)
        )
        for type, id, revision in connection.execute(query.group_by(*columns)):
            found.entered_revisions[type, id] = revision
