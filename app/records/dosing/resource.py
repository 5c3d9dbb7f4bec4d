"""The declaration of the record type `dosing`: its tables, names, filters, sort keys and texts for search."""

from app.records.base_filters import cited_filters
from app.records.dosing.models import Dosing
from app.records.dosing.rules import RULES
from app.records.dosing.schemas import DosingIn, DosingOut
from app.records.filter_declarations import number, reference, text
from app.records.link_tables import Part
from app.records.resource import Resource

DOSING = Resource(
    type="dosing",
    singular="dosing entry",
    entered=DosingIn,
    out=DosingOut,
    rules=RULES,
    main=Part(Dosing, "id"),
    filters={
        **cited_filters("dosing"),
        "product": reference(Dosing.product_id, "botox", path="product.id"),
        "indication": reference(Dosing.indication_id, "glabellar-lines", path="indication.id"),
        "population": text(Dosing.population, "Adults"),
        "unit": text(Dosing.unit, "U", "Unit of the doses."),
        "dose_min": number(Dosing.dose_min, "20.."),
        "dose_max": number(Dosing.dose_max, "..100"),
        "dose_min_per_kg": number(Dosing.dose_min_per_kg, "present", "Lowest dose per kg."),
        "dose_max_per_kg": number(Dosing.dose_max_per_kg, "6", "Highest usual dose per kg."),
        "dose_per": text(Dosing.dose_per, "axilla", "What a dose is for."),
        "max_dose": number(Dosing.max_dose, "..400"),
        "duration": text(Dosing.duration, "present", "How long it works."),
        "label_country": text(Dosing.label_country, "US", "Country of the label."),
    },
    sorted_by=("product", "indication", "dose_min", "dose_max", "max_dose", "label_country"),
    texts={
        "title": ("product.name", "indication.name"),
        "name": (),
        "population": ("population",),
        "dose": ("dose", "sites", "max_dose_basis", "max_cumulative_basis"),
        "statement": ("statement", "onset", "duration"),
        "note": ("note",),
    },
    example="onabotulinumtoxina-glabellar-lines-adults-us",
)
