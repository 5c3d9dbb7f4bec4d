"""The JSON shapes of directions: as they are entered and as they are answered."""

from typing import Annotated

from pydantic import Field

from app.records.base_schemas import CitedIn, CitedOut, Fields, Identified, RefersTo
from app.records.fields import Name, Prose, Slug
from app.records.indications.schemas import IndicationRef
from app.records.products.schemas import ProductRef
from app.records.vocabularies import DirectionKind, UseField


class DirectionFields(Fields):
    title: Name = Field(description="The question in a line.")
    statement: Prose = Field(description="What is being explored or refined next.")
    kind: DirectionKind = Field(description="Refining what is in use, or exploring new ground.")
    fields_of_use: list[UseField] = Field(default_factory=list, description="Medical, cosmetic or both.")


class DirectionIn(DirectionFields, CitedIn):
    products: list[Annotated[Slug, RefersTo("products")]] = Field(
        default_factory=list, description="Products it is about, by id."
    )
    indications: list[Annotated[Slug, RefersTo("indications")]] = Field(
        default_factory=list, description="Conditions it is about, by id."
    )


class DirectionOut(CitedOut, DirectionFields, Identified):
    """An open research question."""

    products: list[ProductRef] = Field(description="Products it is about.")
    indications: list[IndicationRef] = Field(description="Conditions it is about.")
