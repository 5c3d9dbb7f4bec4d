"""The JSON shapes of products: as they are entered and as they are answered."""

from typing import ClassVar

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_schemas import CitedIn, CitedOut, Embedded, Fields, Identified
from app.records.fields import Line, Name
from app.records.vocabularies import ProductKind, RecordType, Serotype

ATC = pattern(r"^[A-Z][0-9]{2}[A-Z]{2}[0-9]{2}$", "an ATC code such as M03AX01")


class ProductRef(Embedded):
    of: ClassVar[RecordType] = "products"

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
        pattern=ATC,
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
