"""Alerts: what rests on a publication that was retracted, corrected or doubted by its journal.

    study      its publications
    mechanism  its studies' publications, and whatever these studies cite as below
    any record a source that is the publication itself: an article or bibliographic record at PubMed's address of its
               PMID or at a resolver's of its DOI

A compilation, a registry or a page about a publication is not that publication, so it passes no alert on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, literal, select, union
from sqlalchemy.orm import InstrumentedAttribute

from app.database.engine import table_of
from app.records.base_models import Alert, Provenance, RecordName
from app.records.fields import AlertState, RecordType
from app.records.mechanisms.models import MechanismStudy
from app.records.publications.models import Publication
from app.records.sources.models import Source
from app.records.studies.models import StudyPublication

WORST_FIRST: tuple[AlertState, ...] = ("retracted", "expression-of-concern", "corrected")

_HAS_ALERT = Publication.retraction_state.in_(WORST_FIRST)
_OF_PUBLICATION = and_(RecordName.record_type == "publications", RecordName.record_id == Publication.id)
_IS_PUBLICATION = and_(
    RecordName.key == Source.identifier,
    RecordName.kind.in_(("pmid", "doi")),
    _OF_PUBLICATION,
    _HAS_ALERT,
)
"""A source's publication, by way of the publication's names."""

Owner = InstrumentedAttribute[str]
_Path = tuple[Owner, Select[*tuple[Any, ...]]]
"""Who rests, and the query of `(id, publication, state)` that says on what."""


def _path(owner: Owner, *where: ColumnElement[bool]) -> _Path:
    return owner, select(owner, Publication.id, Publication.retraction_state).where(*where, _HAS_ALERT)


def _paths(type: RecordType) -> Iterator[_Path]:
    yield _path(
        Provenance.record_id,
        Provenance.record_type == type,
        Provenance.source_id == Source.id,
        _IS_PUBLICATION,
        (Provenance.record_type != "publications") | (Provenance.record_id != Publication.id),
    )
    if type == "studies":
        yield _path(StudyPublication.study_id, StudyPublication.publication_id == Publication.id)
    if type == "mechanisms":
        reports = (StudyPublication.study_id == MechanismStudy.study_id, StudyPublication.publication_id)
        yield _path(MechanismStudy.mechanism_id, reports[0], reports[1] == Publication.id)
        cites = (Provenance.record_type == "studies", Provenance.record_id == MechanismStudy.study_id)
        yield _path(MechanismStudy.mechanism_id, *cites, Provenance.source_id == Source.id, _IS_PUBLICATION)


def _alert_rows(type: RecordType, ids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """What some records rest on, of what is marked: `(record type, record id, publication, state)`."""
    found = union(*(query.where(owner.in_(ids)) for owner, query in _paths(type))).subquery()
    return select(literal(type), *found.columns)


def derive_alerts(connection: Connection, type: RecordType, ids: Sequence[str]) -> None:
    """Makes the alerts of some records what their rows say."""
    connection.execute(delete(Alert).where(Alert.record_type == type, Alert.record_id.in_(ids)))
    columns = ["record_type", "record_id", "publication_id", "state"]
    connection.execute(table_of(Alert).insert().from_select(columns, _alert_rows(type, ids)))


def records_citing(connection: Connection, publications: Sequence[str]) -> Iterator[tuple[RecordType, str]]:
    """Who cites a source that is any of some marked publications: no foreign key says so."""
    marked = connection.scalars(select(Publication.id).where(Publication.id.in_(publications), _HAS_ALERT)).all()
    if not marked:
        return
    query = select(Provenance.record_type, Provenance.record_id).where(
        Provenance.source_id == Source.id, _IS_PUBLICATION, Publication.id.in_(marked)
    )
    yield from ((type, id) for type, id in connection.execute(query.distinct()))


def worst_state(states: Sequence[str]) -> AlertState | None:
    return next((state for state in WORST_FIRST if state in states), None)


def _alerts_by_record(rows: Iterable[Any]) -> Mapping[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for id, publication, state in rows:
        found.setdefault(id, set()).add((publication, state))
    return found


def records_with_wrong_alerts(connection: Connection, type: RecordType, ids: Sequence[str]) -> Iterator[str]:
    """Ids of the records whose alerts are not what their rows say."""
    stored = select(Alert.record_id, Alert.publication_id, Alert.state).where(
        Alert.record_type == type, Alert.record_id.in_(ids)
    )
    kept = _alerts_by_record(connection.execute(stored))
    due = _alerts_by_record(row[1:] for row in connection.execute(_alert_rows(type, ids)))
    yield from (id for id in ids if kept.get(id) != due.get(id))
