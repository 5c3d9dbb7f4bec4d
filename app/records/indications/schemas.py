"""The JSON shapes of indications: as they are entered, as they are answered, and their filters."""

from typing import Annotated

from pydantic import Field

from app.records.base_filters import CitedFilter
from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified, Shape
from app.records.fields import Category, MeshId, MeshMatch, Name, PartialDate, Prose
from app.records.filters import Tests, identifier, reference, text, word
from app.records.products.schemas import ProductRef


class IndicationRef(Embedded):
    name: str = Field(description="Name of the condition.", examples=["Chronic migraine"])


class ApprovalStatus(Embedded):
    """An approval of a product for the indication, from `/v1/approvals`."""

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


class IndicationFilter(CitedFilter):
    name: Annotated[Tests, text("Chronic migraine"), Field(description="Name of the condition.")] = ()
    category: Annotated[Tests, word(Category), Field(description="Therapeutic or aesthetic.")] = ()
    synonym: Annotated[Tests, text("OAB"), Field(description="Another name.")] = ()
    mesh_id: Annotated[Tests, identifier("mesh", "D008881"), Field(description="MeSH descriptor.")] = ()
    mesh_match: Annotated[Tests, word(MeshMatch), Field(description="How well the descriptor fits.")] = ()
    approved_by: Annotated[Tests, text("FDA"), Field(description="Regulator that approved a product for it.")] = ()
    product: Annotated[
        Tests, reference("products", "botox"), Field(description="Product that is approved for it, by any regulator.")
    ] = ()
    approved_product: Annotated[
        Tests, reference("products", "onabotulinumtoxina"), Field(description="Product approved for it.")
    ] = ()
