"""Reads one label: a source with the label's whole text, its product, and the records that the text states."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import IO

from app.imports.candidates import Found, ImportWarning, Json, Rejection, SourceItem
from app.imports.formats.label.class_indexing import (
    SECTION,
    add_indexed_mechanisms,
    indexed_substances,
    render_index,
)
from app.imports.formats.label.dosing import add_dosing
from app.imports.formats.label.drafting import Draft
from app.imports.formats.label.indications import add_indications
from app.imports.formats.label.linking import Identity, identify, us_suffix_name
from app.imports.formats.label.mechanisms import add_mechanisms
from app.imports.formats.label.opening import Element, attribute, find, parse_document
from app.imports.formats.label.product_data import labeler, products_of
from app.imports.formats.label.quoting import cut_short, fitting, quotes
from app.imports.formats.label.rendering import render, title_of_document
from app.imports.formats.label.safety import add_safety_notes
from app.imports.formats.label.text import LabelText
from app.imports.name_index import Names

DAILYMED = "https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid="
LONGEST_TEXT = 20_000_000
_SET_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ABOUT_HIGHLIGHTS = re.compile(
    r"^these highlights do not include|^initial u\.?s\.? approval|^see full prescribing", re.I
)


def _set_id(document: Element) -> str | None:
    root = (attribute(find(document, "v:setId"), "root") or "").lower()
    return root if _SET_ID.fullmatch(root) else None


def _effective_date(document: Element) -> str | None:
    value = attribute(find(document, "v:effectiveTime"), "value") or ""
    try:
        return date.fromisoformat(f"{value[:4]}-{value[4:6]}-{value[6:8]}").isoformat()
    except ValueError:
        return None


def _version(document: Element) -> int | None:
    value = attribute(find(document, "v:versionNumber"), "value") or ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else None


def _title(label: LabelText, identity: Identity) -> str:
    """The label's title without the phrases that all labels have, or else the names of the product."""
    telling = [line for line in label.title.split("\n") if not _ABOUT_HIGHLIGHTS.search(line)]
    names = ", ".join(identity.brands)
    return " ".join(telling) or (f"{names} ({identity.name})" if names else identity.name)


def _source(document: Element, set_id: str, label: LabelText, identity: Identity) -> Json:
    data = {
        "id": f"label-{set_id}",
        "kind": "label",
        "tier": "primary",
        "title": cut_short(_title(label, identity), 1000),
        "url": f"{DAILYMED}{set_id}",
        "publisher": cut_short(f"FDA / {labeler(document)}".strip(" /")),
        "retrieved_on": datetime.now(UTC).date().isoformat(),
        "set_id": set_id,
        "version": _version(document),
        "effective_date": _effective_date(document),
        "sha256": sha256(label.text.encode()).hexdigest(),
        "text": label.text,
    }
    return {name: value for name, value in data.items() if value is not None}


def _product(identity: Identity, maker: str, provenance: list[Json]) -> Json:
    units = {ingredient.unii for ingredient in identity.ingredients}
    data = {
        "id": identity.id,
        "name": cut_short(identity.name),
        "brand_names": [cut_short(brand) for brand in identity.brands],
        "synonyms": [cut_short(identity.synonym)] if identity.synonym else None,
        "us_suffix_name": us_suffix_name(identity),
        "manufacturer": cut_short(maker) or None,
        "unii": units.pop() if len(units) == 1 else None,
        "provenance": provenance,
    }
    return {name: value for name, value in data.items() if value is not None}


def _product_quotes(label: LabelText, source: str) -> list[Json]:
    return quotes(label, source, "48780-1 SPL product data elements", (fitting(label.text, label.product_data),))


def _product_warnings(identity: Identity) -> Iterator[ImportWarning]:
    if len(identity.ingredients) > 1:
        names = ", ".join(ingredient.name for ingredient in identity.ingredients)
        yield ImportWarning("several-ingredients", cut_short(f"no UNII is the whole product's: {names}", 500))
    for other in identity.others[:20]:
        yield ImportWarning("another-product-in-label", cut_short(f"{other}, beside {identity.name}", 500))


def _unit(document: Element, set_id: str, label: LabelText, identity: Identity, names: Names) -> SourceItem:
    draft = Draft(label, set_id, f"label-{set_id}", names, identity.id, identity.name)
    draft.add("sources", _source(document, set_id, label, identity))
    draft.add("products", _product(identity, labeler(document), _product_quotes(label, draft.source)))
    draft.warnings.extend(_product_warnings(identity))
    own = add_indications(draft)
    add_mechanisms(draft)
    add_safety_notes(draft)
    add_dosing(draft, own)
    return SourceItem(f"label {set_id}", tuple(draft.candidates), warnings=tuple(draft.warnings))


def _indexed(document: Element, set_id: str, names: Names) -> Found:
    """The source item of a document that codes the classes of substances, or a rejection."""
    place, substances = f"label {set_id}", indexed_substances(document)
    if not substances:
        return Rejection(place, "/component", "the label names no product, and no substance with its classes")
    label, places = render_index(title_of_document(document), substances)
    draft = Draft(label, set_id, f"label-{set_id}", names, "", "")
    for substance, spans in zip(substances, places, strict=True):
        identity = identify([substance.as_product()], names)
        if identity is None or identity.id == draft.product:
            continue
        if not draft.product:
            draft.add("sources", _source(document, set_id, label, identity))
        draft.product, draft.product_name = identity.id, identity.name
        draft.add("products", _product(identity, "", quotes(label, draft.source, SECTION, (spans.substance,))))
        add_indexed_mechanisms(draft, substance, spans.classes)
    return SourceItem(place, tuple(draft.candidates), warnings=tuple(draft.warnings))


def units(file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
    """Yields the source item of the label, or a rejection; raises `Unreadable` if the file is not a label in XML."""
    document = parse_document(file)
    set_id = _set_id(document)
    if set_id is None:
        yield Rejection(name, "/setId", "a label has a setId whose root is a UUID")
        return
    products = products_of(document)
    identity = identify(products, names)
    if identity is None:
        yield _indexed(document, set_id, names)
        return
    label = render(document, products)
    if len(label.text) > LONGEST_TEXT:
        yield Rejection(f"label {set_id}", "", f"its text has more than {LONGEST_TEXT:,} characters")
        return
    yield _unit(document, set_id, label, identity, names)
