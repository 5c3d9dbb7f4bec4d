"""What products and indications are called, as known when an import begins; small enough to be handed to a process."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Executable, select

from app.records.base_models import RecordName, fold
from app.records.indications.models import Indication
from app.records.products.models import Product
from app.search.mesh_models import MeshDescriptor, MeshTerm
from app.search.synonyms import SAME

Index = Mapping[str, str]
"""From a folded name to the one id that it finds."""


@dataclass(frozen=True, slots=True)
class Names:
    products: Index
    indications: Index
    mesh: Index
    """From a MeSH descriptor's id to the one indication that is the same condition."""
    classes: frozenset[str] = frozenset()
    """Ids among the products that are classes of substance, which no label is of."""

    def product(self, name: str) -> str | None:
        return self.products.get(fold("products", name))

    def indication(self, name: str) -> str | None:
        return self.indications.get(fold("indications", name))

    def indication_of_mesh(self, descriptor: str) -> str | None:
        return self.mesh.get(descriptor)


NOBODY = Names({}, {}, {})


def _unambiguous(pairs: Iterable[tuple[str, str]]) -> Index:
    """What finds two records finds none: a wrong link is worse than a missing one."""
    found: dict[str, set[str]] = {}
    for key, id in pairs:
        found.setdefault(key, set()).add(id)
    return {key: ids.pop() for key, ids in found.items() if len(ids) == 1}


def _pairs(connection: Connection, query: Executable) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in connection.execute(query)]


def read_names(connection: Connection) -> Names:
    """Ids, names, brands, synonyms and identifiers, and for indications what MeSH calls the same condition."""
    keys = select(RecordName.key, RecordName.record_id)
    own = {type: _pairs(connection, keys.where(RecordName.record_type == type)) for type in ("products", "indications")}
    fitting = (Indication.mesh_id == MeshDescriptor.id, Indication.mesh_match.in_(SAME))
    headings = _pairs(connection, select(MeshDescriptor.heading, Indication.id).where(*fitting))
    of_terms = (*fitting, MeshTerm.descriptor_id == MeshDescriptor.id)
    terms = _pairs(connection, select(MeshTerm.term, Indication.id).where(*of_terms))
    theirs = [(fold("indications", name), id) for name, id in (*headings, *terms)]
    indications = _unambiguous(own["indications"])
    same = select(Indication.mesh_id, Indication.id).where(
        Indication.mesh_id.is_not(None), Indication.mesh_match.in_(SAME)
    )
    return Names(
        _unambiguous(own["products"]),
        {**_unambiguous(theirs), **indications},
        _unambiguous(_pairs(connection, same)),
        frozenset(connection.scalars(select(Product.id).where(Product.kind == "class"))),
    )
