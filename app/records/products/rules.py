"""Domain rules of products."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.products.schemas import ProductIn
from app.records.rules import Rule, unique


def _class_has_no_brand(product: ProductIn) -> Iterator[Fault]:
    if product.kind == "class" and (product.brand_names or product.manufacturer):
        yield Fault("a class of substance is nobody's product: it has no brand and no manufacturer", "/kind")


def _names_are_unique(product: ProductIn) -> Iterator[Fault]:
    yield from unique("/brand_names", product.brand_names, "brand")
    yield from unique("/synonyms", product.synonyms, "synonym")


RULES: tuple[Rule[ProductIn], ...] = (_class_has_no_brand, _names_are_unique)
