"""The declaration of the record type `approvals`: its tables, names, filters, sort keys and texts for search."""

from app.records.approvals.models import Approval
from app.records.approvals.rules import RULES
from app.records.approvals.schemas import ApprovalIn, ApprovalOut
from app.records.base_filters import cited_filters
from app.records.filter_declarations import reference, text, when
from app.records.link_tables import Part
from app.records.resource import Resource

APPROVALS = Resource(
    type="approvals",
    singular="approval",
    entered=ApprovalIn,
    out=ApprovalOut,
    rules=RULES,
    main=Part(Approval, "id"),
    named_by={"application_number": "application"},
    filters={
        **cited_filters("approvals"),
        "product": reference(Approval.product_id, "botox", path="product.id"),
        "indication": reference(Approval.indication_id, "chronic-migraine", "What for.", path="indication.id"),
        "regulator": text(Approval.regulator, "FDA"),
        "date": when(Approval.date, "2010..", "When."),
        "population": text(Approval.population, "Adults"),
        "brand_name": text(Approval.brand_name, "Alluzience", "Brand approved."),
        "application_number": text(Approval.application_number, "BLA103000"),
        "submission": text(Approval.submission, "ORIG-1"),
    },
    sorted_by=("date", "product", "indication", "regulator", "application_number"),
    texts={
        "title": ("product.name", "indication.name"),
        "name": ("brand_name", "application_number", "submission"),
        "regulator": ("regulator",),
        "population": ("population",),
        "note": ("note",),
    },
    example="onabotulinumtoxina-chronic-migraine-fda-2010-10-15",
)
