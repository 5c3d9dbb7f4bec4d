"""Links a label to the stored product and to the stored indications that it names."""

import re
from typing import NamedTuple

from app.imports.drug_names import drug_name
from app.imports.formats.label.product_data import Ingredient, Product
from app.imports.name_index import Names
from app.imports.slugs import slug

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
    """The active moiety at the start of a name such as `sildenafil citrate`, or the name without its form; `None` if
    the name has neither salt nor form.
    """
    moiety = ingredients[0].moiety if len(ingredients) == 1 else ""
    if moiety and name.casefold().startswith(moiety.casefold() + " "):
        return name[: len(moiety)]
    drug = drug_name(name) if len(ingredients) < 2 else None
    return drug if drug and drug.casefold() != name.casefold() else None


def _printed_name(product: Product) -> str:
    """The nonproprietary name of a product, or else its brand name."""
    return product.generic or product.name


def _alike(first: Product, product: Product) -> bool:
    return _printed_name(product).casefold() == _printed_name(first).casefold()


def _other_names(products: list[Product]) -> tuple[str, ...]:
    """The distinct names of the products whose name differs from that of the first one."""
    return _distinct([_printed_name(product) for product in products if not _alike(products[0], product)])


def _sole_substance(ingredients: tuple[Ingredient, ...]) -> str:
    """The name of the only active ingredient; empty where there is none or more than one."""
    return ingredients[0].name if len(ingredients) == 1 else ""


def _generic_name(product: Product, ingredients: tuple[Ingredient, ...]) -> str:
    """The nonproprietary name, or else the name of the only ingredient, the brand, or the names of all ingredients."""
    together = " and ".join(ingredient.name for ingredient in ingredients)
    return product.generic or _sole_substance(ingredients) or product.name or together


def _brands(products: list[Product], nonproprietary: tuple[str, ...]) -> tuple[str, ...]:
    """The products' names, each once, that are none of the nonproprietary names."""
    others = {name.casefold() for name in nonproprietary}
    return _distinct([product.name for product in products if product.name.casefold() not in others])


def _known(names: Names, candidates: tuple[str, ...]) -> str | None:
    """The one product that these names identify; `None` if they identify several, and never a class of substances."""
    found = {id for name in candidates if (id := names.product(name)) and id not in names.classes}
    return found.pop() if len(found) == 1 else None


def identify(products: list[Product], names: Names) -> Identity | None:
    """The identity of a label's product, or `None` if the label names none.

    A brand name identifies the product for certain, a nonproprietary name nearly so. A UNII is not used, because
    several products share one.
    """
    named = [product for product in products if _printed_name(product) or product.ingredients]
    if not named:
        return None
    first = named[0]
    same = [product for product in named if _alike(first, product)]
    ingredients = _substances(same)
    generic = _generic_name(first, ingredients)
    plain = _without_salt(generic, ingredients)
    brands = _brands(same, (generic, plain or "", _sole_substance(ingredients)))
    by_brand = _known(names, brands)
    known = by_brand or _known_by_generic(names, generic, plain)
    name = _name(generic, brands, names)
    synonym = _synonym(plain, known, names)
    others = _other_names(named)
    return Identity(
        known or _new_id(_plainest(name, generic, plain)),
        name,
        brands,
        synonym,
        ingredients,
        by_brand is not None,
        others,
    )


def _known_by_generic(names: Names, generic: str, plain: str | None) -> str | None:
    """The one product that the nonproprietary name finds, or else that name without its salt."""
    return _known(names, (generic,)) or (_known(names, (plain,)) if plain else None)


def _name(generic: str, brands: tuple[str, ...], names: Names) -> str:
    """The nonproprietary name; the first brand where that name is one of a class of substances."""
    if brands and names.product(generic) in names.classes:
        return brands[0]
    return generic


def _synonym(plain: str | None, known: str | None, names: Names) -> str | None:
    """The name without its salt, unless it finds another product than the one that the label is about."""
    return plain if plain and (names.product(plain) or known) == known else None


def _plainest(name: str, generic: str, plain: str | None) -> str:
    """The name without its salt, unless it is a brand name."""
    return plain if plain and name == generic else name


def _new_id(name: str) -> str:
    return slug(name)[:110].strip("-") or "unnamed-product"


def us_suffix_name(identity: Identity) -> str | None:
    """FDA's name with its four-letter suffix, if the product was identified by its brand name."""
    return identity.name if identity.known_by_brand and _SUFFIXED.fullmatch(identity.name) else None


def known_indication(name: str, names: Names) -> str | None:
    """The indication that a name finds: as printed, with straight apostrophes, without brackets, or as a slug."""
    straight = name.replace("’", "'")
    plain = _BRACKETED.sub(" ", straight).strip()
    for candidate in (name, straight, plain, slug(plain)):
        if candidate and (found := names.indication(candidate)):
            return found
    return None
