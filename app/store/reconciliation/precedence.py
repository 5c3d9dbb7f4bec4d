"""Which of two values stands, as one table: what belongs together, what is added up, and who comes before whom.

Whatever people entered comes before all of it. Among imports, the one whose own matter a record is comes before others,
and else the earlier.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.records.fields import RecordType

PERSON_FIRST = "person-first"
"""What a person entered, or took out, stands, whatever is published elsewhere."""

FIRST_COME = "first-come"
"""Of two publishers that know no better than each other, the one imported first stands."""

WORST_STATE = "worst-retraction-state"
"""The worst that anybody knows of a publication stands: whoever relies on it decides about patients by it."""


class Precedence(NamedTuple):
    rule: str
    types: frozenset[RecordType]
    formats: frozenset[str]
    """Imports of these come before all others, for records of these types."""


TABLE = (
    Precedence("registry-of-the-trial", frozenset({"studies"}), frozenset({"ctgov"})),
    Precedence("pubmed-for-bibliography", frozenset({"publications"}), frozenset({"pubmed"})),
    Precedence(
        "label-of-the-product",
        frozenset({"products", "indications", "safety-notes", "approvals", "dosing", "mechanisms"}),
        frozenset({"label"}),
    ),
)

RULES = (PERSON_FIRST, WORST_STATE, *(row.rule for row in TABLE), FIRST_COME)

REPEATING = frozenset({"references"})
"""Formats whose files hold a record several times as a matter of course: citation managers export what was found twice.
The first stands; in all other formats a record that stands there twice is a fault of the file."""

GROUPS: Mapping[RecordType, Sequence[tuple[str, ...]]] = {
    "studies": (
        ("arms", "outcomes", "adverse_events", "participant_flow"),
        ("overlaps_with", "overlaps_note", "overlaps_inferred"),
    ),
    "publications": (
        ("title", "title_kind"),
        ("year", "date"),
        ("authors", "collective_authors", "authors_complete"),
        ("abstract", "abstract_sections"),
    ),
    "sources": (("text", "sha256", "retrieved_on"),),
    "products": (("cas_number", "cas_number_note"),),
}
"""Fields that make sense only together: they are taken from one hand, or completed where nothing differs."""

ADDED_UP = frozenset(
    {
        "products",
        "indications",
        "publications",
        "studies",
        "registry_ids",
        "synonyms",
        "brand_names",
        "former_brand_names",
        "provenance",
    }
)
"""Lists that hold what everybody knows, what people entered first."""

UNTOLD = frozenset({"id", "provenance", "absent"})
"""Fields that cannot conflict."""

STATES = ("none", "corrected", "expression-of-concern", "retracted")
"""Retraction states, the worst last."""


def rank(type: RecordType, format: str) -> int:
    """Lower comes first."""
    return 0 if any(type in row.types and format in row.formats for row in TABLE) else 1


def rule_between(type: RecordType, kept: str, offered: str) -> str:
    """The rule by which the value of one format stands against another's."""
    if rank(type, kept) == rank(type, offered):
        return FIRST_COME
    return next((row.rule for row in TABLE if type in row.types and kept in row.formats), FIRST_COME)


def worse(one: Any, other: Any) -> Any:
    known = [state for state in (one, other) if state in STATES]
    return max(known, key=STATES.index) if known else None
