"""The JSON shapes of safety notes: as they are entered and as they are answered."""

from typing import Annotated

from pydantic import Field

from app.records.base_schemas import CitedIn, CitedOut, Fields, Identified, RefersTo, Shape
from app.records.fields import Count, Name, Percent, Prose, Slug
from app.records.indications.schemas import IndicationRef
from app.records.products.schemas import ProductRef
from app.records.vocabularies import SafetyKind


class Frequency(Shape):
    event: Name = Field(description="What happened.", examples=["eyelid ptosis"])
    arm: Name | None = Field(None, description="Who was counted: a product or a comparator.", examples=["placebo"])
    n: Count | None = Field(None, description="People at risk.")
    events: Count | None = Field(None, description="People affected.")
    percent: Percent | None = Field(None, description="Percent affected, as printed.")


class SafetyNoteFields(Fields):
    kind: SafetyKind = Field(description="Section of the label it belongs to.", examples=["boxed-warning"])
    title: Name = Field(description="The note in a line.", examples=["Distant spread of toxin effect"])
    statement: Prose = Field(description="What can go wrong, for whom, in our words.")
    frequencies: list[Frequency] = Field(
        default_factory=list, max_length=2000, description="How often, by event and arm."
    )


class SafetyNoteIn(SafetyNoteFields, CitedIn):
    products: list[Annotated[Slug, RefersTo("products")]] = Field(
        default_factory=list, description="Products it is about, by id."
    )
    indications: list[Annotated[Slug, RefersTo("indications")]] = Field(
        default_factory=list, description="Conditions it is about, by id; none: whatever the condition."
    )


class SafetyNoteOut(CitedOut, SafetyNoteFields, Identified):
    """What can go wrong."""

    products: list[ProductRef] = Field(description="Products it is about.")
    indications: list[IndicationRef] = Field(description="Conditions it is about; none: whatever the condition.")
