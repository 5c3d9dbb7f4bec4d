"""How a label says its product works."""

from app.imports.formats.label.codes import MECHANISM
from app.imports.formats.label.drafting import Draft, coded
from app.imports.formats.label.quoting import all_blocks, cut_short, said


def offer_mechanisms(draft: Draft) -> None:
    for section in coded(draft.label.sections, MECHANISM):
        statement = said(draft.label, all_blocks(section))
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
        draft.offer("mechanisms", data)
