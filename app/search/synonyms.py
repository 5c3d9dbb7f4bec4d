"""Synonyms: a search for `botox` also finds `onabotulinumtoxinA`.

The thesaurus consists of the names of products and indications, and of the names that MeSH has for the same
indications. It is small, and it is cached for one state of the database (`service.Thesauri`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from app.records.base_models import RecordName
from app.records.indications.models import Indication
from app.search import analysis
from app.search.mesh_models import MeshDescriptor, MeshTerm

KINDS = ("name", "brand-name", "former-brand-name", "synonym", "us-suffix-name", "entry-term")
TYPES = ("products", "indications")
MAX_NAME_WORDS = 8
"""The number of words in the longest names that are searched for."""

Terms = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expansion:
    """A name in a query: its terms from `start` to before `end`, and its synonyms."""

    start: int
    end: int
    names: tuple[str, ...]


class Thesaurus:
    """Groups of names that mean the same record, found by the terms of a name."""

    def __init__(self, groups: Sequence[Sequence[str]]) -> None:
        """Each group holds the names of one record."""
        self._groups = [list(dict.fromkeys(group)) for group in groups]
        self._by_terms: dict[Terms, list[int]] = defaultdict(list)
        for number, group in enumerate(self._groups):
            for name in group:
                terms = tuple(analysis.terms(name))
                if terms and len(terms) <= MAX_NAME_WORDS:
                    self._by_terms[terms].append(number)

    def other_names(self, terms: Terms) -> list[str]:
        """The synonyms of the name with these terms."""
        found = [name for number in self._by_terms.get(terms, ()) for name in self._groups[number]]
        return [name for name in dict.fromkeys(found) if tuple(analysis.terms(name)) != terms]

    def expansions(self, terms: Sequence[str]) -> Iterator[Expansion]:
        """Find the names in a sequence of terms. The longest name at each place is taken, and no two overlap."""
        start = 0
        while start < len(terms):
            end = self._name_at(terms, start)
            if end:
                yield Expansion(start, end, tuple(self.other_names(tuple(terms[start:end]))))
            start = end or start + 1

    def _name_at(self, terms: Sequence[str], start: int) -> int | None:
        for end in range(min(len(terms), start + MAX_NAME_WORDS), start, -1):
            if self.other_names(tuple(terms[start:end])):
                return end
        return None


def read_thesaurus(connection: Connection) -> Thesaurus:
    """Read the names of products and indications."""
    query = (
        select(RecordName.record_type, RecordName.record_id, RecordName.name)
        .where(RecordName.record_type.in_(TYPES), RecordName.kind.in_(KINDS))
        .order_by(RecordName.record_type, RecordName.record_id, RecordName.position)
    )
    groups: Mapping[tuple[str, str], list[str]] = defaultdict(list)
    for type, id, name in connection.execute(query):
        groups[type, id].append(name)
    for id, name in _mesh_names(connection):
        groups["indications", id].append(name)
    return Thesaurus(list(groups.values()))


SAME = ("exact", "close")
"""How closely a MeSH descriptor must match an indication to give it synonyms; a broader one would find too much."""


def _mesh_names(connection: Connection) -> Iterator[tuple[str, str]]:
    """The ids of indications with the headings and entry terms of their MeSH descriptors."""
    fitting = (Indication.mesh_id == MeshDescriptor.id, Indication.mesh_match.in_(SAME))
    headings = select(Indication.id, MeshDescriptor.heading).where(*fitting).order_by(Indication.id)
    terms = select(Indication.id, MeshTerm.term).where(*fitting, MeshTerm.descriptor_id == MeshDescriptor.id)
    for query in (headings, terms.order_by(Indication.id, MeshTerm.position)):
        yield from ((row[0], row[1]) for row in connection.execute(query))
