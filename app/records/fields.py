"""Types of fields that several models share: each declares the table column, the JSON schema and the description.

SQLAlchemy reads the `mapped_column` of an alias; Pydantic and OpenAPI read its `Field`. The vocabularies follow NLM
(publication types, MeSH), ClinicalTrials.gov (phase, masking, status), FDA label sections and OCEBM designs.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from sqlalchemy import Enum
from sqlalchemy.orm import mapped_column

from app.common import identifiers
from app.common.patterns import pattern
from app.database.engine import text

SLUG = pattern(
    r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "an id of small letters, digits and single hyphens between them, such as preempt-1"
)
SOMETHING = pattern(r"\S", "a text: it has nothing but spaces")


def word(name: str, literal: Any) -> Enum:
    """The column type of a vocabulary: VARCHAR with a named CHECK, so that the database enforces it too."""
    return Enum(*get_args(literal), name=name, native_enum=False, create_constraint=True, length=40)


def _real_date(value: str) -> str:
    date.fromisoformat(value + "-01-01"[len(value) - 4 :] if len(value) < 10 else value)
    return value


def _canonical(form: Callable[[str], str | None]) -> BeforeValidator:
    """Enter an identifier in its canonical form; what has none is left to the pattern of the field to refuse."""
    return BeforeValidator(lambda value: (form(value) or value) if isinstance(value, str) else value)


Slug = Annotated[
    str,
    mapped_column(text(120)),
    Field(pattern=SLUG, max_length=120, description="Permanent id, unique in its type.", examples=["preempt-1"]),
]
Name = Annotated[str, mapped_column(text(300)), Field(min_length=1, max_length=300, pattern=SOMETHING)]
Title = Annotated[str, mapped_column(text(600)), Field(min_length=1, max_length=600, pattern=SOMETHING)]
"""A title, short enough for an index of every database, whatever its script."""
Line = Annotated[str, mapped_column(text(1000)), Field(min_length=1, max_length=1000, pattern=SOMETHING)]
Prose = Annotated[str, mapped_column(text()), Field(min_length=1, max_length=20_000, pattern=SOMETHING)]
RegistryId = Annotated[
    str,
    Field(
        pattern=pattern(
            r"^[!-~]{4,60}$", "a registration of 4 to 60 letters, digits and signs without spaces, such as NCT00156910"
        ),
        description="A trial registration.",
    ),
    _canonical(identifiers.known_registration),
]
MeshId = Annotated[
    str,
    Field(
        pattern=pattern(r"^D[0-9]{6,9}$", "the id of a MeSH descriptor such as D008881"),
        description="MeSH descriptor.",
        examples=["D008881"],
    ),
    _canonical(identifiers.mesh),
]
Pmid = Annotated[
    str,
    Field(pattern=pattern(r"^[1-9][0-9]{0,7}$", "a PubMed id, a number such as 20647170"), description="PubMed id."),
    _canonical(identifiers.pmid),
]
Doi = Annotated[
    str,
    Field(pattern=pattern(r"^10\.[0-9]{4,9}/\S+$", "a DOI such as 10.1177/0333102410364676"), max_length=300),
    _canonical(identifiers.doi),
]
Pmcid = Annotated[
    str,
    Field(pattern=pattern(r"^PMC[1-9][0-9]{0,9}$", "a PubMed Central id such as PMC5799088")),
    _canonical(identifiers.pmcid),
]
Issn = Annotated[
    str, Field(pattern=pattern(r"^[0-9]{4}-[0-9]{3}[0-9X]$", "an ISSN such as 0333-1024")), _canonical(identifiers.issn)
]
PartialDate = Annotated[
    str,
    mapped_column(text(10)),
    AfterValidator(_real_date),
    Field(
        pattern=pattern(
            r"^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$", "a year, month or day such as 2010, 2010-07 or 2010-07-30"
        ),
        description="ISO 8601 date, as precise as its source: `2010`, `2010-07` or `2010-07-30`.",
        examples=["2010-07-30"],
    ),
]
Year = Annotated[int, Field(ge=1800, le=2100, description="Calendar year.", examples=[2010])]
Count = Annotated[int, Field(ge=0, le=10**9, description="A number of people or things.", examples=[341])]


def _printable(value: int | float) -> int | float:
    """Refuse numbers that not both databases store with all digits, and turn negative zero into zero."""
    if abs(value) > 1e15:
        raise ValueError("this number is too large to be kept as it is printed")
    return value if value else abs(value)


Number = Annotated[
    int | float,
    AfterValidator(_printable),
    Field(allow_inf_nan=False, description="As printed: 40 and 40.0 differ."),
    WithJsonSchema({"type": "number", "description": "As printed by the source.", "examples": [88.2]}),
]
NonNegative = Annotated[
    int | float,
    AfterValidator(_printable),
    Field(ge=0, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0, "description": "As printed by the source.", "examples": [88.2]}),
]
Percent = Annotated[
    int | float,
    AfterValidator(_printable),
    Field(ge=0, le=100, allow_inf_nan=False),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100, "examples": [88.2]}),
]
Weeks = Annotated[int, Field(ge=0, le=5200, description="Weeks.", examples=[24])]
