"""The declaration of the record type `safety-notes`: its rows, names and rendering, filters and sort keys."""

from app.records.base_targets import cited_targets
from app.records.resource import (
    EmbeddedRecords,
    Linked,
    Part,
    Resource,
    Row,
    Rows,
    embed_columns,
    embedded,
    links,
    no_names,
    part_rows,
    render_rows,
    row_of,
    shaped_rows,
)
from app.records.safety_notes import schemas
from app.records.safety_notes.models import Frequency, SafetyNote, SafetyNoteIndication, SafetyNoteProduct
from app.records.safety_notes.rules import RULES
from app.records.safety_notes.schemas import SafetyNoteFilter, SafetyNoteIn, SafetyNoteOut


def _rows(note: SafetyNoteIn) -> Rows:
    owner = {"safety_note_id": note.id}
    return {
        "safety_notes": [row_of(SafetyNote, note)],
        "safety_note_frequencies": part_rows(owner, shaped_rows(note.frequencies)),
        "safety_note_products": links(owner, "product_id", note.products),
        "safety_note_indications": links(owner, "indication_id", note.indications),
    }


def _render(rows: Rows, found: EmbeddedRecords) -> Row:
    return {
        **rows["safety_notes"][0],
        "frequencies": render_rows(schemas.Frequency, rows["safety_note_frequencies"]),
        "products": embedded(found, "products", rows["safety_note_products"], "product_id"),
        "indications": embedded(found, "indications", rows["safety_note_indications"], "indication_id"),
    }


SAFETY_NOTES = Resource(
    type="safety-notes",
    singular="safety note",
    entered=SafetyNoteIn,
    out=SafetyNoteOut,
    filter=SafetyNoteFilter,
    rules=RULES,
    main=Part(SafetyNote, "id"),
    parts=(
        Part(Frequency, "safety_note_id"),
        Part(SafetyNoteProduct, "safety_note_id"),
        Part(SafetyNoteIndication, "safety_note_id"),
    ),
    rows=_rows,
    names=no_names,
    render=_render,
    embed=embed_columns("safety_notes", "id"),
    filters={
        **cited_targets("safety-notes"),
        "kind": SafetyNote.kind,
        "title": SafetyNote.title,
        "product": Linked(SafetyNoteProduct.product_id, SafetyNoteProduct.safety_note_id),
        "indication": Linked(SafetyNoteIndication.indication_id, SafetyNoteIndication.safety_note_id),
        "event": Linked(Frequency.event, Frequency.safety_note_id),
        "event_percent": Linked(Frequency.percent, Frequency.safety_note_id),
    },
    sorts={"id": SafetyNote.id, "kind": SafetyNote.kind, "title": SafetyNote.title},
    includes={"products": "products", "indications": "indications"},
    example="boxed-distant-spread",
)
