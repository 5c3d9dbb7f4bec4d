"""Domain rules of safety notes."""

from collections.abc import Iterator

from app.records.rules import Fault, Rule, numbers_agree
from app.records.safety_notes.schemas import SafetyNoteIn

PRODUCT_KINDS = frozenset({"boxed-warning", "contraindication", "warning", "interaction"})
"""The kinds that are sections of a product's label, which mean nothing without a product."""


def _label_sections_have_a_product(note: SafetyNoteIn) -> Iterator[Fault]:
    if note.kind in PRODUCT_KINDS and not note.products:
        yield "/products", f"a {note.kind} belongs to at least one product"


def _frequencies_agree(note: SafetyNoteIn) -> Iterator[Fault]:
    for index, row in enumerate(note.frequencies):
        pointer = f"/frequencies/{index}"
        if row.events is None and row.percent is None:
            yield pointer, "a frequency needs events or a percent"
        yield from numbers_agree(pointer, row.events, row.percent, row.n)


RULES: tuple[Rule[SafetyNoteIn], ...] = (_label_sections_have_a_product, _frequencies_agree)
