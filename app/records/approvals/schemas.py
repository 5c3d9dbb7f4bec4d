"""The JSON shapes of approvals: as they are entered and as they are answered."""

from typing import Annotated

from pydantic import Field

from app.records.base_schemas import CitedIn, CitedOut, Fields, Identified, RefersTo
from app.records.fields import Name, PartialDate, Slug
from app.records.indications.schemas import IndicationRef
from app.records.products.schemas import ProductRef


class ApprovalFields(Fields):
    regulator: Name = Field(description="Who approved.", examples=["FDA"])
    date: PartialDate | None = Field(None, description="When, as precisely as known.")
    population: Name | None = Field(None, description="For whom.", examples=["Adults"])
    brand_name: Name | None = Field(None, description="Brand approved, where it is one of several.")
    application_number: Name | None = Field(None, description="The application.", examples=["BLA103000"])
    submission: Name | None = Field(None, description="FDA's submission.", examples=["SUPPL-5000"])
    submission_status_date: PartialDate | None = Field(
        None, description="Date of the submission's status in FDA's Drugs@FDA tables."
    )


class ApprovalIn(ApprovalFields, CitedIn):
    product: Annotated[Slug, RefersTo("products"), Field(description="Product approved, by id.")]
    indication: Annotated[Slug, RefersTo("indications"), Field(description="What for, by id.")]


class ApprovalOut(CitedOut, ApprovalFields, Identified):
    """A regulator's approval of a product for an indication."""

    product: ProductRef = Field(description="Product approved.")
    indication: IndicationRef = Field(description="What it is approved for.")
