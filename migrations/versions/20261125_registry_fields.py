"""Fields of studies from registries, whole tables of results, and paths of fields in JSON sources."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.database.engine import Printed, text

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: None = None
depends_on: None = None

WORD = sa.String(40)
JSON = sa.JSON()
COMMENT = "Field of the record to JSON pointer into the source"
COLUMNS: dict[str, dict[str, Any]] = {
    "studies": {
        "allocation": WORD,
        "intervention_model": WORD,
        "observational_model": WORD,
        "time_perspective": WORD,
        "primary_purpose": WORD,
        "enrolled_type": WORD,
        "status_verified_date": text(10),
        "primary_completion_date": text(10),
        "first_posted_date": text(10),
        "results_first_posted_date": text(10),
        "last_updated_date": text(10),
        "sponsor": text(300),
        "why_stopped": text(1000),
        "collaborators": JSON,
        "keywords": JSON,
        "conditions": JSON,
        "interventions": JSON,
        "participant_flow": JSON,
    },
    "study_arms": {"type": WORD, "description": text()},
    "study_outcomes": {
        "description": text(),
        "statistic": WORD,
        "dispersion_type": text(300),
        "unit": text(300),
        "units_analyzed": text(300),
        "analyses": JSON,
    },
    "study_arm_results": {
        "row_title": text(300),
        "category_title": text(300),
        "units_n": sa.Integer(),
        "median": Printed(),
        "value": Printed(),
        "spread": Printed(),
        "lower": Printed(),
        "upper": Printed(),
        "printed": text(300),
        "note": text(1000),
    },
    "study_adverse_events": {
        "serious": sa.Boolean(),
        "organ_system": text(300),
        "assessment": WORD,
        "occurrences": sa.Integer(),
    },
    "provenance": {"paths": JSON},
}


def words(column: str, *known: str) -> str:
    return f"{column} IN ({', '.join(repr(word) for word in known)})"


STATUSES = (
    "not-yet-recruiting",
    "recruiting",
    "enrolling-by-invitation",
    "active-not-recruiting",
    "suspended",
    "terminated",
    "completed",
    "withdrawn",
)
EXPANDED_ACCESS = (
    "available",
    "no-longer-available",
    "temporarily-not-available",
    "approved-for-marketing",
    "withheld",
)
ROLES = ("primary", "secondary", "safety")
PLANNED_OR_NOT = ("other", "post-hoc")
OBSERVATIONAL = (
    "cohort",
    "case-control",
    "case-only",
    "case-crossover",
    "ecologic-or-community",
    "family-based",
    "defined-population",
    "natural-history",
    "other",
)
PURPOSES = (
    "treatment",
    "prevention",
    "diagnostic",
    "ect",
    "supportive-care",
    "screening",
    "health-services-research",
    "basic-science",
    "device-feasibility",
    "other",
)
ARMS = ("experimental", "active-comparator", "placebo-comparator", "sham-comparator", "no-intervention", "other")
STATISTICS = (
    "mean",
    "least-squares-mean",
    "geometric-mean",
    "geometric-least-squares-mean",
    "log-mean",
    "median",
    "number",
    "count-of-participants",
    "count-of-units",
)
BEFORE = {
    "studies": {"status": words("status", *STATUSES, "unknown")},
    "study_outcomes": {"role": words("role", *ROLES)},
}
AFTER = {
    "studies": {
        "status": words("status", *STATUSES, *EXPANDED_ACCESS, "unknown"),
        "allocation": words("allocation", "randomized", "non-randomized"),
        "intervention_model": words(
            "intervention_model", "single-group", "parallel", "crossover", "factorial", "sequential"
        ),
        "observational_model": words("observational_model", *OBSERVATIONAL),
        "time_perspective": words("time_perspective", "retrospective", "prospective", "cross-sectional", "other"),
        "primary_purpose": words("primary_purpose", *PURPOSES),
        "enrolled_type": words("enrolled_type", "actual", "estimated"),
    },
    "study_arms": {"type": words("type", *ARMS)},
    "study_outcomes": {
        "role": words("role", *ROLES, *PLANNED_OR_NOT),
        "statistic": words("statistic", *STATISTICS),
    },
    "study_arm_results": {"units_n": "units_n >= 0"},
    "study_adverse_events": {
        "occurrences": "occurrences >= 0",
        "assessment": words("assessment", "systematic", "non-systematic"),
    },
}


def checks(table: str, old: dict[str, str], new: dict[str, str]) -> None:
    """Replace the CHECK constraints of a table.

    On SQLite, the stored definition of the table is edited, as its documentation allows for changes of constraints
    (https://www.sqlite.org/lang_altertable.html). Rebuilding the table would delete the rows that refer to it.
    """
    if op.get_bind().dialect.name == "postgresql":
        for name in old:
            op.drop_constraint(f"ck_{table}_{name}", table)
        for name, condition in new.items():
            op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
        return
    found = op.get_bind().scalar(sa.text("SELECT sql FROM sqlite_schema WHERE name = :name"), {"name": table})
    first, *body, last = str(found).split("\n")
    gone = tuple(f"CONSTRAINT ck_{table}_{name} " for name in old)
    kept = [line.strip().rstrip(",") for line in body if not line.strip().startswith(gone)]
    added = [f"CONSTRAINT ck_{table}_{name} CHECK ({condition})" for name, condition in new.items()]
    redefine(table, "\n".join([first, ", \n".join(f"\t{line}" for line in (*kept, *added)), last]))


def redefine(table: str, definition: str) -> None:
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema = ON")
    stored = sa.text("UPDATE sqlite_schema SET sql = :sql WHERE type = 'table' AND name = :name")
    connection.execute(stored, {"sql": definition, "name": table})
    connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema = RESET")


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns.items():
            op.add_column(table, sa.Column(name, kind, nullable=True, comment=COMMENT if name == "paths" else None))
    for table, new in AFTER.items():
        checks(table, BEFORE.get(table, {}), new)


def downgrade() -> None:
    """Remove the fields; values that the former schema does not allow become NULL."""
    op.execute(f"UPDATE studies SET status = NULL WHERE {words('status', *EXPANDED_ACCESS)}")
    op.execute(f"UPDATE study_outcomes SET role = NULL WHERE {words('role', *PLANNED_OR_NOT)}")
    for table, new in AFTER.items():
        checks(table, new, BEFORE.get(table, {}))
    for table, columns in COLUMNS.items():
        for name in reversed(columns):
            op.drop_column(table, name)
