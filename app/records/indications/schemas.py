"""The JSON shapes of indications: as they are entered and as they are answered."""

from typing import ClassVar

from pydantic import Field

from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified, Shape
from app.records.fields import MeshId, Name, PartialDate, Prose
from app.records.products.schemas import ProductRef
from app.records.vocabularies import Category, MeshMatch, RecordType


class IndicationRef(Embedded):
    of: ClassVar[RecordType] = "indications"

    name: str = Field(description="Name of the condition.", examples=["Chronic migraine"])


class ApprovalStatus(Embedded):
    """An approval of a product for the indication, from `/v1/approvals`."""

    of: ClassVar[RecordType] = "approvals"

    product: ProductRef
    regulator: str = Field(description="Who approved.", examples=["FDA"])
    date: PartialDate | None = Field(description="When, as precisely as known.")
    population: str | None = Field(description="For whom.")


class Mesh(Shape):
    id: MeshId = Field(description="NLM MeSH descriptor.", examples=["D008881"])
    heading: Name = Field(description="Its preferred term.", examples=["Migraine Disorders"])
    match: MeshMatch = Field(description="How the descriptor relates to the condition.", examples=["broader"])


class IndicationFields(Fields):
    name: Name = Field(description="Name of the condition.", examples=["Chronic migraine"])
    category: Category | None = Field(None, description="Therapeutic or aesthetic.")
    synonyms: list[Name] = Field(default_factory=list, description="Other names that find it.")
    description: Prose | None = Field(None, description="What the condition is.")
    mesh: Mesh | None = Field(None, description="MeSH descriptor and how well it fits.")


class IndicationIn(IndicationFields, CitedIn):
    pass


class IndicationOut(CitedOut, IndicationFields, Identified):
    """What a therapy is for; the regulatory status lists the approvals known here and is derived from them."""

    regulatory_status: list[ApprovalStatus] = Field(description="Approvals for this indication.")
