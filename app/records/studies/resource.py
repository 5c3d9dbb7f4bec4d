"""The declaration of the record type `studies`: its rows, names and rendering, filters and sort keys."""

import re
from collections.abc import Iterator, Sequence

from pydantic import BaseModel
from sqlalchemy import Connection, Integer, cast, func, select, update

from app.records.base_targets import cited_targets, name_target
from app.records.mechanisms.models import MechanismStudy
from app.records.publications.models import Publication
from app.records.resource import (
    EmbeddedRecords,
    Linked,
    Name,
    Part,
    Resource,
    Row,
    Rows,
    embed_columns,
    embedded,
    group,
    links,
    names_of_kind,
    part_rows,
    pick,
    render_rows,
    row_of,
    shaped_rows,
)
from app.records.studies import parts
from app.records.studies.models import (
    AdverseEvent,
    Arm,
    ArmResult,
    Comparator,
    Outcome,
    Study,
    StudyIndication,
    StudyOverlap,
    StudyProduct,
    StudyPublication,
)
from app.records.studies.parts import OutcomeIn
from app.records.studies.rules import EVIDENCE_LEVELS, RULES
from app.records.studies.schemas import StudyFilter, StudyIn, StudyOut

_P_VALUE = re.compile(r"(<=|>=|<|>|=)?\s*(.+)")


def _p_bound(printed: str | None) -> Row:
    """A printed p value as a relation and a number: `<0.001` is `<` and 0.001, `.05` is `=` and 0.05."""
    found = _P_VALUE.fullmatch(printed) if printed else None
    if found is None:
        return {"p_relation": None, "p_number": None}
    return {"p_relation": found[1] or "=", "p_number": float(found[2])}


IN_PLACE = ("conditions", "interventions", "participant_flow")
"""Parts that are stored as JSON in the study's own row, since nothing joins them or filters by them."""


def _kept(shapes: Sequence[BaseModel]) -> list[Row] | None:
    """Models as JSON without default values, which are added again when the study is rendered."""
    return [shape.model_dump(exclude_defaults=True) for shape in shapes] or None


def _in_place(study: StudyIn) -> Row:
    kept: Row = {name: _kept(getattr(study, name)) for name in IN_PLACE}
    return kept | {"collaborators": study.collaborators or None, "keywords": study.keywords or None}


_EFFECT = {name: f"effect_{name}" for name in parts.Effect.model_fields}
"""The columns of an effect, by its fields."""


def _outcome(outcome: OutcomeIn) -> Row:
    effect = {column: getattr(outcome.effect, name, None) for name, column in _EFFECT.items()}
    return row_of(Outcome, outcome) | effect | _p_bound(outcome.p_value) | {"analyses": _kept(outcome.analyses)}


def _results(study: StudyIn) -> Iterator[Row]:
    for position, outcome in enumerate(study.outcomes):
        owner = {"study_id": study.id, "outcome_position": position}
        yield from part_rows(owner, shaped_rows(outcome.results))


def _own_year(study: StudyIn) -> int | None:
    date = study.completion_date or study.start_date
    return int(date[:4]) if date else None


def _rows(study: StudyIn) -> Rows:
    owner = {"study_id": study.id}
    derived = {"own_title": study.title, "title": study.title, "year": _own_year(study)}
    level = EVIDENCE_LEVELS[study.design] if study.design else None
    reports = (
        {"publication_id": r.publication, "reports_pooled_data": r.reports_pooled_data} for r in study.publications
    )
    return {
        "studies": [row_of(Study, study) | derived | {"evidence_level": level} | _in_place(study)],
        "study_arms": part_rows(owner, shaped_rows(study.arms)),
        "study_outcomes": part_rows(owner, map(_outcome, study.outcomes)),
        "study_arm_results": list(_results(study)),
        "study_adverse_events": part_rows(owner, shaped_rows(study.adverse_events)),
        "study_comparators": links(owner, "name", study.comparators),
        "study_products": links(owner, "product_id", study.products),
        "study_indications": links(owner, "indication_id", study.indications),
        "study_publications": part_rows(owner, reports),
        "study_overlaps": links(owner, "other_id", study.overlaps_with),
    }


def _names(study: StudyIn) -> Iterator[Name]:
    if study.acronym:
        yield "acronym", study.acronym
    yield from (("registry-id", registry_id) for registry_id in study.registry_ids)
    yield from (("reported-pmid", pmid) for pmid in study.reported_pmids)


_FIRST = (StudyPublication.study_id == Study.id, StudyPublication.position == 0)
_OF_FIRST = (*_FIRST, StudyPublication.publication_id == Publication.id)
_DERIVED = {
    "title": func.coalesce(Study.own_title, select(Publication.title).where(*_OF_FIRST).scalar_subquery()),
    "year": func.coalesce(
        select(Publication.year).where(*_OF_FIRST).scalar_subquery(),
        cast(func.substr(func.coalesce(Study.completion_date, Study.start_date), 1, 4), Integer),
    ),
}


def _derive(connection: Connection, ids: Sequence[str]) -> None:
    """Set the title and the year of studies, which may come from the first publication or from the study's dates.

    The year is copied into the link tables too, so that one narrow index filters by a link and sorts by year.
    """
    connection.execute(update(Study).where(Study.id.in_(ids)).values(_DERIVED))
    for link in (StudyIndication, StudyProduct):
        year = select(Study.year).where(Study.id == link.study_id).scalar_subquery()
        connection.execute(update(link).where(link.study_id.in_(ids)).values(year=year))


