"""The declaration of the record type `indications`: its tables, names, filters, sort keys and texts for search."""

from collections.abc import Iterator

from app.records.approvals.models import Approval
from app.records.base_filters import cited_filters, name_target
from app.records.filter_declarations import identifier, reference, text, word
from app.records.indications.models import Indication
from app.records.indications.rules import RULES
from app.records.indications.schemas import IndicationIn, IndicationOut
from app.records.link_tables import Linked, Part
from app.records.resource import EmbeddedRecords, Name, Resource, Row, Rows, embed_columns


def _columns(indication: IndicationIn) -> Row:
    return {f"mesh_{name}": getattr(indication.mesh, name, None) for name in ("id", "heading", "match")}


def _mesh_name(indication: IndicationIn) -> Iterator[Name]:
    if indication.mesh:
        yield "mesh-id", indication.mesh.id


def _mesh(row: Row) -> Row | None:
    if row["mesh_id"] is None:
        return None
    return {"id": row["mesh_id"], "heading": row["mesh_heading"], "match": row["mesh_match"]}


def _status(approval: Row, found: EmbeddedRecords) -> Row:
    product = found["products"][approval["product_id"]]
    return {name: approval[name] for name in ("id", "regulator", "date", "population")} | {"product": product}


def _fields(rows: Rows, found: EmbeddedRecords) -> Row:
    approvals = sorted(rows["approvals"], key=lambda row: (row["date"] or "9999", row["id"]))
    return {
        "mesh": _mesh(rows["indications"][0]),
        "regulatory_status": [_status(approval, found) for approval in approvals],
    }


INDICATIONS = Resource(
    type="indications",
    singular="indication",
    entered=IndicationIn,
    out=IndicationOut,
    rules=RULES,
    main=Part(Indication, "id"),
    views=(Part(Approval, "indication_id"),),
    named_by={"name": "name", "synonyms": "synonym"},
    more_columns=_columns,
    more_names=_mesh_name,
    more_fields=_fields,
    embed=embed_columns("indications", "id", "name"),
    filters={
        **cited_filters("indications"),
        "name": text(Indication.name, "Chronic migraine"),
        "category": word(Indication.category),
        "synonym": text(name_target("indications", "synonym"), "OAB", "Another name.", path="synonyms"),
        "mesh_id": identifier(Indication.mesh_id, "mesh", "D008881", "MeSH descriptor.", path="mesh.id"),
        "mesh_match": word(Indication.mesh_match, "How well the descriptor fits.", path="mesh.match"),
        "approved_by": text(
            Linked(Approval.regulator, Approval.indication_id),
            "FDA",
            "Regulator that approved a product for it.",
            path="regulatory_status.regulator",
        ),
        "approved_product": reference(
            Linked(Approval.product_id, Approval.indication_id),
            "onabotulinumtoxina",
            "Product approved for it.",
            path="regulatory_status.product.id",
        ),
        "product": reference(
            Linked(Approval.product_id, Approval.indication_id),
            "botox",
            "Product that is approved for it, by any regulator.",
            path="regulatory_status.product.id",
        ),
    },
    sorted_by=("name", "category", "mesh_id"),
    texts={
        "title": ("name",),
        "name": ("synonyms", "mesh.id", "mesh.heading"),
        "description": ("description",),
        "note": ("note",),
    },
    example="chronic-migraine",
)
