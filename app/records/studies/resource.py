"""The declaration of the record type `studies`: its tables, names, filters, sort keys and texts for search."""

import re
from collections.abc import Iterator, Sequence

from pydantic import BaseModel
from sqlalchemy import Connection, Integer, cast, func, select, update

from app.records.base_filters import cited_filters, name_target
from app.records.filter_declarations import identifier, number, reference, text, when, word
from app.records.link_tables import Linked, Part
from app.records.mechanisms.models import MECHANISM_STUDIES
from app.records.publications.models import Publication
from app.records.resource import (
    EmbeddedRecords,
    Resource,
    Row,
    Rows,
    embed_columns,
    group,
    part_rows,
    pick,
    render_rows,
    row_of,
    shaped_rows,
)
from app.records.studies import parts
from app.records.studies.models import (
    STUDY_INDICATIONS,
    STUDY_OVERLAPS,
    STUDY_PRODUCTS,
    AdverseEvent,
    Arm,
    ArmResult,
    Comparator,
    Outcome,
    Study,
    StudyPublication,
)
from app.records.studies.parts import OutcomeIn
from app.records.studies.rules import EVIDENCE_LEVELS, RULES
from app.records.studies.schemas import StudyIn, StudyOut

COMPARATORS = Linked(Comparator.name, Comparator.study_id)

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


def _columns(study: StudyIn) -> Row:
    level = EVIDENCE_LEVELS[study.design] if study.design else None
    derived = {"own_title": study.title, "title": study.title, "year": _own_year(study), "evidence_level": level}
    return derived | _in_place(study)


def _rows(study: StudyIn) -> Rows:
    owner = {"study_id": study.id}
    reports = (
        {"publication_id": r.publication, "reports_pooled_data": r.reports_pooled_data} for r in study.publications
    )
    return {
        "study_arms": part_rows(owner, shaped_rows(study.arms)),
        "study_outcomes": part_rows(owner, map(_outcome, study.outcomes)),
        "study_arm_results": list(_results(study)),
        "study_adverse_events": part_rows(owner, shaped_rows(study.adverse_events)),
        "study_publications": part_rows(owner, reports),
    }


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
    for link in (STUDY_INDICATIONS, STUDY_PRODUCTS):
        year = select(Study.year).where(Study.id == link.owner).scalar_subquery()
        connection.execute(update(link.part.model).where(link.owner.in_(ids)).values(year=year))


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


def _fields(rows: Rows, found: EmbeddedRecords) -> Row:
    results = group(rows["study_arm_results"], "outcome_position")
    outcomes = [_shown_outcome(row, results.get(row["position"], [])) for row in rows["study_outcomes"]]
    reports = [_report(row, found) for row in rows["study_publications"]]
    return {
        **{name: rows["studies"][0][name] or [] for name in (*IN_PLACE, "collaborators", "keywords")},
        "arms": render_rows(parts.Arm, rows["study_arms"]),
        "outcomes": [pick(parts.OutcomeOut, outcome) for outcome in outcomes],
        "adverse_events": render_rows(parts.AdverseEvent, rows["study_adverse_events"]),
        "publication": reports[0] if reports else None,
        "publications": reports,
        "mechanisms": [found["mechanisms"][id] for id in sorted(m["mechanism_id"] for m in rows["mechanism_studies"])],
    }


