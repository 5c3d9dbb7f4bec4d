"""The JSON shapes of products: as they are entered, as they are answered, and their filters."""

from typing import Annotated

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_filters import CitedFilter
from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified
from app.records.fields import Line, Name, ProductKind, Serotype
from app.records.filters import Tests, boolean, coded, identifier, text, word


class ProductRef(Embedded):
    name: str = Field(description="Nonproprietary name.", examples=["onabotulinumtoxinA"])


class ProductFields(Fields):
    kind: ProductKind = Field(
        "product", description="`class` where studies name a substance and no single product.", examples=["product"]
    )
    name: Name = Field(description="Nonproprietary name.", examples=["onabotulinumtoxinA"])
    brand_names: list[Name] = Field(default_factory=list, description="Brands it is sold under.")
    former_brand_names: list[Name] = Field(default_factory=list, description="Brands it was sold under.")
    us_suffix_name: Name | None = Field(None, description="FDA's name with its four-letter suffix.")
    synonyms: list[Name] = Field(default_factory=list, description="Other names that find it.")
    serotype: Serotype | None = Field(None, description="Serotype of the toxin.")
    manufacturer: Name | None = Field(None, description="Who makes it.")
    former_manufacturers: list[Name] = Field(default_factory=list, description="Who made it before.")
    atc_code: str | None = Field(
        None,
        pattern=pattern(r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$", "an ATC code such as M03AX01"),
        description="WHO ATC code.",
        examples=["M03AX01"],
    )
    unii: str | None = Field(
        None,
        pattern=pattern(r"^[A-Z0-9]{10}$", "a UNII of ten letters and digits"),
        description="FDA substance id; several products can share one.",
    )
    cas_number: str | None = Field(
        None,
        pattern=pattern(r"^[0-9]{2,7}-[0-9]{2}-[0-9]$", "a CAS number such as 93384-43-1"),
        description="CAS registry number.",
    )
    cas_number_note: Line | None = Field(None, description="What the CAS number covers.")
    contains_complexing_proteins: bool | None = Field(None, description="Whether accessory proteins are in it.")
    units_interchangeable: bool | None = Field(
        None, description="Whether its units can be converted into another product's."
    )


class ProductIn(ProductFields, CitedIn):
    pass


class ProductOut(CitedOut, ProductFields, Identified):
    """A product, or a class of substance. Units of different products are not interchangeable."""


class ProductFilter(CitedFilter):
    kind: Annotated[Tests, word(ProductKind), Field(description="Product or class of substance.")] = ()
    name: Annotated[Tests, text("onabotulinumtoxinA"), Field(description="Nonproprietary name.")] = ()
    brand_name: Annotated[Tests, text("Botox"), Field(description="Brand it is sold under.")] = ()
    serotype: Annotated[Tests, word(Serotype), Field(description="Serotype of the toxin.")] = ()
    manufacturer: Annotated[Tests, text("Merz"), Field(description="Who makes it.")] = ()
    atc_code: Annotated[
        Tests, coded("[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}", "an ATC code", "M03AX01"), Field(description="WHO ATC code.")
    ] = ()
    unii: Annotated[Tests, identifier("unii", "E211KPY694"), Field(description="FDA substance id.")] = ()
    units_interchangeable: Annotated[Tests, boolean(), Field(description="Units convertible.")] = ()
