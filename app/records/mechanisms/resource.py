"""The declaration of the record type `mechanisms`: its tables, names, filters, sort keys and texts for search."""

from app.records.base_filters import cited_filters
from app.records.filter_declarations import coded, reference, text, word
from app.records.link_tables import Linked, Part
from app.records.mechanisms.models import (
    MECHANISM_INDICATIONS,
    MECHANISM_PRODUCTS,
    MECHANISM_STUDIES,
    Mechanism,
    MechanismSerotype,
)
from app.records.mechanisms.rules import RULES
from app.records.mechanisms.schemas import UNIPROT, MechanismIn, MechanismOut
from app.records.resource import Resource, embed_columns

SEROTYPES = Linked(MechanismSerotype.serotype, MechanismSerotype.mechanism_id)

MECHANISMS = Resource(
    type="mechanisms",
    singular="mechanism",
    entered=MechanismIn,
    out=MechanismOut,
    rules=RULES,
    main=Part(Mechanism, "id"),
    lists={
        "serotypes": SEROTYPES,
        "products": MECHANISM_PRODUCTS,
        "studies": MECHANISM_STUDIES,
        "indications": MECHANISM_INDICATIONS,
    },
    named_by={"target_uniprot": "uniprot", "toxin_uniprot": "uniprot"},
    embed=embed_columns("mechanisms", "id", "title"),
    filters={
        **cited_filters("mechanisms"),
        "title": text(Mechanism.title, "present", "Exact title."),
        "action_type": text(Mechanism.action_type, "inhibitor"),
        "molecular_target": text(Mechanism.molecular_target, "SNAP-25"),
        "target_uniprot": coded(Mechanism.target_uniprot, UNIPROT, "P60880"),
        "toxin_uniprot": coded(Mechanism.toxin_uniprot, UNIPROT, "P0DPI1"),
        "tissue": text(Mechanism.tissue, "Neuromuscular junction"),
        "serotype": word(SEROTYPES, "Serotype it is known of.", path="serotypes"),
        "product": reference(MECHANISM_PRODUCTS, "botox", "Product it is stated of.", path="products.id"),
        "study": reference(MECHANISM_STUDIES, "preempt-1", "Study that supports it.", path="studies.id"),
        "indication": reference(
            MECHANISM_INDICATIONS, "chronic-migraine", "Condition it matters for.", path="indications.id"
        ),
    },
    sorted_by=("title", "action_type", "molecular_target", "tissue"),
    texts={
        "title": ("title",),
        "name": ("toxin_uniprot", "target_uniprot", "toxin_ec_number"),
        "summary": ("summary",),
        "target": ("molecular_target", "tissue"),
        "effect": ("effect", "action_type"),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "note": ("note",),
    },
    example="snap25-cleavage",
)
