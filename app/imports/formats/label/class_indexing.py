"""Class indexing: labels without a product, in which the FDA codes the mechanism and class of an active substance.

Structure (FDA, "Structured Product Labeling Implementation Guide", pharmacologic class indexing):

    identifiedSubstance/identifiedSubstance
        code, name                      the active moiety, with its UNII
        asSpecializedKind/generalizedMaterialKind/code    a class, by its NDF-RT or MED-RT code and name

The name of a class ends in its kind: `[MoA]` mechanism of action, `[PE]` physiologic effect, `[EPC]` established
pharmacologic class, `[CS]` chemical structure.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from app.imports.candidates import Json
from app.imports.formats.label.drafting import Draft
from app.imports.formats.label.inline import one_line
from app.imports.formats.label.opening import Element, attribute, find, find_all
from app.imports.formats.label.product_data import Ingredient, Product, unii_of, words_at
from app.imports.formats.label.quoting import cut_short, quotes
from app.imports.formats.label.text import LabelText, Span, Writer

SUBSTANCES = ".//v:identifiedSubstance/v:identifiedSubstance"
SECTION = "48779-3 SPL indexing data elements"
_CLASS = re.compile(r"(?P<name>.+?)\s*\[(?P<kind>[A-Za-z/ ]+)\]")
_FIELDS = {"moa": "action_type", "pe": "effect"}
"""The field of a mechanism that a kind of class says."""
_KIND_NAMES = {"moa": "Mechanism of action", "pe": "Physiologic effect", "epc": "Established pharmacologic class"}


@dataclass(frozen=True, slots=True)
class PharmacologicClass:
    name: str
    kind: str
    """The kind in small letters, such as `moa`; empty if the name states none."""
    code: str

    def line(self) -> str:
        """The line about the class in the text of the label."""
        return one_line(f"{_KIND_NAMES.get(self.kind, 'Class')}: {self.name}{f' ({self.code})' if self.code else ''}")


@dataclass(frozen=True, slots=True)
class IndexedSubstance:
    """An active substance and its classes."""

    name: str
    unii: str | None
    classes: tuple[PharmacologicClass, ...]

    def as_product(self) -> Product:
        """The product whose only ingredient is the substance."""
        return Product("", self.name, "", (Ingredient(self.name, self.unii, "", None, ""),))


def _class(kind: Element) -> PharmacologicClass | None:
    code = find(kind, "v:code")
    printed = one_line(attribute(code, "displayName") or words_at(kind, "v:code/v:name") or words_at(kind, "v:name"))
    if not printed:
        return None
    found = _CLASS.fullmatch(printed)
    name, of = (found["name"], found["kind"].casefold()) if found else (printed, "")
    return PharmacologicClass(name, of, attribute(code, "code") or "")


def indexed_substances(document: Element) -> list[IndexedSubstance]:
    """The substances that a document indexes. A class of substances that is itself indexed has no UNII."""
    found: list[IndexedSubstance] = []
    for element in document.iterfind(SUBSTANCES, {"v": "urn:hl7-org:v3"}):
        name, unii = words_at(element, "v:name"), unii_of(element)
        kinds = find_all(element, "v:asSpecializedKind/v:generalizedMaterialKind")
        classes = tuple(dict.fromkeys(filter(None, map(_class, kinds))))
        if name and unii and classes:
            found.append(IndexedSubstance(name, unii, classes))
    return found


class IndexSpans(NamedTuple):
    """The places of a substance and of each of its classes in the text of the document."""

    substance: Span
    classes: tuple[Span, ...]


def render_index(title: str, substances: Iterable[IndexedSubstance]) -> tuple[LabelText, list[IndexSpans]]:
    """The text of the document, with the places of each substance."""
    writer, places = Writer(), []
    if title:
        writer.line(title)
    for substance in substances:
        writer.gap()
        named = writer.line(f"Substance: {substance.name} (UNII {substance.unii})")
        places.append(IndexSpans(named, tuple(writer.line(each.line()) for each in substance.classes)))
    return LabelText(writer.text(), title, Span(0, 0), ()), places


def _stated(substance: IndexedSubstance) -> Iterator[tuple[PharmacologicClass, str, int]]:
    """Yields the classes that say how the substance acts, with the field that each fills and its number.

    The established class stands for the mechanism only if none is coded.
    """
    has_mechanism = any(each.kind == "moa" for each in substance.classes)
    for number, each in enumerate(substance.classes):
        field = _FIELDS.get(each.kind) or ("action_type" if each.kind == "epc" and not has_mechanism else None)
        if field:
            yield each, field, number


def add_indexed_mechanisms(draft: Draft, substance: IndexedSubstance, spans: tuple[Span, ...]) -> None:
    """Adds a candidate for each mechanism and physiologic effect that is coded for the substance."""
    for each, field, number in _stated(substance):
        data: Json = {
            "id": draft.id("mechanisms", "class", each.name),
            "title": cut_short(f"{each.name} ({draft.product_name})"),
            "summary": draft.label.at(spans[number]),
            field: cut_short(each.name),
            "products": [draft.product],
            "provenance": quotes(draft.label, draft.source, SECTION, (spans[number],)),
        }
        draft.add("mechanisms", data)
