"""The declaration of the record type `safety-notes`: its tables, names, filters, sort keys and texts for search."""

from app.records.base_filters import cited_filters
from app.records.filter_declarations import number, reference, text, word
from app.records.link_tables import Linked, Part
from app.records.resource import EmbeddedRecords, Resource, Row, Rows, part_rows, render_rows, shaped_rows
from app.records.safety_notes import schemas
from app.records.safety_notes.models import SAFETY_NOTE_INDICATIONS, SAFETY_NOTE_PRODUCTS, Frequency, SafetyNote
from app.records.safety_notes.rules import RULES
from app.records.safety_notes.schemas import SafetyNoteIn, SafetyNoteOut


def _frequencies(note: SafetyNoteIn) -> Rows:
    return {"safety_note_frequencies": part_rows({"safety_note_id": note.id}, shaped_rows(note.frequencies))}


def _fields(rows: Rows, _: EmbeddedRecords) -> Row:
    return {"frequencies": render_rows(schemas.Frequency, rows["safety_note_frequencies"])}


SAFETY_NOTES = Resource(
    type="safety-notes",
    singular="safety note",
    entered=SafetyNoteIn,
    out=SafetyNoteOut,
    rules=RULES,
    main=Part(SafetyNote, "id"),
    lists={"products": SAFETY_NOTE_PRODUCTS, "indications": SAFETY_NOTE_INDICATIONS},
    own_parts=(Part(Frequency, "safety_note_id"),),
    more_rows=_frequencies,
    more_fields=_fields,
    filters={
        **cited_filters("safety-notes"),
        "kind": word(SafetyNote.kind, "Section of the label."),
        "title": text(SafetyNote.title, "present", "Exact title."),
        "product": reference(SAFETY_NOTE_PRODUCTS, "botox", "Product it is about.", path="products.id"),
        "indication": reference(
            SAFETY_NOTE_INDICATIONS, "cervical-dystonia", "Condition it is about.", path="indications.id"
        ),
        "event": text(
            Linked(Frequency.event, Frequency.safety_note_id),
            "eyelid ptosis",
            "Event whose frequency is given.",
            path="frequencies.event",
        ),
        "event_percent": number(
            Linked(Frequency.percent, Frequency.safety_note_id),
            "5..",
            "Percent affected by any of its events, in any arm.",
            path="frequencies.percent",
        ),
    },
    sorted_by=("kind", "title"),
    texts={
        "title": ("title",),
        "name": (),
        "statement": ("statement",),
        "event": ("frequencies.event",),
        "product": ("products.name",),
        "indication": ("indications.name",),
        "note": ("note",),
    },
    example="boxed-distant-spread",
)
