"""The JSON shapes that all record types share.

Shape    RecordIn <- CitedIn     as a record is entered; the `In` models
Fields   RecordOut <- CitedOut   as a record is answered; the `Out` models
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from app.common.patterns import pattern
from app.records.fields import Name, Prose, Slug
from app.records.vocabularies import AbsenceReason, AlertState, EvidenceBasis, QuoteStatus, RecordType, Tier


class Shape(BaseModel):
    """A frozen, strict model: an unknown field or a value of another type is an error, never ignored or converted."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", json_schema_serialization_defaults_required=True
    )


class Fields(BaseModel):
    """A frozen model for fields that a type's `In` and `Out` share. Unlike `Shape` it does not forbid other fields."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True)
class RefersTo:
    """The annotation of an `In` field that holds the id of a record, or the ids of several, of a type."""

    type: RecordType


class Embedded(Fields):
    """A record as it is embedded in another: some of its fields. `include=` replaces it by the whole record."""

    of: ClassVar[RecordType]
    """The type of the record."""

    id: Slug


JsonPointer = Annotated[
    str,
    Field(max_length=500, pattern=pattern(r"^(/([^~/]|~[01])*)*$", "a JSON Pointer (RFC 6901) such as /outcomes/0")),
]


class ProvenanceIn(Shape):
    source: Annotated[Slug, RefersTo("sources"), Field(description="Id of the source.", examples=["article"])]
    section: Name | None = Field(None, description="Where in the source: a heading, a table, a page.")
    quote: Prose | None = Field(
        None, description="Exact text of the stored source; must be in it, character for character."
    )
    start: int | None = Field(
        None, ge=0, description="Offset of the quote in Unicode code points; found if the quote is unique."
    )
    paths: dict[str, JsonPointer] = Field(
        default_factory=dict,
        max_length=500,
        description="Of a source that is JSON: from a field of the record to the place in the source that it was "
        "mapped from, an RFC 6901 pointer.",
        examples=[{"enrolled": "/protocolSection/designModule/enrollmentInfo/count"}],
    )


class ProvenanceOut(Fields):
    """One source of a record's statements; quotes are W3C Web Annotation text quote and position selectors."""

    source: Slug = Field(description="Id of the source.", examples=["article"])
    tier: Tier = Field(description="How near the source is to the fact.")
    url: str | None = Field(description="Where the source is, if it is on the web.")
    section: str | None = Field(description="Where in the source.")
    paths: dict[str, str] = Field(
        description="Of a source that is JSON: from a field of the record to where in the source it was mapped from, "
        "an RFC 6901 pointer."
    )
    quote: str | None = Field(description="Exact text of the source, as it was when the record was entered.")
    start: int | None = Field(description="Where the quote starts, in Unicode code points; if gone, where it last did.")
    end: int | None = Field(description="Where the quote ends (exclusive), in Unicode code points.")
    prefix: str | None = Field(description="The text just before the quote.")
    suffix: str | None = Field(description="The text just after the quote.")
    checked_at: datetime | None = Field(description="When the quote was last found in the source's text.")
    status: QuoteStatus = Field(
        description="`ok`: the quote stands where it was entered; `moved`: the source's text was replaced since, and "
        "the quote, or a passage nearly like it that the text shows from `start` to `end`, now stands there; `gone`: "
        "it is in the text no longer, or cannot be told from others like it; `unquoted`: the source is cited without."
    )


class AlertOut(Fields):
    """A publication that the record rests on, and what became of it."""

    publication: Slug = Field(description="Id of the publication.", examples=["pmid-20647170"])
    state: AlertState = Field(description="What the publication is marked as.")


class ConflictOut(Fields):
    """A field of which an imported source says something else than the record."""

    field: str = Field(description="The field of the record.", examples=["enrolled"])
    current: Any = Field(description="The record's own value; of a long one, the beginning of its JSON.")
    current_source: Slug | None = Field(
        description="The imported source of the record's value; null: people entered it."
    )
    proposed: Any = Field(description="The source's value; of a long one, the beginning of its JSON.")
    source: Slug = Field(description="Id of the source.", examples=["ctgov-nct00156910"])
    rule: str = Field(description="The rule by which the record's value stands.", examples=["person-first"])


class Cited(Shape):
    """The provenance of a record that cites sources: at least one."""

    provenance: list[ProvenanceIn] = Field(min_length=1, max_length=100)


