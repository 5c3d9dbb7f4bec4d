"""Mechanisms in and out of their tables."""

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
from app.records.resource import Found, Linked, Name, Part, Resource, Row, Rows, columns, links


def rows(mechanism: MechanismIn) -> Rows:
    owner = {"mechanism_id": mechanism.id}
    return {
        "mechanisms": [columns(Mechanism, mechanism)],
        "mechanism_serotypes": links(owner, "serotype", mechanism.serotypes),
        "mechanism_products": links(owner, "product_id", mechanism.products),
        "mechanism_studies": links(owner, "study_id", mechanism.studies),
        "mechanism_indications": links(owner, "indication_id", mechanism.indications),
    }


def names(mechanism: MechanismIn) -> Iterator[Name]:
    yield from (("uniprot", code) for code in (mechanism.target_uniprot, mechanism.toxin_uniprot) if code)


def render(rows: Rows, found: Found) -> Row:
    indications = rows["mechanism_indications"]
    return {
        **rows["mechanisms"][0],
        "serotypes": [row["serotype"] for row in rows["mechanism_serotypes"]],
        "products": [found["products"][row["product_id"]] for row in rows["mechanism_products"]],
        "studies": [found["studies"][row["study_id"]] for row in rows["mechanism_studies"]],
        "indications": [found["indications"][row["indication_id"]] for row in indications],
    }


def embed(rows: Rows) -> Row:
    mechanism = rows["mechanisms"][0]
    return {"id": mechanism["id"], "title": mechanism["title"]}


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
    rows=rows,
    names=names,
    render=render,
    embed=embed,
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