def _shown_outcome(row: Row, results: list[Row]) -> Row:
    effect = {name: row[column] for name, column in _EFFECT.items()} if row["effect_type"] else None
    bound = {"relation": row["p_relation"], "number": row["p_number"]} if row["p_relation"] else None
    return {
        **row,
        "results": render_rows(parts.ArmResult, results),
        "effect": effect,
        "p_bound": bound,
        "analyses": row["analyses"] or [],
    }


def _report(row: Row, found: EmbeddedRecords) -> Row:
    return found["publications"][row["publication_id"]] | {"reports_pooled_data": row["reports_pooled_data"]}


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    results = group(rows["study_arm_results"], "outcome_position")
    outcomes = [_shown_outcome(row, results.get(row["position"], [])) for row in rows["study_outcomes"]]
    reports = [_report(row, found) for row in rows["study_publications"]]
    return {
        **rows["studies"][0],
        **{name: rows["studies"][0][name] or [] for name in (*IN_PLACE, "collaborators", "keywords")},
        "registry_ids": names_of_kind(rows, "registry-id"),
        "reported_pmids": names_of_kind(rows, "reported-pmid"),
        "comparators": [row["name"] for row in rows["study_comparators"]],
        "products": embedded(found, "products", rows["study_products"], "product_id"),
        "indications": embedded(found, "indications", rows["study_indications"], "indication_id"),
        "arms": render_rows(parts.Arm, rows["study_arms"]),
        "outcomes": [pick(parts.OutcomeOut, outcome) for outcome in outcomes],
        "adverse_events": render_rows(parts.AdverseEvent, rows["study_adverse_events"]),
        "publication": reports[0] if reports else None,
        "publications": reports,
        "overlaps_with": embedded(found, "studies", rows["study_overlaps"], "other_id"),
        "mechanisms": [found["mechanisms"][id] for id in sorted(m["mechanism_id"] for m in rows["mechanism_studies"])],
    }


STUDIES = Resource(
    type="studies",
    singular="study",
    entered=StudyIn,
    out=StudyOut,
    filter=StudyFilter,
    rules=RULES,
    main=Part(Study, "id"),
    parts=(
        Part(Arm, "study_id"),
        Part(Outcome, "study_id"),
        Part(ArmResult, "study_id"),
        Part(AdverseEvent, "study_id"),
        Part(Comparator, "study_id"),
        Part(StudyProduct, "study_id"),
        Part(StudyIndication, "study_id"),
        Part(StudyPublication, "study_id"),
        Part(StudyOverlap, "study_id"),
    ),
    views=(Part(MechanismStudy, "study_id"),),
    rows=_rows,
    names=_names,
    render=_render,
    embed=embed_columns("studies", "id", "acronym", "title", "design"),
    derive=_derive,
    filters={
        **cited_targets("studies"),
        "scope": Study.scope,
        "standing": Study.standing,
        "design": Study.design,
        "evidence_level": Study.evidence_level,
        "allocation": Study.allocation,
        "intervention_model": Study.intervention_model,
        "observational_model": Study.observational_model,
        "time_perspective": Study.time_perspective,
        "primary_purpose": Study.primary_purpose,
        "arm_type": Linked(Arm.type, Arm.study_id),
        "masking": Study.masking,
        "phase": Study.phase,
        "status": Study.status,
        "status_verified_date": Study.status_verified_date,
        "sponsor": Study.sponsor,
        "title": Study.title,
        "acronym": Study.acronym,
        "registry_id": name_target("studies", "registry-id"),
        "product": Linked(StudyProduct.product_id, StudyProduct.study_id, beside={"year": StudyProduct.year}),
        "indication": Linked(
            StudyIndication.indication_id, StudyIndication.study_id, beside={"year": StudyIndication.year}
        ),
        "comparator": Linked(Comparator.name, Comparator.study_id),
        "publication": Linked(StudyPublication.publication_id, StudyPublication.study_id),
        "mechanism": Linked(MechanismStudy.mechanism_id, MechanismStudy.study_id),
        "overlaps_with": Linked(StudyOverlap.other_id, StudyOverlap.study_id),
        "adverse_event": Linked(AdverseEvent.event, AdverseEvent.study_id),
        "outcome_role": Linked(Outcome.role, Outcome.study_id),
        "outcome_kind": Linked(Outcome.kind, Outcome.study_id),
        "effect_type": Linked(Outcome.effect_type, Outcome.study_id),
        "enrolled": Study.enrolled,
        "enrolled_type": Study.enrolled_type,
        "included_studies": Study.included_studies,
        "follow_up_weeks": Study.follow_up_weeks,
        "year": Study.year,
        "start_date": Study.start_date,
        "completion_date": Study.completion_date,
        "primary_completion_date": Study.primary_completion_date,
        "first_posted_date": Study.first_posted_date,
        "results_first_posted_date": Study.results_first_posted_date,
        "last_updated_date": Study.last_updated_date,
        "conclusion": Study.conclusion,
    },
    sorts={
        "id": Study.id,
        "year": Study.year,
        "title": Study.title,
        "acronym": Study.acronym,
        "enrolled": Study.enrolled,
        "design": Study.design,
        "phase": Study.phase,
        "evidence_level": Study.evidence_level,
        "follow_up_weeks": Study.follow_up_weeks,
        "start_date": Study.start_date,
        "completion_date": Study.completion_date,
        "primary_completion_date": Study.primary_completion_date,
        "first_posted_date": Study.first_posted_date,
        "last_updated_date": Study.last_updated_date,
    },
    includes={
        "products": "products",
        "indications": "indications",
        "publication": "publications",
        "publications": "publications",
        "overlaps_with": "studies",
        "mechanisms": "mechanisms",
    },
    example="preempt-1",
)
