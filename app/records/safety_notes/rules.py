"""Domain rules of safety notes."""

from collections.abc import Iterator

from app.common.problems import Fault
from app.records.rules import Rule, numbers_agree
from app.records.safety_notes.schemas import SafetyNoteIn

PRODUCT_KINDS = frozenset({"boxed-warning", "contraindication", "warning", "interaction"})
"""The kinds that are sections of a product's label, which mean nothing without a product."""


def _label_sections_have_a_product(note: SafetyNoteIn) -> Iterator[Fault]:
    if note.kind in PRODUCT_KINDS and not note.products:
        yield Fault(f"a {note.kind} belongs to at least one product", "/products")


def _frequencies_agree(note: SafetyNoteIn) -> Iterator[Fault]:
    for index, row in enumerate(note.frequencies):
        pointer = f"/frequencies/{index}"
        if row.events is None and row.percent is None:
            yield Fault("a frequency needs events or a percent", pointer)
        yield from numbers_agree(pointer, row.events, row.percent, row.n)


RULES: tuple[Rule[SafetyNoteIn], ...] = (_label_sections_have_a_product, _frequencies_agree)
