"""The declaration of the record type `directions`: its rows, names and rendering, filters and sort keys."""

from app.records.base_targets import cited_targets
from app.records.directions.models import Direction, DirectionField, DirectionIndication, DirectionProduct
from app.records.directions.rules import RULES
from app.records.directions.schemas import DirectionFilter, DirectionIn, DirectionOut
from app.records.resource import (
    EmbeddedRecords,
    Linked,
    Part,
    Resource,
    Row,
    Rows,
    embed_columns,
    embedded,
    links,
    no_names,
    row_of,
)


def _rows(direction: DirectionIn) -> Rows:
    owner = {"direction_id": direction.id}
    return {
        "directions": [row_of(Direction, direction)],
        "direction_fields": links(owner, "field_of_use", direction.fields_of_use),
        "direction_products": links(owner, "product_id", direction.products),
        "direction_indications": links(owner, "indication_id", direction.indications),
    }


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    return {
        **rows["directions"][0],
        "fields_of_use": [row["field_of_use"] for row in rows["direction_fields"]],
        "products": embedded(found, "products", rows["direction_products"], "product_id"),
        "indications": embedded(found, "indications", rows["direction_indications"], "indication_id"),
    }


DIRECTIONS = Resource(
    type="directions",
    singular="direction",
    entered=DirectionIn,
    out=DirectionOut,
    filter=DirectionFilter,
    rules=RULES,
    main=Part(Direction, "id"),
    parts=(
        Part(DirectionField, "direction_id"),
        Part(DirectionProduct, "direction_id"),
        Part(DirectionIndication, "direction_id"),
    ),
    rows=_rows,
    names=no_names,
    render=_render,
    embed=embed_columns("directions", "id"),
    filters={
        **cited_targets("directions"),
        "title": Direction.title,
        "kind": Direction.kind,
        "field_of_use": Linked(DirectionField.field_of_use, DirectionField.direction_id),
        "product": Linked(DirectionProduct.product_id, DirectionProduct.direction_id),
        "indication": Linked(DirectionIndication.indication_id, DirectionIndication.direction_id),
    },
    sorts={"id": Direction.id, "title": Direction.title, "kind": Direction.kind},
    includes={"products": "products", "indications": "indications"},
    example="refining-existing-uses",
)
