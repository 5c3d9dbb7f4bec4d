"""The product data elements of a label: names, forms, active ingredients, and the labeler."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.imports.formats.label.inline import child_pieces, one_line, pieces
from app.imports.formats.label.opening import Element, attribute, find, find_all, tag

PRODUCTS = ".//v:section/v:subject/v:manufacturedProduct"
GENERIC = "v:asEntityWithGeneric/v:genericMedicine/v:name"
UNII_SYSTEM = "2.16.840.1.113883.4.9"
UNII = re.compile(r"[A-Z0-9]{10}")
ACTIVE = ("ACTIB", "ACTIM", "ACTIR")


@dataclass(frozen=True, slots=True)
class Ingredient:
    name: str
    unii: str | None
    moiety: str
    """The active moiety, if it is another substance than the ingredient; else empty."""
    moiety_unii: str | None
    strength: str

    def line(self) -> str:
        """The line about the ingredient in the text of the label."""
        moiety = f", active moiety {self.moiety}{_coded(self.moiety_unii)}" if self.moiety else ""
        strength = f", {self.strength}" if self.strength else ""
        return f"Active ingredient: {self.name}{_coded(self.unii)}{moiety}{strength}"


@dataclass(frozen=True, slots=True)
class Product:
    """A product of a label, in one strength and form."""

    name: str
    generic: str
    form: str
    ingredients: tuple[Ingredient, ...]

    def lines(self) -> Iterator[str]:
        """Yields the lines about the product in the text of the label."""
        generic = f" ({self.generic})" if self.generic and self.generic != self.name else ""
        yield one_line(f"Product: {self.name}{generic} {self.form}")
        yield from (ingredient.line() for ingredient in self.ingredients)


def _coded(unii: str | None) -> str:
    return f" (UNII {unii})" if unii else ""


def words_at(element: Element, path: str) -> str:
    """The text at a path in one line; empty if there is no such element."""
    found = find(element, path)
    return "" if found is None else one_line(" ".join(_apart(found)))


def _apart(name: Element) -> Iterator[str]:
    """Yields the parts of a name. Its suffix is an element that labels print after a blank: `Glucophage XR`."""
    running: list[str] = [name.text or ""]
    for child in name:
        if tag(child) == "suffix":
            yield from ("".join(running), "".join(pieces(child, None)))
            running = []
        else:
            running += child_pieces(child, None)
        running.append(child.tail or "")
    yield "".join(running)


def _unglued(name: str, ingredients: tuple[Ingredient, ...]) -> str:
    """The name with the blanks of an ingredient's name, if they differ in blanks alone: `CLOPIDOGRELBISULFATE`."""
    glued = name.replace(" ", "").casefold()
    alike = (each for ingredient in ingredients for each in (ingredient.name, ingredient.moiety))
    split = (each for each in alike if each.count(" ") > name.count(" "))
    return next((each for each in split if each.replace(" ", "").casefold() == glued), name)


def unii_of(substance: Element) -> str | None:
    """The UNII of a substance, if its code is one."""
    code = find(substance, "v:code")
    value = attribute(code, "code")
    known = value is not None and attribute(code, "codeSystem") == UNII_SYSTEM
    return value if known and value and UNII.fullmatch(value) else None


def _amount(quantity: Element | None, part: str) -> str:
    element = None if quantity is None else find(quantity, part)
    value, unit = attribute(element, "value"), attribute(element, "unit")
    if not value or (unit in (None, "1") and value == "1"):
        return ""
    return value if unit in (None, "1") else f"{value} {unit}"


def _strength(ingredient: Element) -> str:
    quantity = find(ingredient, "v:quantity")
    amount, per = _amount(quantity, "v:numerator"), _amount(quantity, "v:denominator")
    return f"{amount} in {per}" if amount and per else amount


def _ingredient(element: Element) -> Ingredient | None:
    substance = find(element, "v:ingredientSubstance")
    if substance is None or not (name := words_at(substance, "v:name")):
        return None
    moiety = find(substance, "v:activeMoiety/v:activeMoiety")
    moiety_name = "" if moiety is None else words_at(moiety, "v:name")
    return Ingredient(
        name,
        unii_of(substance),
        moiety_name if moiety_name != name else "",
        None if moiety is None else unii_of(moiety),
        one_line(_strength(element)),
    )


def _ingredients(holder: Element) -> Iterator[Ingredient]:
    for element in find_all(holder, "v:ingredient"):
        if element.get("classCode") in ACTIVE and (found := _ingredient(element)):
            yield found
    for element in find_all(holder, "v:activeIngredient"):
        substance = find(element, "v:activeIngredientSubstance")
        if substance is not None and (name := words_at(substance, "v:name")):
            yield Ingredient(name, unii_of(substance), "", None, one_line(_strength(element)))


def _product(element: Element) -> Product:
    """Reads a product. A kit has the ingredients of its parts, or only of those with its own generic name, if there are
    any: the other parts, such as a swab, only come with it.
    """
    generic = words_at(element, GENERIC)
    parts = find_all(element, "v:part/v:partProduct")
    own = [part for part in parts if words_at(part, GENERIC).casefold() == generic.casefold()]
    holders = [element, *(own or parts)]
    found = dict.fromkeys(ingredient for holder in holders for ingredient in _ingredients(holder))
    form = attribute(find(element, "v:formCode"), "displayName") or ""
    name, plain = (_unglued(each, tuple(found)) for each in (words_at(element, "v:name"), generic))
    return Product(name, plain, one_line(form), tuple(found))


def products_of(document: Element) -> list[Product]:
    """The products of a label in order, one for each strength and form."""
    found: list[Product] = []
    for outer in document.iterfind(PRODUCTS, {"v": "urn:hl7-org:v3"}):
        inner = find(outer, "v:manufacturedProduct")
        inner = find(outer, "v:manufacturedMedicine") if inner is None else inner
        if inner is not None:
            found.append(_product(inner))
    return found


def labeler(document: Element) -> str:
    """The name of the company that is responsible for the label."""
    return words_at(document, "v:author/v:assignedEntity/v:representedOrganization/v:name")
