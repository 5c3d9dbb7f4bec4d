"""The declaration of the record type `dosing`: its rows, names and rendering, filters and sort keys."""

from app.records.base_targets import cited_targets
from app.records.dosing.models import Dosing
from app.records.dosing.rules import RULES
from app.records.dosing.schemas import DosingFilter, DosingIn, DosingOut
from app.records.resource import EmbeddedRecords, Part, Resource, Row, Rows, embed_columns, no_names, row_of


def _rows(dosing: DosingIn) -> Rows:
    refers = {"product_id": dosing.product, "indication_id": dosing.indication}
    return {"dosing": [row_of(Dosing, dosing) | refers]}


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    dosing = rows["dosing"][0]
    indication = dosing["indication_id"]
    return {
        **dosing,
        "product": found["products"][dosing["product_id"]],
        "indication": found["indications"][indication] if indication else None,
    }


DOSING = Resource(
    type="dosing",
    singular="dosing entry",
    entered=DosingIn,
    out=DosingOut,
    filter=DosingFilter,
    rules=RULES,
    main=Part(Dosing, "id"),
    rows=_rows,
    names=no_names,
    render=_render,
    embed=embed_columns("dosing", "id"),
    filters={
        **cited_targets("dosing"),
        "product": Dosing.product_id,
        "indication": Dosing.indication_id,
        "population": Dosing.population,
        "unit": Dosing.unit,
        "dose_min": Dosing.dose_min,
        "dose_max": Dosing.dose_max,
        "dose_min_per_kg": Dosing.dose_min_per_kg,
        "dose_max_per_kg": Dosing.dose_max_per_kg,
        "dose_per": Dosing.dose_per,
        "max_dose": Dosing.max_dose,
        "duration": Dosing.duration,
        "label_country": Dosing.label_country,
    },
    sorts={
        "id": Dosing.id,
        "product": Dosing.product_id,
        "indication": Dosing.indication_id,
        "dose_min": Dosing.dose_min,
        "dose_max": Dosing.dose_max,
        "max_dose": Dosing.max_dose,
        "label_country": Dosing.label_country,
    },
    includes={"product": "products", "indication": "indications"},
    example="onabotulinumtoxina-glabellar-lines-adults-us",
)
