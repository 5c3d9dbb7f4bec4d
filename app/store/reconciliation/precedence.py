"""Precedence: which of two values survives, which fields belong together, and which lists are merged.

What a curator entered comes before every import. Among imports, a format that is the authority for a type of records
comes before the others (`TABLE`); of two equal ones the earlier import comes first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from app.records.vocabularies import RecordType

PERSON_FIRST = "person-first"
"""What a curator entered or removed stands, whatever sources state."""

FIRST_COME = "first-come"
"""Of two sources of equal precedence, the one that was imported first stands."""

WORST_STATE = "worst-retraction-state"
"""The worst retraction state that any source states stands, since decisions about patients rest on publications."""


class Precedence(NamedTuple):
    """A rule by which imports of some formats come before all others, for records of some types."""

    rule: str
    types: frozenset[RecordType]
    formats: frozenset[str]


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
"""The names of all rules, as conflicts show them."""

NAMING: Mapping[RecordType, str] = {"products": "ctgov", "indications": "ctgov"}
"""The formats whose items only name records of a type: such records are provisional until another format or a person
states them, and among the items the order of their sources decides and not which came first."""

REPEATING = frozenset({"references"})
"""Formats whose files may hold a record several times, since citation managers export duplicates.

The first one counts. In all other formats a record that occurs twice is a fault of the file.
"""

WITHDRAWING: Mapping[str, frozenset[RecordType]] = {
    "label": frozenset({"safety-notes", "dosing", "mechanisms", "approvals"})
}
"""The formats whose items say all that their source states, with the types of records that an item no longer states
once they are missing in it: a label version without a section withdraws what was made from that section."""

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
"""Fields that make sense only together. All come from one contributor, unless others differ in none of them."""

MERGED_LISTS = frozenset(
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
"""Lists that are the union of all contributions; the items that a curator entered come first."""

WITHOUT_CONFLICT = frozenset({"id", "provenance", "absent"})
"""Fields for which no conflict is reported."""

STATES = ("none", "corrected", "expression-of-concern", "retracted")
"""Retraction states in ascending order of severity."""


def rank(type: RecordType, format: str) -> int:
    """The precedence of a format for records of a type: 0 for an authority, which comes first, else 1."""
    return 0 if any(type in row.types and format in row.formats for row in TABLE) else 1


def rule_between(type: RecordType, kept: str, offered: str) -> str:
    """The rule by which a value of the format `kept` stands against one of the format `offered`."""
    if rank(type, kept) == rank(type, offered):
        return FIRST_COME
    return next((row.rule for row in TABLE if type in row.types and kept in row.formats), FIRST_COME)


def worse(one: Any, other: Any) -> Any:
    """The more severe of two retraction states. Anything that is no state is ignored."""
    known = [state for state in (one, other) if state in STATES]
    return max(known, key=STATES.index) if known else None
