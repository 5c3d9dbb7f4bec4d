"""Directions in and out of their tables."""

from collections.abc import Iterator

from app.records.base_targets import cited_targets
from app.records.directions.models import Direction, DirectionField, DirectionIndication, DirectionProduct
from app.records.directions.rules import RULES
from app.records.directions.schemas import DirectionFilter, DirectionIn, DirectionOut
from app.records.resource import Found, Linked, Name, Part, Resource, Row, Rows, columns, links


def rows(direction: DirectionIn) -> Rows:
    owner = {"direction_id": direction.id}
    return {
        "directions": [columns(Direction, direction)],
        "direction_fields": links(owner, "field_of_use", direction.fields_of_use),
        "direction_products": links(owner, "product_id", direction.products),
        "direction_indications": links(owner, "indication_id", direction.indications),
    }


def names(_: DirectionIn) -> Iterator[Name]:
    return iter(())


def render(rows: Rows, found: Found) -> Row:
    indications = rows["direction_indications"]
    return {
        **rows["directions"][0],
        "fields_of_use": [row["field_of_use"] for row in rows["direction_fields"]],
        "products": [found["products"][row["product_id"]] for row in rows["direction_products"]],
        "indications": [found["indications"][row["indication_id"]] for row in indications],
    }


def embed(rows: Rows) -> Row:
    return {"id": rows["directions"][0]["id"]}


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
    rows=rows,
    names=names,
    render=render,
    embed=embed,
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
