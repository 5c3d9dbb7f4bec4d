"""The declaration of the record type `approvals`: its rows, names and rendering, filters and sort keys."""

from collections.abc import Iterator

from app.records.approvals.models import Approval
from app.records.approvals.rules import RULES
from app.records.approvals.schemas import ApprovalFilter, ApprovalIn, ApprovalOut
from app.records.base_targets import cited_targets
from app.records.resource import EmbeddedRecords, Name, Part, Resource, Row, Rows, embed_columns, row_of


def _rows(approval: ApprovalIn) -> Rows:
    refers = {"product_id": approval.product, "indication_id": approval.indication}
    return {"approvals": [row_of(Approval, approval) | refers]}


def _names(approval: ApprovalIn) -> Iterator[Name]:
    if approval.application_number:
        yield "application", approval.application_number


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    approval = rows["approvals"][0]
    return {
        **approval,
        "product": found["products"][approval["product_id"]],
        "indication": found["indications"][approval["indication_id"]],
    }


APPROVALS = Resource(
    type="approvals",
    singular="approval",
    entered=ApprovalIn,
    out=ApprovalOut,
    filter=ApprovalFilter,
    rules=RULES,
    main=Part(Approval, "id"),
    rows=_rows,
    names=_names,
    render=_render,
    embed=embed_columns("approvals", "id"),
    filters={
        **cited_targets("approvals"),
        "product": Approval.product_id,
        "indication": Approval.indication_id,
        "regulator": Approval.regulator,
        "date": Approval.date,
        "population": Approval.population,
        "brand_name": Approval.brand_name,
        "application_number": Approval.application_number,
        "submission": Approval.submission,
    },
    sorts={
        "id": Approval.id,
        "date": Approval.date,
        "product": Approval.product_id,
        "indication": Approval.indication_id,
        "regulator": Approval.regulator,
        "application_number": Approval.application_number,
    },
    includes={"product": "products", "indication": "indications"},
    example="onabotulinumtoxina-chronic-migraine-fda-2010-10-15",
)