class RecordIn(Shape):
    id: Slug
    note: Prose | None = Field(None, description="A remark on the record itself.")
    absent: dict[str, AbsenceReason] = Field(
        default_factory=dict, description="Why a field is missing, where the source says so."
    )


def as_entered(record: RecordIn) -> bytes:
    """A record as JSON, as it is stored beside its document. Equal records have equal bytes."""
    return bytes(record.__pydantic_serializer__.to_json(record))


class CitedIn(RecordIn, Cited):
    needs_primary_source: bool = Field(
        False, description="A curator's flag: the primary sources named do not cover the whole record."
    )


class Identified(Fields):
    id: Slug
    type: RecordType


class RecordOut(Fields):
    note: Prose | None = Field(description="A remark on the record itself.")
    absent: dict[str, AbsenceReason] = Field(description="Why a field is missing, where the source says so.")


class CitedOut(RecordOut):
    needs_primary_source: bool = Field(
        description="A curator's flag: the primary sources named do not cover the whole record."
    )
    evidence_basis: EvidenceBasis = Field(description="`secondary`: no primary source covers the whole record.")
    alert: AlertState | None = Field(
        description="The worst that became of any publication it rests on: a study's reports, a mechanism's studies' "
        "reports, or a source that is a publication, by its PMID or DOI. Null: nothing known."
    )
    alerts: list[AlertOut] = Field(description="Retracted, doubted or corrected publications that it rests on.")
    conflicts: list[ConflictOut] = Field(
        description="What imported sources say otherwise: what a person entered is never overwritten by an import."
    )
    provenance: list[ProvenanceOut] = Field(description="Where the record's statements come from.")


def _inside(annotation: Any) -> Iterator[Any]:
    """A type hint and all that it is made of."""
    yield annotation
    for part in get_args(annotation):
        yield from _inside(part)


def _models(field: FieldInfo) -> Iterator[type[BaseModel]]:
    """The models that a field, or the items of its list, may hold."""
    parts = _inside(field.annotation)
    return (part for part in parts if isinstance(part, type) and issubclass(part, BaseModel))


def field_at(shape: type[BaseModel], path: str) -> FieldInfo:
    """The field at a dotted path of a model, through lists; raises `LookupError` where there is none."""
    name, _, below = path.partition(".")
    field = shape.model_fields.get(name)
    inner = next(_models(field), None) if field and below else None
    if field is None or (below and inner is None):
        raise LookupError(f"{shape.__name__} has no field {path!r}")
    return field_at(inner, below) if inner else field


def embedded_types(shape: type[BaseModel]) -> dict[str, RecordType]:
    """The fields of an `Out` model that hold embedded records, with the types of these."""
    found = ((name, next(_models(field), None)) for name, field in shape.model_fields.items())
    return {name: model.of for name, model in found if model and issubclass(model, Embedded)}


def _mark(field: FieldInfo) -> RefersTo | None:
    """The `RefersTo` of a field or of its list's items."""
    parts = (*field.metadata, *_inside(field.annotation))
    return next((part for part in parts if isinstance(part, RefersTo)), None)


@cache
def referring(shape: type[BaseModel]) -> dict[str, RefersTo | type[BaseModel]]:
    """The fields of a model that refer to records, and those that hold another model with such fields."""
    found: dict[str, RefersTo | type[BaseModel]] = {}
    for name, field in shape.model_fields.items():
        mark = _mark(field) or next((part for part in _models(field) if referring(part)), None)
        if mark:
            found[name] = mark
    return found


def references(value: Any, pointer: str = "") -> Iterator[tuple[str, RecordType, str]]:
    """Every id in an `In` record that refers to another record: `(JSON pointer, type, id)`."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from references(item, f"{pointer}/{index}")
    if isinstance(value, BaseModel):
        for name, mark in referring(type(value)).items():
            yield from _references_of(getattr(value, name), mark, f"{pointer}/{name}")


def _references_of(
    content: Any, mark: RefersTo | type[BaseModel], pointer: str
) -> Iterator[tuple[str, RecordType, str]]:
    if not isinstance(mark, RefersTo):
        yield from references(content, pointer)
    elif isinstance(content, str):
        yield pointer, mark.type, content
    else:
        yield from ((f"{pointer}/{index}", mark.type, id) for index, id in enumerate(content or ()))
