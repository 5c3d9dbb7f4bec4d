"""SQL that copies our rows into the tables of a Django app: one per model, with integer keys and indexed foreign keys.

The rows of a study lie side by side. Only what a study's document shows is copied. There are no alerts to copy.
"""

STUDIES = """
CREATE TABLE rival_study (
    number INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, scope TEXT, standing TEXT, title TEXT, acronym TEXT,
    summary TEXT, design TEXT, masking TEXT, phase TEXT, status TEXT, population TEXT, enrolled INTEGER,
    included_studies INTEGER, follow_up_weeks INTEGER, start_date TEXT, completion_date TEXT, conclusion TEXT,
    overlaps_note TEXT, overlaps_inferred BOOLEAN, note TEXT, needs_primary_source BOOLEAN, evidence_basis TEXT,
    year INTEGER, evidence_level INTEGER
);
INSERT INTO rival_study
SELECT number, whole.id, scope, standing, whole.title, whole.acronym, whole.summary, whole.design, masking, whole.phase,
    whole.status, whole.population, whole.enrolled, included_studies, whole.follow_up_weeks, start_date,
    completion_date, whole.conclusion, overlaps_note, overlaps_inferred, note, needs_primary_source, evidence_basis,
    whole.year, evidence_level
FROM studies JOIN ours.studies AS whole ON whole.id = studies.id
JOIN ours.records AS shared ON shared.type = 'studies' AND shared.id = studies.id ORDER BY number;
CREATE TABLE rival_product (id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
INSERT INTO rival_product SELECT id, name FROM ours.products;
CREATE TABLE rival_indication (id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID;
INSERT INTO rival_indication SELECT id, name FROM ours.indications;
CREATE TABLE rival_mechanism (id TEXT PRIMARY KEY, title TEXT) WITHOUT ROWID;
INSERT INTO rival_mechanism SELECT id, title FROM ours.mechanisms;
CREATE TABLE rival_source (number INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, tier TEXT, url TEXT);
INSERT INTO rival_source SELECT NULL, id, tier, url FROM ours.sources ORDER BY id;
CREATE TABLE rival_publication (
    number INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, pmid TEXT, doi TEXT, title TEXT, journal TEXT, year INTEGER,
    volume TEXT, issue TEXT, pages TEXT, authors_complete BOOLEAN, retraction_state TEXT
);
INSERT INTO rival_publication
SELECT NULL, id, pmid, doi, title, journal, year, volume, issue, pages, authors_complete, retraction_state
FROM ours.publications ORDER BY id;
CREATE TABLE rival_author (
    number INTEGER PRIMARY KEY, publication_id INTEGER NOT NULL REFERENCES rival_publication, position INTEGER,
    name TEXT
);
INSERT INTO rival_author
SELECT NULL, owner.number, position, name FROM ours.publication_authors
JOIN rival_publication AS owner ON owner.slug = publication_id ORDER BY owner.number, position;
CREATE INDEX rival_author_publication ON rival_author (publication_id, position);
CREATE TABLE rival_result (
    number INTEGER PRIMARY KEY, outcome_id INTEGER NOT NULL REFERENCES rival_outcome, position INTEGER, arm TEXT,
    n INTEGER, events INTEGER, percent REAL, mean REAL, sd REAL, se REAL
);
"""

_OWNED = """
CREATE TABLE rival_{name} (
    number INTEGER PRIMARY KEY, study_id INTEGER NOT NULL REFERENCES rival_study, {columns}
);
INSERT INTO rival_{name}
SELECT NULL, owner.number, {read} FROM ours.{table} AS part {joined}
JOIN rival_study AS owner ON owner.slug = {study} ORDER BY owner.number, {order};
CREATE INDEX rival_{name}_study ON rival_{name} (study_id, {order_column});
"""

_OUTCOME = (
    "measure",
    "role",
    "kind",
    "timepoint_weeks",
    "timepoint_label",
    "analysis_population",
    "p_value",
    "p_relation",
    "p_number",
    "effect_type",
    "effect_value",
    "effect_ci_low",
    "effect_ci_high",
)
_QUOTE = ("section", "quote", "start_offset", "end_offset", "prefix", "suffix", "checked_at", "status")


def _owned(
    name: str,
    table: str,
    *columns: str,
    refers: tuple[str, str, str] | None = None,
    where: str = "",
    order: str = "position",
) -> str:
    """SQL for a table whose rows belong to studies.

    `refers` describes a foreign key: the column here, the column in our table and the table that it refers to.
    """
    here, there, target = refers or ("", "", "")
    joined = f"JOIN rival_{target} AS target ON target.slug = part.{there}" if refers else ""
    read = [*(["target.number"] if refers else []), *(f"part.{column}" for column in columns)]
    names = [*([here] if refers else []), *columns]
    study = "part.record_id" if "record_type" in where else "part.study_id"
    made = _OWNED.format(
        name=name,
        columns=", ".join(names),
        read=", ".join(read),
        table=table,
        joined=joined,
        study=study + where,
        order=f"part.{order}",
        order_column=order,
    )
    return made


_OF_STUDIES = " AND part.record_type = 'studies'"

OWNED = (
    _owned("registration", "names", "position", "name", where=f"{_OF_STUDIES} AND part.kind = 'registry-id'"),
    _owned("comparator", "study_comparators", "position", "name"),
    _owned("arm", "study_arms", "position", "key", "name", "dose", "n"),
    _owned("event", "study_adverse_events", "position", "event", "arm", "period", "n", "events", "percent"),
    _owned("outcome", "study_outcomes", "position", *_OUTCOME),
    _owned("studyproduct", "study_products", "position", "product_id"),
    _owned("studyindication", "study_indications", "position", "indication_id", "year"),
    _owned(
        "report",
        "study_publications",
        "position",
        "reports_pooled_data",
        refers=("publication_id", "publication_id", "publication"),
    ),
    _owned("overlap", "study_overlaps", "position", refers=("other_id", "other_id", "study")),
    _owned("studymechanism", "mechanism_studies", "mechanism_id", order="mechanism_id"),
    _owned("absence", "absences", "field", "reason", where=_OF_STUDIES, order="field"),
    _owned(
        "provenance", "provenance", "position", *_QUOTE, refers=("source_id", "source_id", "source"), where=_OF_STUDIES
    ),
)

LAST = """
INSERT INTO rival_result
SELECT NULL, outcome.number, part.position, part.arm, part.n, part.events, part.percent, part.mean, part.sd, part.se
FROM rival_study AS owner JOIN rival_outcome AS outcome ON outcome.study_id = owner.number
JOIN ours.study_arm_results AS part ON part.study_id = owner.slug AND part.outcome_position = outcome.position
ORDER BY outcome.number, part.position;
CREATE INDEX rival_result_outcome ON rival_result (outcome_id, position);
CREATE INDEX rival_studyindication_page ON rival_studyindication (indication_id, year);
CREATE INDEX rival_studyproduct_product ON rival_studyproduct (product_id);
"""

TABLES = "".join((STUDIES, *OWNED, LAST))
