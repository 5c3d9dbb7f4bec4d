"""Alerts: records that rest on a publication that was retracted, corrected or got an expression of concern.

A record rests on a publication by these paths:

    study       its publications
    mechanism   the publications of its studies, and the sources that these studies cite, as below
    any record  a source that is the publication itself: an article or bibliographic record whose address consists of
                PubMed's or a DOI resolver's address and the publication's PMID or DOI

A compilation, a registry or a page about a publication is not that publication, so citing it raises no alert.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, literal, select, union
from sqlalchemy.orm import InstrumentedAttribute

from app.database.engine import table_of
from app.records.base_models import Alert, Provenance, RecordName
from app.records.mechanisms.models import MECHANISM_STUDIES
from app.records.publications.models import Publication
from app.records.sources.models import Source
from app.records.studies.models import StudyPublication
from app.records.vocabularies import AlertState, RecordType

WORST_FIRST: tuple[AlertState, ...] = ("retracted", "expression-of-concern", "corrected")

_HAS_ALERT = Publication.retraction_state.in_(WORST_FIRST)
_OF_PUBLICATION = and_(RecordName.record_type == "publications", RecordName.record_id == Publication.id)
_IS_PUBLICATION = and_(
    RecordName.key == Source.identifier,
    RecordName.kind.in_(("pmid", "doi")),
    _OF_PUBLICATION,
    _HAS_ALERT,
)
"""Joins a source to the publication that it is, by the publication's names, if that has an alert."""

Owner = InstrumentedAttribute[str]
_Path = tuple[Owner, Select[*tuple[Any, ...]]]
"""The column of the record's id, and the query of `(record id, publication, state)` along one path."""


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
        reports = (StudyPublication.study_id == MECHANISM_STUDIES.column, StudyPublication.publication_id)
        yield _path(MECHANISM_STUDIES.owner, reports[0], reports[1] == Publication.id)
        cites = (Provenance.record_type == "studies", Provenance.record_id == MECHANISM_STUDIES.column)
        yield _path(MECHANISM_STUDIES.owner, *cites, Provenance.source_id == Source.id, _IS_PUBLICATION)


def _alert_rows(type: RecordType, ids: Sequence[str]) -> Select[*tuple[Any, ...]]:
    """The alerts of some records by all paths: `(record type, record id, publication, state)`."""
    found = union(*(query.where(owner.in_(ids)) for owner, query in _paths(type))).subquery()
    return select(literal(type), *found.columns)


def derive_alerts(connection: Connection, type: RecordType, ids: Sequence[str]) -> None:
    """Replace the stored alerts of some records by those that follow from their rows."""
    connection.execute(delete(Alert).where(Alert.record_type == type, Alert.record_id.in_(ids)))
    columns = ["record_type", "record_id", "publication_id", "state"]
    connection.execute(table_of(Alert).insert().from_select(columns, _alert_rows(type, ids)))


def records_citing(connection: Connection, publications: Sequence[str]) -> Iterator[tuple[RecordType, str]]:
    """The records that cite a source that is one of the publications, if that has an alert.

    No foreign key joins a source to its publication, so `rendering.dependents` alone would not find them.
    """
    marked = connection.scalars(select(Publication.id).where(Publication.id.in_(publications), _HAS_ALERT)).all()
    if not marked:
        return
    query = select(Provenance.record_type, Provenance.record_id).where(
        Provenance.source_id == Source.id, _IS_PUBLICATION, Publication.id.in_(marked)
    )
    yield from ((type, id) for type, id in connection.execute(query.distinct()))


def worst_state(states: Sequence[str]) -> AlertState | None:
    """The worst of some alert states, or nothing if there is none."""
    return next((state for state in WORST_FIRST if state in states), None)


def _alerts_by_record(rows: Iterable[Any]) -> Mapping[str, set[tuple[str, str]]]:
    found: dict[str, set[tuple[str, str]]] = {}
    for id, publication, state in rows:
        found.setdefault(id, set()).add((publication, state))
    return found


def records_with_wrong_alerts(connection: Connection, type: RecordType, ids: Sequence[str]) -> Iterator[str]:
    """The ids of the records whose stored alerts differ from those that follow from their rows."""
    stored = select(Alert.record_id, Alert.publication_id, Alert.state).where(
        Alert.record_type == type, Alert.record_id.in_(ids)
    )
    kept = _alerts_by_record(connection.execute(stored))
    due = _alerts_by_record(row[1:] for row in connection.execute(_alert_rows(type, ids)))
    yield from (id for id in ids if kept.get(id) != due.get(id))
