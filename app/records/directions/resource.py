"""The declaration of the record type `directions`: its tables, names, filters, sort keys and texts for search."""

from app.records.base_filters import cited_filters
from app.records.directions.models import DIRECTION_INDICATIONS, DIRECTION_PRODUCTS, Direction, DirectionField
from app.records.directions.schemas import DirectionIn, DirectionOut
from app.records.filter_declarations import reference, text, word
from app.records.link_tables import Linked, Part
from app.records.resource import Resource

FIELDS_OF_USE = Linked(DirectionField.field_of_use, DirectionField.direction_id)

DIRECTIONS = Resource(
    type="directions",
    singular="direction",
    entered=DirectionIn,
    out=DirectionOut,
    main=Part(Direction, "id"),
    lists={
        "fields_of_use": FIELDS_OF_USE,
        "products": DIRECTION_PRODUCTS,
        "indications": DIRECTION_INDICATIONS,
    },
    filters={
        **cited_filters("directions"),
        "title": text(Direction.title, "present", "Exact title."),
        "kind": word(Direction.kind, "Refining or exploring."),
        "field_of_use": word(FIELDS_OF_USE, "Medical or cosmetic.", path="fields_of_use"),
        "product": reference(DIRECTION_PRODUCTS, "botox", "Product it is about.", path="products.id"),
        "indication": reference(DIRECTION_INDICATIONS, "missing", "Condition it is about.", path="indications.id"),
    },
    sorted_by=("title", "kind"),
    texts={
        "title": ("title",),
        "name": (),
        "statement": ("statement",),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "note": ("note",),
    },
    example="refining-existing-uses",
)
