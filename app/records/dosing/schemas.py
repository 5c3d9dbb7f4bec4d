"""The JSON shapes of dosing: as they are entered and as they are answered."""

from typing import Annotated

from pydantic import Field

from app.records.base_schemas import CitedIn, CitedOut, Fields, Identified, RefersTo
from app.records.fields import Line, Name, NonNegative, Prose, Slug, Weeks
from app.records.indications.schemas import IndicationRef
from app.records.products.schemas import ProductRef


class DosingFields(Fields):
    population: Name | None = Field(None, description="For whom.", examples=["Adults"])
    statement: Prose | None = Field(None, description="What is said of dosing where no dose is given.")
    dose: Line | None = Field(None, description="Dose as described.", examples=["20 U"])
    unit: Name | None = Field(
        None, description="Unit of all doses; units of one product are not another's.", examples=["U"]
    )
    dose_initial: NonNegative | None = Field(None, description="First dose.")
    dose_min: NonNegative | None = Field(None, description="Lowest dose.")
    dose_max: NonNegative | None = Field(None, description="Highest usual dose.")
    dose_min_per_kg: NonNegative | None = Field(None, description="Lowest dose per kg of body weight.")
    dose_max_per_kg: NonNegative | None = Field(None, description="Highest usual dose per kg of body weight.")
    dose_per: Name | None = Field(None, description="What a dose is for, if not the treatment.", examples=["axilla"])
    max_dose: NonNegative | None = Field(None, description="Dose not to be exceeded.")
    max_dose_basis: Name | None = Field(None, description="What `max_dose` counts.")
    max_cumulative_dose: NonNegative | None = Field(None, description="Dose not to be exceeded over time.")
    max_cumulative_basis: Name | None = Field(None, description="What `max_cumulative_dose` counts.")
    sites: Line | None = Field(None, description="Where it is injected.")
    retreatment_interval_weeks: Weeks | None = Field(None, description="Time to the next treatment, in weeks.")
    retreatment_interval_weeks_min: Weeks | None = Field(None, description="Shortest such time, in weeks.")
    retreatment_interval_months_min: int | None = Field(
        None, ge=0, le=1200, description="Shortest such time, in months."
    )
    onset: Name | None = Field(None, description="When it begins to work, as described.")
    duration: Name | None = Field(None, description="How long it works, as described.")
    label_country: Name | None = Field(None, description="Country of the label it is from.", examples=["US"])


class DosingIn(DosingFields, CitedIn):
    product: Annotated[Slug, RefersTo("products"), Field(description="Product, by id.")]
    indication: Annotated[Slug, RefersTo("indications")] | None = Field(None, description="What for, by id.")


class DosingOut(CitedOut, DosingFields, Identified):
    """How a product is given for an indication to a population."""

    product: ProductRef = Field(description="Product given.")
    indication: IndicationRef | None = Field(description="What for.")
