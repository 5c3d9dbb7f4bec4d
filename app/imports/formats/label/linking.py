"""Links a label to the stored product and the stored conditions that it is about."""

import re
from typing import NamedTuple

from app.imports.formats.label.product_data import Ingredient, Product
from app.imports.formats.label.quoting import slug
from app.imports.name_index import Names

_SUFFIXED = re.compile(r"\S+-[a-z]{4}")
_BRACKETED = re.compile(r"\s*[(\[][^()\[\]]{0,200}[)\]]\s*")


class Identity(NamedTuple):
    """The names of a label's product. All strengths and packages of a label are one product."""

    id: str
    name: str
    brands: tuple[str, ...]
    synonym: str | None
    ingredients: tuple[Ingredient, ...]
    known_by_brand: bool
    others: tuple[str, ...]
    """Further nonproprietary names in the same label, which belong to other products."""


def _distinct(names: list[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for name in names:
        if name:
            kept.setdefault(name.casefold(), name)
    return tuple(kept.values())


def _substances(products: list[Product]) -> tuple[Ingredient, ...]:
    """Each active ingredient once, whatever its strength."""
    kept: dict[str, Ingredient] = {}
    for product in products:
        for ingredient in product.ingredients:
            kept.setdefault(ingredient.unii or ingredient.name.casefold(), ingredient)
    return tuple(kept.values())


def _without_salt(name: str, ingredients: tuple[Ingredient, ...]) -> str | None:
    """The acting part of a name such as sildenafil citrate, as it is printed there."""
    if len(ingredients) != 1 or not (moiety := ingredients[0].moiety):
        return None
    salted = name.casefold().startswith(moiety.casefold() + " ")
    return name[: len(moiety)] if salted else None


def _alike(first: Product, product: Product) -> bool:
    return (product.generic or product.name).casefold() == (first.generic or first.name).casefold()


def _known(names: Names, candidates: tuple[str, ...]) -> str | None:
    """The one product that these names identify; `None` if they identify several, and never a class of substances."""
    found = {id for name in candidates if (id := names.product(name)) and id not in names.classes}
    return found.pop() if len(found) == 1 else None


def identify(products: list[Product], names: Names) -> Identity | None:
    """The identity of a label's product, or `None` if the label names none.

    A brand name identifies the product for certain, a nonproprietary name nearly so. A UNII is not used, because
    several products share one.
    """
    named = [product for product in products if product.generic or product.name or product.ingredients]
    if not named:
        return None
    same = [product for product in named if _alike(named[0], product)]
    others = _distinct([product.generic or product.name for product in named if not _alike(named[0], product)])
    ingredients = _substances(same)
    of_substances = tuple(ingredient.name for ingredient in ingredients[:1]) if len(ingredients) == 1 else ()
    together = " and ".join(ingredient.name for ingredient in ingredients)
    generic = named[0].generic or next(iter(of_substances), "") or named[0].name or together
    plain = _without_salt(generic, ingredients)
    nonproprietary = {name.casefold() for name in (generic, plain or "", *of_substances)}
    brands = _distinct([product.name for product in same if product.name.casefold() not in nonproprietary])
    by_brand = _known(names, brands)
    known = by_brand or _known(names, (generic,)) or (_known(names, (plain,)) if plain else None)
    name = generic if names.product(generic) not in names.classes else (brands[0] if brands else generic)
    synonym = plain if plain and (names.product(plain) or known) == known else None
    return Identity(known or _new_id(name), name, brands, synonym, ingredients, by_brand is not None, others)


def _new_id(name: str) -> str:
    return slug(name)[:110].strip("-") or "unnamed-product"


def us_suffix_name(identity: Identity) -> str | None:
    """FDA's name with its four-letter suffix, if the product was identified by its brand name."""
    return identity.name if identity.known_by_brand and _SUFFIXED.fullmatch(identity.name) else None


def known_indication(name: str, names: Names) -> str | None:
    """The condition that a name finds as it is printed, with a straight apostrophe, or without what is in brackets."""
    straight = name.replace("’", "'")
    plain = _BRACKETED.sub(" ", straight).strip()
    for candidate in (name, straight, plain, slug(plain)):
        if candidate and (found := names.indication(candidate)):
            return found
    return None
