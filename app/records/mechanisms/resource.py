"""The declaration of the record type `mechanisms`: its rows, names and rendering, filters and sort keys."""

from collections.abc import Iterator

from app.records.base_targets import cited_targets
from app.records.mechanisms.models import (
    Mechanism,
    MechanismIndication,
    MechanismProduct,
    MechanismSerotype,
    MechanismStudy,
)
from app.records.mechanisms.rules import RULES
from app.records.mechanisms.schemas import MechanismFilter, MechanismIn, MechanismOut
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
    links,
    row_of,
)


def _rows(mechanism: MechanismIn) -> Rows:
    owner = {"mechanism_id": mechanism.id}
    return {
        "mechanisms": [row_of(Mechanism, mechanism)],
        "mechanism_serotypes": links(owner, "serotype", mechanism.serotypes),
        "mechanism_products": links(owner, "product_id", mechanism.products),
        "mechanism_studies": links(owner, "study_id", mechanism.studies),
        "mechanism_indications": links(owner, "indication_id", mechanism.indications),
    }


def _names(mechanism: MechanismIn) -> Iterator[Name]:
    yield from (("uniprot", code) for code in (mechanism.target_uniprot, mechanism.toxin_uniprot) if code)


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    return {
        **rows["mechanisms"][0],
        "serotypes": [row["serotype"] for row in rows["mechanism_serotypes"]],
        "products": embedded(found, "products", rows["mechanism_products"], "product_id"),
        "studies": embedded(found, "studies", rows["mechanism_studies"], "study_id"),
        "indications": embedded(found, "indications", rows["mechanism_indications"], "indication_id"),
    }


MECHANISMS = Resource(
    type="mechanisms",
    singular="mechanism",
    entered=MechanismIn,
    out=MechanismOut,
    filter=MechanismFilter,
    rules=RULES,
    main=Part(Mechanism, "id"),
    parts=(
        Part(MechanismSerotype, "mechanism_id"),
        Part(MechanismProduct, "mechanism_id"),
        Part(MechanismStudy, "mechanism_id"),
        Part(MechanismIndication, "mechanism_id"),
    ),
    rows=_rows,
    names=_names,
    render=_render,
    embed=embed_columns("mechanisms", "id", "title"),
    filters={
        **cited_targets("mechanisms"),
        "title": Mechanism.title,
        "action_type": Mechanism.action_type,
        "molecular_target": Mechanism.molecular_target,
        "target_uniprot": Mechanism.target_uniprot,
        "toxin_uniprot": Mechanism.toxin_uniprot,
        "tissue": Mechanism.tissue,
        "serotype": Linked(MechanismSerotype.serotype, MechanismSerotype.mechanism_id),
        "product": Linked(MechanismProduct.product_id, MechanismProduct.mechanism_id),
        "study": Linked(MechanismStudy.study_id, MechanismStudy.mechanism_id),
        "indication": Linked(MechanismIndication.indication_id, MechanismIndication.mechanism_id),
    },
    sorts={
        "id": Mechanism.id,
        "title": Mechanism.title,
        "action_type": Mechanism.action_type,
        "molecular_target": Mechanism.molecular_target,
        "tissue": Mechanism.tissue,
    },
    includes={"products": "products", "studies": "studies", "indications": "indications"},
    example="snap25-cleavage",
)
