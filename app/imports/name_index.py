"""The names of products and indications when an import begins; small enough to be sent to the reader process."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Connection, Executable, select

from app.imports.provisional import NOTE
from app.records.base_models import Record, RecordName, fold
from app.records.indications.models import Indication
from app.records.products.models import Product
from app.search.mesh_models import MeshDescriptor, MeshTerm
from app.search.synonyms import SAME

Index = Mapping[str, str]
"""Maps a folded name to the id of the one record that it identifies."""


_WORD = re.compile(r"[^\W\d_]{5,}|btx|bont")
_JOINTS = re.compile(r"[\s\-–/]+")


def _together(key: str) -> str:
    return _JOINTS.sub("", key)


@dataclass(frozen=True)
class Names:
    """Finds products and indications by name, for readers that link to them."""

    products: Index
    indications: Index
    mesh: Index
    """Maps the id of a MeSH descriptor to the indication that is the same condition."""
    classes: frozenset[str] = frozenset()
    """The ids of products that are classes of substances. No label is of such a product."""

    def product(self, name: str) -> str | None:
        """The id of the product that a name identifies."""
        return self.products.get(fold("products", name))

    @cached_property
    def _spelled_together(self) -> Index:
        """The products by their names without blanks and hyphens: `onabotulinum toxin A` is onabotulinumtoxinA."""
        return _unambiguous((_together(key), id) for key, id in self.products.items())

    @cached_property
    def _class_words(self) -> frozenset[str]:
        """The longer words of the names of classes of substances."""
        names = (key for key, id in self.products.items() if id in self.classes)
        return frozenset(word for name in names for word in _WORD.findall(name))

    def product_of_drug(self, name: str) -> str | None:
        """The id of the product that a name of a drug identifies, however its parts are joined."""
        return self.product(name) or self._spelled_together.get(_together(fold("products", name)))

    def is_of_class(self, name: str) -> bool:
        """Whether a name shares a word with a class of substances, so that it may be any product of the class."""
        return not self._class_words.isdisjoint(_WORD.findall(fold("products", name)))

    def indication(self, name: str) -> str | None:
        """The id of the indication that a name identifies."""
        return self.indications.get(fold("indications", name))

    def indication_of_mesh(self, descriptor: str) -> str | None:
        """The id of the indication that is the same condition as a MeSH descriptor."""
        return self.mesh.get(descriptor)


NO_NAMES = Names({}, {}, {})
"""An index without any name."""


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> Index:
    """Leaves out names of several records, because a wrong link is worse than a missing one."""
    found: dict[str, set[str]] = {}
    for key, id in pairs:
        found.setdefault(key, set()).add(id)
    return {key: ids.pop() for key, ids in found.items() if len(ids) == 1}


def _pairs(connection: Connection, query: Executable) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(query)]


def read_names(connection: Connection) -> Names:
    """Reads the names and ids of products and indications, without provisional ones.

    Indications are also found by the terms of the MeSH descriptor that is the same condition (`SAME`), unless a name or
    id of an indication is spelled alike.
    """
    keys = select(RecordName.key, RecordName.record_id)
    waiting = select(Record.id).where(Record.type == RecordName.record_type, Record.note == NOTE)
    keys = keys.where(RecordName.record_id.not_in(waiting))
    own = {type: _pairs(connection, keys.where(RecordName.record_type == type)) for type in ("products", "indications")}
    provisional = select(Record.id).where(Record.type == "indications", Record.note == NOTE)
    confirmed = Indication.id.not_in(provisional)
    fitting = (Indication.mesh_id == MeshDescriptor.id, Indication.mesh_match.in_(SAME), confirmed)
    headings = _pairs(connection, select(MeshDescriptor.heading, Indication.id).where(*fitting))
    of_terms = (*fitting, MeshTerm.descriptor_id == MeshDescriptor.id)
    terms = _pairs(connection, select(MeshTerm.term, Indication.id).where(*of_terms))
    mesh_names = [(fold("indications", name), id) for name, id in (*headings, *terms)]
    indications = _unambiguous(own["indications"])
    same = select(Indication.mesh_id, Indication.id).where(
        Indication.mesh_id.is_not(None), Indication.mesh_match.in_(SAME), confirmed
    )
    return Names(
        _unambiguous(own["products"]),
        {**_unambiguous(mesh_names), **indications},
        _unambiguous(_pairs(connection, same)),
        frozenset(connection.scalars(select(Product.id).where(Product.kind == "class"))),
    )
