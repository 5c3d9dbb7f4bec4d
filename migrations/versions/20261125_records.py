"""Tables for the ten record types with all of their parts."""

import sqlalchemy as sa
from alembic import op

from app.database.engine import Printed, UtcDateTime, text

revision: str = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None

RECORD_TYPES = (
    "sources",
    "products",
    "indications",
    "publications",
    "studies",
    "mechanisms",
    "safety-notes",
    "approvals",
    "dosing",
    "directions",
)


def record_type(name: str) -> sa.Enum:
    return sa.Enum(*RECORD_TYPES, name=name, native_enum=False, create_constraint=True, length=40)


def upgrade() -> None:
    op.create_table(
        "records",
        sa.Column("type", record_type("type"), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("note", text(), nullable=True),
        sa.Column("needs_primary_source", sa.Boolean(), nullable=False),
        sa.Column(
            "evidence_basis",
            sa.Enum(
                "primary", "secondary", name="evidence_basis", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("digest", text(), nullable=False, comment="SHA-256 of the record as it was entered"),
        sa.CheckConstraint("id = lower(id) AND length(id) BETWEEN 1 AND 120", name=op.f("ck_records_id")),
        sa.PrimaryKeyConstraint("type", "id", name=op.f("pk_records")),
    )
    op.create_index("ix_records_evidence_basis", "records", ["type", "evidence_basis", "id"], unique=False)
    op.create_table(
        "absences",
        sa.Column("record_type", record_type("record_type"), nullable=False),
        sa.Column("record_id", text(120), nullable=False),
        sa.Column("field", text(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "not-reported",
                "not-applicable",
                "not-seen",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["record_type", "record_id"],
            ["records.type", "records.id"],
            name=op.f("fk_absences_record_type_record_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_type", "record_id", "field", name=op.f("pk_absences")),
    )
    op.create_table(
        "directions",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("title", text(300), nullable=False),
        sa.Column("statement", text(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("refining", "exploring", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.CheckConstraint("type = 'directions'", name=op.f("ck_directions_type")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_directions_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directions")),
    )
    op.create_index("ix_directions_title", "directions", ["title", "id"], unique=False)
    op.create_table(
        "indications",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("name", text(300), nullable=False),
        sa.Column(
            "category",
            sa.Enum("therapeutic", "aesthetic", name="category", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("description", text(), nullable=True),
        sa.Column("mesh_id", text(), nullable=True),
        sa.Column("mesh_heading", text(300), nullable=True),
        sa.Column(
            "mesh_match",
            sa.Enum(
                "exact",
                "close",
                "broader",
                "narrower",
                name="mesh_match",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("type = 'indications'", name=op.f("ck_indications_type")),
        sa.CheckConstraint(
            "(mesh_id IS NULL) = (mesh_heading IS NULL) AND (mesh_id IS NULL) = (mesh_match IS NULL)",
            name=op.f("ck_indications_mesh_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_indications_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indications")),
    )
    op.create_index("ix_indications_name", "indications", ["name", "id"], unique=False)
    op.create_table(
        "mechanisms",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("title", text(300), nullable=False),
        sa.Column("summary", text(), nullable=True),
        sa.Column("action_type", text(300), nullable=True),
        sa.Column("molecular_target", text(300), nullable=True),
        sa.Column("target_uniprot", text(), nullable=True),
        sa.Column("toxin_uniprot", text(), nullable=True),
        sa.Column("toxin_ec_number", text(), nullable=True),
        sa.Column("tissue", text(300), nullable=True),
        sa.Column("effect", text(1000), nullable=True),
        sa.CheckConstraint("type = 'mechanisms'", name=op.f("ck_mechanisms_type")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_mechanisms_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mechanisms")),
    )
    op.create_index("ix_mechanisms_title", "mechanisms", ["title", "id"], unique=False)
    op.create_table(
        "names",
        sa.Column("record_type", record_type("record_type"), nullable=False),
        sa.Column("record_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("key", text(), nullable=False, comment="The name folded for look-up"),
        sa.Column("exclusive", sa.Boolean(), nullable=False, comment="No other record of the type may have this key"),
        sa.ForeignKeyConstraint(
            ["record_type", "record_id"],
            ["records.type", "records.id"],
            name=op.f("fk_names_record_type_record_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("record_type", "record_id", "position", name=op.f("pk_names")),
    )
    op.create_index("ix_names_key", "names", ["record_type", "key", "record_id"], unique=False)
    op.create_index(
        "uq_names_exclusive_key",
        "names",
        ["record_type", "key"],
        unique=True,
        sqlite_where=sa.text("exclusive"),
        postgresql_where=sa.text("exclusive"),
    )
    op.create_table(
        "products",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("product", "class", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("name", text(300), nullable=False),
        sa.Column(
            "serotype",
            sa.Enum(
                "A", "B", "C", "D", "E", "F", "G", name="serotype", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column("manufacturer", text(300), nullable=True),
        sa.Column("former_manufacturers", sa.JSON(), nullable=False),
        sa.Column("atc_code", text(), nullable=True),
        sa.Column("unii", text(), nullable=True),
        sa.Column("cas_number", text(), nullable=True),
        sa.Column("cas_number_note", text(1000), nullable=True),
        sa.Column("contains_complexing_proteins", sa.Boolean(), nullable=True),
        sa.Column("units_interchangeable", sa.Boolean(), nullable=True),
        sa.CheckConstraint("type = 'products'", name=op.f("ck_products_type")),
        sa.CheckConstraint("length(atc_code) <= 7", name=op.f("ck_products_atc_code")),
        sa.CheckConstraint("length(unii) = 10", name=op.f("ck_products_unii")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_products_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_index("ix_products_name", "products", ["name", "id"], unique=False)
    op.create_table(
        "publications",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                "publication", "body-of-literature", name="scope", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("pmid", text(), nullable=True),
        sa.Column("doi", text(), nullable=True),
        sa.Column("title", text(600), nullable=True),
        sa.Column(
            "title_kind",
            sa.Enum(
                "printed",
                "truncated",
                "descriptive",
                "registry-record",
                name="title_kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("journal", text(300), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("volume", text(300), nullable=True),
        sa.Column("issue", text(300), nullable=True),
        sa.Column("pages", text(300), nullable=True),
        sa.Column("authors_complete", sa.Boolean(), nullable=True),
        sa.Column("abstract", text(), nullable=True),
        sa.Column("summary", text(), nullable=True),
        sa.Column(
            "retraction_state",
            sa.Enum(
                "none",
                "corrected",
                "expression-of-concern",
                "retracted",
                name="retraction_state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.CheckConstraint("type = 'publications'", name=op.f("ck_publications_type")),
        sa.CheckConstraint("year BETWEEN 1800 AND 2100", name=op.f("ck_publications_year")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_publications_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_publications")),
    )
    op.create_index("ix_publications_title", "publications", ["title", "id"], unique=False)
    op.create_index("ix_publications_year", "publications", ["year", "id"], unique=False)
    op.create_table(
        "safety_notes",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "boxed-warning",
                "contraindication",
                "warning",
                "adverse-reaction",
                "interaction",
                "special-population",
                "immunogenicity",
                "tolerability",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", text(300), nullable=False),
        sa.Column("statement", text(), nullable=False),
        sa.CheckConstraint("type = 'safety-notes'", name=op.f("ck_safety_notes_type")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_safety_notes_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safety_notes")),
    )
    op.create_index("ix_safety_notes_kind", "safety_notes", ["kind", "id"], unique=False)
    op.create_index("ix_safety_notes_title", "safety_notes", ["title", "id"], unique=False)
    op.create_table(
        "sources",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "article",
                "bibliographic-record",
                "compilation",
                "label",
                "registry-record",
                "regulator-document",
                "web-page",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "tier",
            sa.Enum(
                "primary",
                "manufacturer",
                "aggregator",
                "other",
                name="tier",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("title", text(1000), nullable=True),
        sa.Column("url", text(), nullable=True),
        sa.Column("publisher", text(300), nullable=True),
        sa.Column("licence", text(300), nullable=True),
        sa.Column("retrieved_on", text(10), nullable=True),
        sa.Column("text", text(), nullable=True),
        sa.Column("text_length", sa.Integer(), nullable=True, comment="In Unicode code points"),
        sa.Column("sha256", text(), nullable=True),
        sa.CheckConstraint("type = 'sources'", name=op.f("ck_sources_type")),
        sa.CheckConstraint(
            "url IS NOT NULL OR text IS NOT NULL OR kind = 'compilation'", name=op.f("ck_sources_findable")
        ),
        sa.CheckConstraint("(text IS NULL) = (sha256 IS NULL)", name=op.f("ck_sources_text_has_sha256")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_sources_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sources")),
    )
    op.create_index("ix_sources_tier", "sources", ["tier", "id"], unique=False)
    op.create_table(
        "studies",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column(
            "scope",
            sa.Enum("study", "body-of-evidence", name="scope", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "standing",
            sa.Enum("current", "superseded", name="standing", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("own_title", text(600), nullable=True),
        sa.Column("title", text(600), nullable=True, comment="Derived: its own, else its first publication's"),
        sa.Column(
            "year", sa.Integer(), nullable=True, comment="Derived: first publication's, else completion's, else start's"
        ),
        sa.Column("acronym", text(300), nullable=True),
        sa.Column("summary", text(), nullable=True),
        sa.Column(
            "design",
            sa.Enum(
                "systematic-review",
                "meta-analysis",
                "pooled-analysis",
                "randomized-controlled-trial",
                "crossover-trial",
                "non-randomized-trial",
                "open-label-extension",
                "cohort",
                "case-control",
                "cross-sectional",
                "case-series",
                "case-report",
                "narrative-review",
                "animal",
                "in-vitro",
                name="design",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("evidence_level", sa.Integer(), nullable=True, comment="Derived: OCEBM 2011 level of the design"),
        sa.Column(
            "masking",
            sa.Enum(
                "none",
                "single-blind",
                "double-blind",
                "triple-blind",
                "quadruple-blind",
                name="masking",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "phase",
            sa.Enum(
                "early-1",
                "1",
                "1-2",
                "2",
                "2-3",
                "3",
                "4",
                name="phase",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "not-yet-recruiting",
                "recruiting",
                "enrolling-by-invitation",
                "active-not-recruiting",
                "suspended",
                "terminated",
                "completed",
                "withdrawn",
                "unknown",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("population", text(1000), nullable=True),
        sa.Column("enrolled", sa.Integer(), nullable=True),
        sa.Column("included_studies", sa.Integer(), nullable=True),
        sa.Column("follow_up_weeks", sa.Integer(), nullable=True),
        sa.Column("start_date", text(10), nullable=True),
        sa.Column("completion_date", text(10), nullable=True),
        sa.Column("conclusion", text(), nullable=True),
        sa.Column("overlaps_note", text(1000), nullable=True),
        sa.Column("overlaps_inferred", sa.Boolean(), nullable=True),
        sa.CheckConstraint("scope = 'study' OR design IS NULL", name=op.f("ck_studies_body_has_no_design")),
        sa.CheckConstraint("type = 'studies'", name=op.f("ck_studies_type")),
        sa.CheckConstraint("enrolled >= 0", name=op.f("ck_studies_enrolled")),
        sa.CheckConstraint("evidence_level BETWEEN 1 AND 5", name=op.f("ck_studies_evidence_level")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_studies_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
    )
    op.create_index("ix_studies_design", "studies", ["design", "id"], unique=False)
    op.create_index("ix_studies_enrolled", "studies", ["enrolled", "id"], unique=False)
    op.create_index("ix_studies_phase", "studies", ["phase", "id"], unique=False)
    op.create_index("ix_studies_title", "studies", ["title", "id"], unique=False)
    op.create_index("ix_studies_year", "studies", ["year", "id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("product_id", text(120), nullable=False),
        sa.Column("indication_id", text(120), nullable=False),
        sa.Column("regulator", text(300), nullable=False),
        sa.Column("date", text(10), nullable=True),
        sa.Column("population", text(300), nullable=True),
        sa.Column("brand_name", text(300), nullable=True),
        sa.Column("application_number", text(300), nullable=True),
        sa.Column("submission", text(300), nullable=True),
        sa.Column("submission_status_date", text(10), nullable=True),
        sa.CheckConstraint("type = 'approvals'", name=op.f("ck_approvals_type")),
        sa.CheckConstraint(
            "submission IS NULL OR application_number IS NOT NULL", name=op.f("ck_approvals_submission_of")
        ),
        sa.ForeignKeyConstraint(["indication_id"], ["indications.id"], name=op.f("fk_approvals_indication_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_approvals_product_id")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_approvals_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
    )
    op.create_index("ix_approvals_date", "approvals", ["date", "id"], unique=False)
    op.create_index("ix_approvals_indication_id", "approvals", ["indication_id", "id"], unique=False)
    op.create_index("ix_approvals_product_id", "approvals", ["product_id", "id"], unique=False)
    op.create_table(
        "direction_fields",
        sa.Column("direction_id", text(120), nullable=False),
        sa.Column(
            "field_of_use",
            sa.Enum("medical", "cosmetic", name="field_of_use", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["direction_id"], ["directions.id"], name=op.f("fk_direction_fields_direction_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("direction_id", "field_of_use", name=op.f("pk_direction_fields")),
    )
    op.create_table(
        "direction_indications",
        sa.Column("direction_id", text(120), nullable=False),
        sa.Column("indication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["direction_id"], ["directions.id"], name=op.f("fk_direction_indications_direction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["indication_id"], ["indications.id"], name=op.f("fk_direction_indications_indication_id")
        ),
        sa.PrimaryKeyConstraint("direction_id", "indication_id", name=op.f("pk_direction_indications")),
    )
    op.create_index(
        "ix_direction_indications_indication_id",
        "direction_indications",
        ["indication_id", "direction_id"],
        unique=False,
    )
    op.create_table(
        "direction_products",
        sa.Column("direction_id", text(120), nullable=False),
        sa.Column("product_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["direction_id"], ["directions.id"], name=op.f("fk_direction_products_direction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_direction_products_product_id")),
        sa.PrimaryKeyConstraint("direction_id", "product_id", name=op.f("pk_direction_products")),
    )
    op.create_index(
        "ix_direction_products_product_id", "direction_products", ["product_id", "direction_id"], unique=False
    )
    op.create_table(
        "dosing",
        sa.Column("type", text(), nullable=False),
        sa.Column("id", text(120), nullable=False),
        sa.Column("product_id", text(120), nullable=False),
        sa.Column("indication_id", text(120), nullable=True),
        sa.Column("population", text(300), nullable=True),
        sa.Column("statement", text(), nullable=True),
        sa.Column("dose", text(1000), nullable=True),
        sa.Column("unit", text(300), nullable=True),
        sa.Column("dose_initial", Printed(), nullable=True),
        sa.Column("dose_min", Printed(), nullable=True),
        sa.Column("dose_max", Printed(), nullable=True),
        sa.Column("dose_min_per_kg", Printed(), nullable=True),
        sa.Column("dose_max_per_kg", Printed(), nullable=True),
        sa.Column("dose_per", text(300), nullable=True),
        sa.Column("max_dose", Printed(), nullable=True),
        sa.Column("max_dose_basis", text(300), nullable=True),
        sa.Column("max_cumulative_dose", Printed(), nullable=True),
        sa.Column("max_cumulative_basis", text(300), nullable=True),
        sa.Column("sites", text(1000), nullable=True),
        sa.Column("retreatment_interval_weeks", sa.Integer(), nullable=True),
        sa.Column("retreatment_interval_weeks_min", sa.Integer(), nullable=True),
        sa.Column("retreatment_interval_months_min", sa.Integer(), nullable=True),
        sa.Column("onset", text(300), nullable=True),
        sa.Column("duration", text(300), nullable=True),
        sa.Column("label_country", text(300), nullable=True),
        sa.CheckConstraint("type = 'dosing'", name=op.f("ck_dosing_type")),
        sa.CheckConstraint("dose IS NOT NULL OR statement IS NOT NULL", name=op.f("ck_dosing_says_something")),
        sa.CheckConstraint("dose_min <= dose_max", name=op.f("ck_dosing_dose_in_order")),
        sa.CheckConstraint("dose_min_per_kg <= dose_max_per_kg", name=op.f("ck_dosing_dose_per_kg_in_order")),
        sa.ForeignKeyConstraint(["indication_id"], ["indications.id"], name=op.f("fk_dosing_indication_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_dosing_product_id")),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["records.type", "records.id"], name=op.f("fk_dosing_type_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dosing")),
    )
    op.create_index("ix_dosing_indication_id", "dosing", ["indication_id", "id"], unique=False)
    op.create_index("ix_dosing_product_id", "dosing", ["product_id", "id"], unique=False)
    op.create_table(
        "mechanism_indications",
        sa.Column("mechanism_id", text(120), nullable=False),
        sa.Column("indication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["indication_id"], ["indications.id"], name=op.f("fk_mechanism_indications_indication_id")
        ),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_mechanism_indications_mechanism_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "indication_id", name=op.f("pk_mechanism_indications")),
    )
    op.create_index(
        "ix_mechanism_indications_indication_id",
        "mechanism_indications",
        ["indication_id", "mechanism_id"],
        unique=False,
    )
    op.create_table(
        "mechanism_products",
        sa.Column("mechanism_id", text(120), nullable=False),
        sa.Column("product_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_mechanism_products_mechanism_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_mechanism_products_product_id")),
        sa.PrimaryKeyConstraint("mechanism_id", "product_id", name=op.f("pk_mechanism_products")),
    )
    op.create_index(
        "ix_mechanism_products_product_id", "mechanism_products", ["product_id", "mechanism_id"], unique=False
    )
    op.create_table(
        "mechanism_serotypes",
        sa.Column("mechanism_id", text(120), nullable=False),
        sa.Column(
            "serotype",
            sa.Enum(
                "A", "B", "C", "D", "E", "F", "G", name="serotype", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_mechanism_serotypes_mechanism_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mechanism_id", "serotype", name=op.f("pk_mechanism_serotypes")),
    )
    op.create_table(
        "mechanism_studies",
        sa.Column("mechanism_id", text(120), nullable=False),
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mechanism_id"], ["mechanisms.id"], name=op.f("fk_mechanism_studies_mechanism_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_mechanism_studies_study_id")),
        sa.PrimaryKeyConstraint("mechanism_id", "study_id", name=op.f("pk_mechanism_studies")),
    )
    op.create_index("ix_mechanism_studies_study_id", "mechanism_studies", ["study_id", "mechanism_id"], unique=False)
    op.create_table(
        "provenance",
        sa.Column("record_type", record_type("record_type"), nullable=False),
        sa.Column("record_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("source_id", text(120), nullable=False),
        sa.Column("section", text(300), nullable=True),
        sa.Column("quote", text(), nullable=True),
        sa.Column("start_offset", sa.Integer(), nullable=True),
        sa.Column("end_offset", sa.Integer(), nullable=True),
        sa.Column("prefix", text(), nullable=True),
        sa.Column("suffix", text(), nullable=True),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "ok", "moved", "gone", "unquoted", name="status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.CheckConstraint("(quote IS NULL) = (status = 'unquoted')", name=op.f("ck_provenance_unquoted")),
        sa.CheckConstraint("(quote IS NULL) = (end_offset IS NULL)", name=op.f("ck_provenance_quote_has_end")),
        sa.CheckConstraint("(quote IS NULL) = (start_offset IS NULL)", name=op.f("ck_provenance_quote_has_start")),
        sa.CheckConstraint("end_offset IS NULL OR end_offset > start_offset", name=op.f("ck_provenance_end")),
        sa.CheckConstraint("start_offset IS NULL OR start_offset >= 0", name=op.f("ck_provenance_start")),
        sa.ForeignKeyConstraint(
            ["record_type", "record_id"],
            ["records.type", "records.id"],
            name=op.f("fk_provenance_record_type_record_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name=op.f("fk_provenance_source_id")),
        sa.PrimaryKeyConstraint("record_type", "record_id", "position", name=op.f("pk_provenance")),
    )
    op.create_index("ix_provenance_source_id", "provenance", ["source_id", "record_type", "record_id"], unique=False)
    op.create_table(
        "publication_authors",
        sa.Column("publication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", text(300), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
            name=op.f("fk_publication_authors_publication_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("publication_id", "position", name=op.f("pk_publication_authors")),
    )
    op.create_index("ix_publication_authors_name", "publication_authors", ["name", "publication_id"], unique=False)
    op.create_table(
        "publication_types",
        sa.Column("publication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", text(300), nullable=False),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publications.id"],
            name=op.f("fk_publication_types_publication_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("publication_id", "position", name=op.f("pk_publication_types")),
    )
    op.create_table(
        "safety_note_frequencies",
        sa.Column("safety_note_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("event", text(300), nullable=False),
        sa.Column("arm", text(300), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=True),
        sa.Column("percent", Printed(), nullable=True),
        sa.CheckConstraint("events <= n", name=op.f("ck_safety_note_frequencies_events_among_n")),
        sa.CheckConstraint("events >= 0", name=op.f("ck_safety_note_frequencies_events")),
        sa.CheckConstraint("n >= 0", name=op.f("ck_safety_note_frequencies_n")),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_safety_note_frequencies_percent")),
        sa.ForeignKeyConstraint(
            ["safety_note_id"],
            ["safety_notes.id"],
            name=op.f("fk_safety_note_frequencies_safety_note_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("safety_note_id", "position", name=op.f("pk_safety_note_frequencies")),
    )
    op.create_index(
        "ix_safety_note_frequencies_event", "safety_note_frequencies", ["event", "safety_note_id"], unique=False
    )
    op.create_table(
        "safety_note_indications",
        sa.Column("safety_note_id", text(120), nullable=False),
        sa.Column("indication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["indication_id"], ["indications.id"], name=op.f("fk_safety_note_indications_indication_id")
        ),
        sa.ForeignKeyConstraint(
            ["safety_note_id"],
            ["safety_notes.id"],
            name=op.f("fk_safety_note_indications_safety_note_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("safety_note_id", "indication_id", name=op.f("pk_safety_note_indications")),
    )
    op.create_index(
        "ix_safety_note_indications_indication_id",
        "safety_note_indications",
        ["indication_id", "safety_note_id"],
        unique=False,
    )
    op.create_table(
        "safety_note_products",
        sa.Column("safety_note_id", text(120), nullable=False),
        sa.Column("product_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_safety_note_products_product_id")),
        sa.ForeignKeyConstraint(
            ["safety_note_id"],
            ["safety_notes.id"],
            name=op.f("fk_safety_note_products_safety_note_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("safety_note_id", "product_id", name=op.f("pk_safety_note_products")),
    )
    op.create_index(
        "ix_safety_note_products_product_id", "safety_note_products", ["product_id", "safety_note_id"], unique=False
    )
    op.create_table(
        "study_arms",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("key", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", text(300), nullable=False),
        sa.Column("dose", text(1000), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.CheckConstraint("n >= 0", name=op.f("ck_study_arms_n")),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name=op.f("fk_study_arms_study_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("study_id", "key", name=op.f("pk_study_arms")),
    )
    op.create_table(
        "study_comparators",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", text(300), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_comparators_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "position", name=op.f("pk_study_comparators")),
    )
    op.create_index("ix_study_comparators_name", "study_comparators", ["name", "study_id"], unique=False)
    op.create_table(
        "study_indications",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("indication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["indication_id"], ["indications.id"], name=op.f("fk_study_indications_indication_id")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_indications_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "indication_id", name=op.f("pk_study_indications")),
    )
    op.create_index(
        "ix_study_indications_indication_id", "study_indications", ["indication_id", "study_id"], unique=False
    )
    op.create_table(
        "study_outcomes",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("measure", text(1000), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "primary", "secondary", "safety", name="role", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "binary",
                "continuous",
                "ratio",
                "descriptive",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("timepoint_weeks", sa.Integer(), nullable=True),
        sa.Column("timepoint_label", text(300), nullable=True),
        sa.Column("analysis_population", text(300), nullable=True),
        sa.Column("p_value", text(), nullable=True, comment="As printed"),
        sa.Column(
            "p_relation",
            sa.Enum("<", "<=", "=", ">=", ">", name="p_relation", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("p_number", Printed(), nullable=True),
        sa.Column(
            "effect_type",
            sa.Enum(
                "mean-difference",
                "standardized-mean-difference",
                "risk-ratio",
                "odds-ratio",
                "hazard-ratio",
                "risk-difference",
                name="effect_type",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("effect_value", Printed(), nullable=True),
        sa.Column("effect_ci_low", Printed(), nullable=True),
        sa.Column("effect_ci_high", Printed(), nullable=True),
        sa.CheckConstraint(
            "(effect_type IS NULL) = (effect_value IS NULL)", name=op.f("ck_study_outcomes_effect_whole")
        ),
        sa.CheckConstraint("(p_value IS NULL) = (p_relation IS NULL)", name=op.f("ck_study_outcomes_p_relation_of_p")),
        sa.CheckConstraint("effect_ci_low <= effect_ci_high", name=op.f("ck_study_outcomes_effect_ci")),
        sa.CheckConstraint("p_number BETWEEN 0 AND 1", name=op.f("ck_study_outcomes_p_number")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_outcomes_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "position", name=op.f("pk_study_outcomes")),
    )
    op.create_table(
        "study_overlaps",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("other_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint("study_id <> other_id", name=op.f("ck_study_overlaps_two_studies")),
        sa.ForeignKeyConstraint(["other_id"], ["studies.id"], name=op.f("fk_study_overlaps_other_id")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_overlaps_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "other_id", name=op.f("pk_study_overlaps")),
    )
    op.create_index("ix_study_overlaps_other_id", "study_overlaps", ["other_id", "study_id"], unique=False)
    op.create_table(
        "study_products",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("product_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_study_products_product_id")),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_products_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "product_id", name=op.f("pk_study_products")),
    )
    op.create_index("ix_study_products_product_id", "study_products", ["product_id", "study_id"], unique=False)
    op.create_table(
        "study_publications",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("publication_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("reports_pooled_data", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(
            ["publication_id"], ["publications.id"], name=op.f("fk_study_publications_publication_id")
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_publications_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "publication_id", name=op.f("pk_study_publications")),
    )
    op.create_index(
        "ix_study_publications_publication_id", "study_publications", ["publication_id", "study_id"], unique=False
    )
    op.create_table(
        "study_adverse_events",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("event", text(300), nullable=False),
        sa.Column("arm", text(120), nullable=False),
        sa.Column("period", text(300), nullable=True),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=True),
        sa.Column("percent", Printed(), nullable=True),
        sa.CheckConstraint("events <= n", name=op.f("ck_study_adverse_events_events_among_n")),
        sa.CheckConstraint("events >= 0", name=op.f("ck_study_adverse_events_events")),
        sa.CheckConstraint("n >= 0", name=op.f("ck_study_adverse_events_n")),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_study_adverse_events_percent")),
        sa.ForeignKeyConstraint(
            ["study_id", "arm"],
            ["study_arms.study_id", "study_arms.key"],
            name=op.f("fk_study_adverse_events_study_id_arm"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_id"], ["studies.id"], name=op.f("fk_study_adverse_events_study_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("study_id", "position", name=op.f("pk_study_adverse_events")),
    )
    op.create_index("ix_study_adverse_events_event", "study_adverse_events", ["event", "study_id"], unique=False)
    op.create_table(
        "study_arm_results",
        sa.Column("study_id", text(120), nullable=False),
        sa.Column("outcome_position", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arm", text(120), nullable=False),
        sa.Column("n", sa.Integer(), nullable=True),
        sa.Column("events", sa.Integer(), nullable=True),
        sa.Column("percent", Printed(), nullable=True),
        sa.Column("mean", Printed(), nullable=True),
        sa.Column("sd", Printed(), nullable=True),
        sa.Column("se", Printed(), nullable=True),
        sa.CheckConstraint("events <= n", name=op.f("ck_study_arm_results_events_among_n")),
        sa.CheckConstraint("events >= 0", name=op.f("ck_study_arm_results_events")),
        sa.CheckConstraint("n >= 0", name=op.f("ck_study_arm_results_n")),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name=op.f("ck_study_arm_results_percent")),
        sa.CheckConstraint("sd >= 0", name=op.f("ck_study_arm_results_sd")),
        sa.CheckConstraint("se >= 0", name=op.f("ck_study_arm_results_se")),
        sa.ForeignKeyConstraint(
            ["study_id", "arm"],
            ["study_arms.study_id", "study_arms.key"],
            name=op.f("fk_study_arm_results_study_id_arm"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "outcome_position"],
            ["study_outcomes.study_id", "study_outcomes.position"],
            name=op.f("fk_study_arm_results_study_id_outcome_position"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("study_id", "outcome_position", "position", name=op.f("pk_study_arm_results")),
    )
    op.create_index("ix_studies_year_desc", "studies", [sa.text("year DESC"), "id"])


def downgrade() -> None:
    op.drop_table("study_arm_results")
    op.drop_table("study_adverse_events")
    op.drop_table("study_publications")
    op.drop_table("study_products")
    op.drop_table("study_overlaps")
    op.drop_table("study_outcomes")
    op.drop_table("study_indications")
    op.drop_table("study_comparators")
    op.drop_table("study_arms")
    op.drop_table("safety_note_products")
    op.drop_table("safety_note_indications")
    op.drop_table("safety_note_frequencies")
    op.drop_table("publication_types")
    op.drop_table("publication_authors")
    op.drop_table("provenance")
    op.drop_table("mechanism_studies")
    op.drop_table("mechanism_serotypes")
    op.drop_table("mechanism_products")
    op.drop_table("mechanism_indications")
    op.drop_table("dosing")
    op.drop_table("direction_products")
    op.drop_table("direction_indications")
    op.drop_table("direction_fields")
    op.drop_table("approvals")
    op.drop_table("studies")
    op.drop_table("sources")
    op.drop_table("safety_notes")
    op.drop_table("publications")
    op.drop_table("products")
    op.drop_table("names")
    op.drop_table("mechanisms")
    op.drop_table("indications")
    op.drop_table("directions")
    op.drop_table("absences")
    op.drop_table("records")
