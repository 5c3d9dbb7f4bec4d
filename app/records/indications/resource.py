"""The declaration of the record type `indications`: its rows, names and rendering, filters and sort keys."""

from collections.abc import Iterator

from app.records.approvals.models import Approval
from app.records.base_targets import cited_targets, name_target
from app.records.indications.models import Indication
from app.records.indications.rules import RULES
from app.records.indications.schemas import IndicationFilter, IndicationIn, IndicationOut
from app.records.resource import (
    EmbeddedRecords,
    Linked,
    Name,
    Part,
    Resource,
    Row,
    Rows,
    embed_columns,
    names_of_kind,
    row_of,
)


def _rows(indication: IndicationIn) -> Rows:
    mesh = indication.mesh
    code = {f"mesh_{name}": getattr(mesh, name, None) for name in ("id", "heading", "match")}
    return {"indications": [row_of(Indication, indication, **code)]}


def _names(indication: IndicationIn) -> Iterator[Name]:
    yield "name", indication.name
    yield from (("synonym", name) for name in indication.synonyms)
    if indication.mesh:
        yield "mesh-id", indication.mesh.id


def _mesh(row: Row) -> Row | None:
    if row["mesh_id"] is None:
        return None
    return {"id": row["mesh_id"], "heading": row["mesh_heading"], "match": row["mesh_match"]}


def _status(approval: Row, found: EmbeddedRecords) -> Row:
    product = found["products"][approval["product_id"]]
    return {name: approval[name] for name in ("id", "regulator", "date", "population")} | {"product": product}


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    indication = rows["indications"][0]
    approvals = sorted(rows["approvals"], key=lambda row: (row["date"] or "9999", row["id"]))
    return {
        **indication,
        "synonyms": names_of_kind(rows, "synonym"),
        "mesh": _mesh(indication),
        "regulatory_status": [_status(approval, found) for approval in approvals],
    }


INDICATIONS = Resource(
    type="indications",
    singular="indication",
    entered=IndicationIn,
    out=IndicationOut,
    filter=IndicationFilter,
    rules=RULES,
    main=Part(Indication, "id"),
    views=(Part(Approval, "indication_id"),),
    rows=_rows,
    names=_names,
    render=_render,
    embed=embed_columns("indications", "id", "name"),
    filters={
        **cited_targets("indications"),
        "name": Indication.name,
        "category": Indication.category,
        "synonym": name_target("indications", "synonym"),
        "mesh_id": Indication.mesh_id,
        "mesh_match": Indication.mesh_match,
        "approved_by": Linked(Approval.regulator, Approval.indication_id),
        "product": Linked(Approval.product_id, Approval.indication_id),
        "approved_product": Linked(Approval.product_id, Approval.indication_id),
    },
    sorts={
        "id": Indication.id,
        "name": Indication.name,
        "category": Indication.category,
        "mesh_id": Indication.mesh_id,
    },
    includes={"regulatory_status": "approvals"},
    example="chronic-migraine",
)
