"""What a type declares is held against its models when the declaration is made: nothing starts with a gap in it."""

from collections.abc import Iterator
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import pytest

from app.common.problems import Fault
from app.records.directions.models import DIRECTION_PRODUCTS, Direction
from app.records.directions.resource import DIRECTIONS
from app.records.filter_declarations import boolean, reference, text, word
from app.records.link_tables import Linked
from app.records.registry import RESOURCES
from app.records.resource import Resource


def declared(resource: Resource) -> dict[str, Any]:
    return {field.name: getattr(resource, field.name) for field in fields(resource)}


DECLARED = declared(DIRECTIONS)


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"texts": {"title": ("title",)}}, "directions have no texts for search: name"),
        ({"texts": {"title": ("titel",), "name": ()}}, "DirectionOut has no field 'titel'"),
        ({"texts": {"title": ("title.length",), "name": ()}}, "DirectionOut has no field 'title.length'"),
        ({"texts": {"title": ("title",), "name": ("products.nam",)}}, "ProductRef has no field 'nam'"),
        ({"filters": {"titel": text(Direction.title, "x", "A title.")}}, "DirectionOut has no field 'titel'"),
        ({"filters": {"of": text(Direction.title, "x", path="title")}}, "the filter 'of' of DirectionOut has no desc"),
        ({"lists": {}}, "directions have no place for fields_of_use, indications, products"),
        ({"sorted_by": ("titel",)}, "directions have no column for the sort key 'titel'"),
        ({"sorted_by": ("product",)}, "directions have no column for the sort key 'product'"),
    ],
)
def test_a_gap_is_named(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(LookupError, match=named):
        Resource(**{**DECLARED, **changed})


def test_a_reference_refers_to_records() -> None:
    with pytest.raises(AssertionError, match="refers to no record"):
        reference(Direction.title, "x", path="title")


def test_a_filter_without_words_of_its_own_has_those_of_the_field_and_the_column() -> None:
    filters = {"title": text(Direction.title, "present"), "kind": word(Direction.kind)}
    made = Resource(**{**DECLARED, "filters": filters, "sorted_by": ()}).filters
    assert made["title"].description == "The question in a line."
    assert (made["kind"].path, made["kind"].kind.choices) == ("kind", ("refining", "exploring"))
    with pytest.raises(AttributeError):
        word(Direction.title)
    assert boolean(Direction.title).kind.choices == ("true", "false")


def test_links_are_made_in_one_way() -> None:
    part = DIRECTION_PRODUCTS.part
    assert (part.table.name, part.owner) == ("direction_products", "direction_id")
    assert [column.name for column in part.table.primary_key] == ["direction_id", "product_id"]
    assert DIRECTION_PRODUCTS.is_set


def sets() -> Iterator[tuple[Resource, str, Linked]]:
    every = ((resource, *item) for resource in RESOURCES.values() for item in resource.lists.items())
    return (each for each in every if each[2].is_set)


@pytest.mark.parametrize(("resource", "name"), [(resource, name) for resource, name, _ in sets()])
def test_no_value_of_a_set_stands_in_it_twice(resource: Resource, name: str) -> None:
    """The table could not hold it: the value is in its primary key."""
    record = SimpleNamespace(**{**dict.fromkeys(resource.lists, ()), name: ["a", "b", "a"]})
    assert Resource(**{**declared(resource), "rules": ()}).faults(record) == [
        Fault(f"{name.replace('_', ' ')} 'a' stands here twice", f"/{name}/2")
    ]