STUDIES = Resource(
    type="studies",
    singular="study",
    entered=StudyIn,
    out=StudyOut,
    rules=RULES,
    main=Part(Study, "id"),
    lists={
        "comparators": COMPARATORS,
        "products": STUDY_PRODUCTS,
        "indications": STUDY_INDICATIONS,
        "overlaps_with": STUDY_OVERLAPS,
    },
    named_by={"acronym": "acronym", "registry_ids": "registry-id", "reported_pmids": "reported-pmid"},
    own_parts=(
        Part(Arm, "study_id"),
        Part(Outcome, "study_id"),
        Part(ArmResult, "study_id"),
        Part(AdverseEvent, "study_id"),
        Part(StudyPublication, "study_id"),
    ),
    views=(MECHANISM_STUDIES.reversed.part,),
    more_columns=_columns,
    more_rows=_rows,
    more_fields=_fields,
    embed=embed_columns("studies", "id", "acronym", "title", "design"),
    derive=_derive,
    derived=frozenset(_DERIVED),
    filters={
        **cited_filters("studies"),
        "scope": word(Study.scope, "A study or a body of evidence."),
        "standing": word(Study.standing, "Current or superseded."),
        "design": word(Study.design),
        "evidence_level": number(Study.evidence_level, "1..2", "OCEBM 2011 level, 1 to 5."),
        "allocation": word(Study.allocation),
        "intervention_model": word(Study.intervention_model),
        "observational_model": word(Study.observational_model),
        "time_perspective": word(Study.time_perspective),
        "primary_purpose": word(Study.primary_purpose),
        "arm_type": word(Linked(Arm.type, Arm.study_id), "Role of an arm.", path="arms.type"),
        "masking": word(Study.masking),
        "phase": word(Study.phase),
        "status": word(Study.status),
        "status_verified_date": when(Study.status_verified_date, "2024.."),
        "sponsor": text(Study.sponsor, "Allergan"),
        "title": text(Study.title, "present", "Exact title."),
        "acronym": text(Study.acronym, "COMPEL"),
        "registry_id": identifier(
            name_target("studies", "registry-id"),
            "registration",
            "NCT01516892",
            "Trial registration.",
            path="registry_ids",
        ),
        "product": reference(STUDY_PRODUCTS, "botox", "Product studied.", path="products.id"),
        "indication": reference(STUDY_INDICATIONS, "chronic-migraine", "Condition studied.", path="indications.id"),
        "comparator": text(COMPARATORS, "placebo", "What it was compared with.", path="comparators"),
        "publication": reference(
            Linked(StudyPublication.publication_id, StudyPublication.study_id),
            "20647170",
            "A publication of it.",
            path="publications.id",
        ),
        "mechanism": reference(
            MECHANISM_STUDIES.reversed,
            "snap25-cleavage",
            "Mechanism it supports.",
            path="mechanisms.id",
        ),
        "overlaps_with": reference(
            STUDY_OVERLAPS, "compel", "Shares participants with this study.", path="overlaps_with.id"
        ),
        "adverse_event": text(
            Linked(AdverseEvent.event, AdverseEvent.study_id),
            "dysphagia",
            "Adverse event counted.",
            path="adverse_events.event",
        ),
        "outcome_role": word(Linked(Outcome.role, Outcome.study_id), "Role of an outcome.", path="outcomes.role"),
        "outcome_kind": word(Linked(Outcome.kind, Outcome.study_id), "Kind of an outcome.", path="outcomes.kind"),
        "effect_type": word(
            Linked(Outcome.effect_type, Outcome.study_id), "Kind of an effect estimate.", path="outcomes.effect.type"
        ),
        "enrolled": number(Study.enrolled, "100.."),
        "enrolled_type": word(Study.enrolled_type, "Whether participants were counted or are wanted."),
        "included_studies": number(Study.included_studies, "2..", "Studies included."),
        "follow_up_weeks": number(Study.follow_up_weeks, "24..", "Length of follow-up in weeks."),
        "year": number(Study.year, "2005..2015"),
        "start_date": when(Study.start_date, "2010.."),
        "completion_date": when(Study.completion_date, "..2012-06"),
        "primary_completion_date": when(
            Study.primary_completion_date, "2015..", "When the last data for the primary outcome were collected."
        ),
        "first_posted_date": when(Study.first_posted_date, "2005.."),
        "results_first_posted_date": when(Study.results_first_posted_date, "present"),
        "last_updated_date": when(Study.last_updated_date, "2024.."),
        "conclusion": text(Study.conclusion, "present", "`present` or `missing`."),
    },
    sorted_by=(
        "year",
        "title",
        "acronym",
        "enrolled",
        "design",
        "phase",
        "evidence_level",
        "follow_up_weeks",
        "start_date",
        "completion_date",
        "primary_completion_date",
        "first_posted_date",
        "last_updated_date",
    ),
    texts={
        "title": ("title",),
        "name": ("acronym", "registry_ids", "publications.pmid", "publications.doi"),
        "summary": ("summary",),
        "conclusion": ("conclusion",),
        "population": ("population",),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "condition": ("conditions.name", "conditions.mesh_heading", "keywords"),
        "intervention": ("interventions.name", "interventions.other_names"),
        "sponsor": ("sponsor", "collaborators"),
        "arm": ("arms.name", "arms.dose", "comparators"),
        "outcome": ("outcomes.measure",),
        "event": ("adverse_events.event",),
        "author": ("publication.authors",),
        "journal": ("publication.journal",),
        "mechanism": ("mechanisms.title",),
        "note": ("note", "overlaps_note"),
    },
    example="preempt-1",
)
