"""The mechanism of action in the words of the label."""

from app.imports.formats.label.codes import MECHANISM
from app.imports.formats.label.drafting import Draft, coded
from app.imports.formats.label.quoting import all_blocks, cut_short, statement_of


def add_mechanisms(draft: Draft) -> None:
    """Adds a candidate for each section on the mechanism of action."""
    for section in coded(draft.label.sections, MECHANISM):
        statement = statement_of(draft.label, all_blocks(section))
        if statement is None:
            continue
        title = f"Mechanism of action of {draft.product_name}"
        if statement.cut:
            draft.warn("cut-short", title)
        data = {
            "id": draft.id("mechanisms", "mechanism-of-action"),
            "title": cut_short(title),
            "summary": statement.statement,
            "products": [draft.product],
            "provenance": draft.provenance((section,), statement.spans),
        }
        draft.add("mechanisms", data)
