"""Domain rules of directions."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.directions.schemas import DirectionIn
from app.records.rules import Rule, unique


def _links_are_unique(direction: DirectionIn) -> Iterator[Fault]:
    yield from unique("/products", direction.products, "product")
    yield from unique("/indications", direction.indications, "indication")
    yield from unique("/fields_of_use", direction.fields_of_use, "field of use")


RULES: tuple[Rule[DirectionIn], ...] = (_links_are_unique,)
