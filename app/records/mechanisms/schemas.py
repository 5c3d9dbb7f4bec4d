"""The JSON shapes of mechanisms: as they are entered and as they are answered."""

from typing import Annotated

from pydantic import Field

from app.common.patterns import pattern
from app.records.base_schemas import CitedIn, CitedOut, Fields, Identified, RefersTo
from app.records.fields import Line, Name, Prose, Slug
from app.records.indications.schemas import IndicationRef
from app.records.products.schemas import ProductRef
from app.records.studies.schemas import StudyRef
from app.records.vocabularies import Serotype

UNIPROT = pattern(
    r"^([OPQ][0-9][A-Z0-9]{3}[0-9]|[A-NR-Z][0-9]([A-Z][A-Z0-9]{2}[0-9]){1,2})$", "a UniProt accession such as P0DPI1"
)


class MechanismFields(Fields):
    title: Name = Field(description="The mechanism in a line.", examples=["SNAP-25 cleavage by type A toxin"])
    summary: Prose | None = Field(None, description="How it works, in our words.")
    action_type: Name | None = Field(None, description="Kind of action.", examples=["proteolytic enzyme"])
    molecular_target: Name | None = Field(None, description="What is acted on.", examples=["SNAP-25"])
    target_uniprot: str | None = Field(
        None,
        pattern=UNIPROT,
        description="UniProt accession of the target.",
    )
    toxin_uniprot: str | None = Field(
        None,
        pattern=UNIPROT,
        description="UniProt accession of the toxin.",
        examples=["P0DPI1"],
    )
    toxin_ec_number: str | None = Field(
        None,
        pattern=pattern(r"^[0-9]+(\.[0-9]+){3}$", "an EC number such as 3.4.24.69"),
        description="EC number of the toxin.",
        examples=["3.4.24.69"],
    )
    tissue: Name | None = Field(None, description="Where it happens.", examples=["Neuromuscular junction"])
    effect: Line | None = Field(None, description="What follows from it.")
    serotypes: list[Serotype] = Field(default_factory=list, description="Serotypes it is known of.")


class MechanismIn(MechanismFields, CitedIn):
    products: list[Annotated[Slug, RefersTo("products")]] = Field(
        default_factory=list, description="Products it is stated of, by id."
    )
    studies: list[Annotated[Slug, RefersTo("studies")]] = Field(
        default_factory=list, description="Studies that support it, by id."
    )
    indications: list[Annotated[Slug, RefersTo("indications")]] = Field(
        default_factory=list, description="Conditions it is thought to matter for, by id."
    )


class MechanismOut(CitedOut, MechanismFields, Identified):
    """How a therapy works."""

    products: list[ProductRef] = Field(description="Products it is stated of.")
    studies: list[StudyRef] = Field(description="Studies that support it.")
    indications: list[IndicationRef] = Field(description="Conditions it is thought to matter for.")
