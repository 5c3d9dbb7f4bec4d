"""The conditions and interventions of a study, in the registry's words and linked to stored records by name.

Conditions are also linked by the MeSH headings that NLM derived from them, but not by broader headings.
"""

import re
from collections.abc import Container

from app.imports.candidates import Candidate, Json
from app.imports.drug_names import drug_name
from app.imports.formats.ctgov.arms import Arms
from app.imports.formats.ctgov.notes import NAME, Notes, one_line, present
from app.imports.formats.ctgov.paths import PATHS
from app.imports.formats.ctgov.vocabularies import INTERVENTION_TYPES
from app.imports.name_index import Names
from app.imports.provisional import provisional_indication, provisional_product
from app.imports.slugs import slug
from app.records.vocabularies import RecordType

PROTOCOL = "protocolSection"
CONDITIONS = (PROTOCOL, "conditionsModule", "conditions")
INTERVENTIONS = (PROTOCOL, "armsInterventionsModule", "interventions")
MESHES = ("derivedSection", "conditionBrowseModule", "meshes")
_DESCRIPTOR = re.compile("D[0-9]{6,9}")
_LAST_OF_SIX_DIGITS = 66_331
"""The last MeSH descriptor number of six digits; later ones have nine. Some exports pad all to nine digits."""


def descriptor(id: str) -> str | None:
    """The usual form of a MeSH descriptor id; `None` if the text is not one."""
    if not _DESCRIPTOR.fullmatch(id):
        return None
    number = int(id[1:])
    return f"D{number:06}" if number <= _LAST_OF_SIX_DIGITS else id


def _headings(derived: Json, notes: Notes) -> dict[str, str]:
    """The descriptor ids of the derived headings."""
    found = {}
    for index, mesh in enumerate(derived.get("meshes") or ()):
        id, term = descriptor(mesh.get("id") or ""), notes.line(mesh.get("term"), NAME, *MESHES, index, "term")
        if id and term:
            found[term] = id
    return found


def _spellings(derived: Json, headings: dict[str, str]) -> dict[str, str]:
    """The derived heading for each of the record's own spellings, and for the heading itself."""
    own = {heading.casefold(): heading for heading in headings}
    leaves = ((leaf.get("asFound"), leaf.get("name")) for leaf in derived.get("browseLeaves") or ())
    return {found.casefold(): name for found, name in leaves if found and name in headings} | own


class Links:
    """The stored or provisional products and indications that one record names.

    A name that identifies a stored record is linked to it. Otherwise a drug is a provisional product by its name, and a
    MeSH heading of a condition a provisional indication.
    """

    def __init__(self, names: Names, source: str, notes: Notes, left_out: Container[str] = ()) -> None:
        self.names, self._source, self.notes = names, source, notes
        self._left_out = left_out
        """The provisional products that must not be made."""
        self._provisional: dict[tuple[RecordType, str], Json] = {}

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates for the provisional records."""
        return tuple(Candidate(type, data) for (type, _), data in self._provisional.items())

    def indication(self, name: str, heading: str | None, id: str | None) -> str | None:
        """The indication that a condition's name or MeSH heading identifies, or a provisional one of the heading."""
        found = self.names.indication(name)
        if found or not heading or not id:
            return found
        found, own = self.names.indication(heading) or self.names.indication_of_mesh(id), slug(heading)
        if not found and own:
            self._provisional["indications", own] = provisional_indication(own, heading, id, self._source)
        return found or own or None

    def product(self, type: str | None, name: str, others: list[str], *place: int | str) -> str | None:
        """The product that an intervention's name identifies, or else its other names if they identify only one."""
        drug = drug_name(name) if type in ("drug", "biological", None) else None
        known = self._stored_products(name, drug, others)
        if len(known) == 1:
            return known.pop()
        if drug and type and not known and (own := self._provisional_product(name, drug)):
            return own
        self.notes.warn("intervention-of-several-products" if known else "intervention-kept-as-text", place, name)
        return None

    def _stored_products(self, name: str, drug: str | None, others: list[str]) -> set[str]:
        """The stored products that an intervention's name identifies, or else those of its other names."""
        found = self.names.product(name) or (drug and self.names.product_of_drug(drug))
        return {found} if found else set(filter(None, map(self.names.product, others)))

    def _provisional_product(self, name: str, drug: str) -> str | None:
        """The provisional product of a drug; `None` if it is left out, or may be any product of a stored class."""
        own = slug(drug)
        if not own or own in self._left_out or self.names.is_of_class(f"{name} {drug}"):
            return None
        self._provisional["products", own] = provisional_product(own, drug, self._source)
        return own


def conditions(module: Json, derived: Json, links: Links) -> tuple[list[Json], list[str]]:
    """The conditions, then the headings that NLM alone names; and the ids of the indications that they match."""
    notes = links.notes
    headings = _headings(derived, notes)
    spellings = _spellings(derived, headings)
    by_condition: dict[str, str | None] = {}
    for name in notes.names(module.get("conditions"), *CONDITIONS):
        by_condition[name] = spellings.get(name.casefold())
    found = [_condition(name, heading, headings) for name, heading in by_condition.items()]
    found += [_condition(heading, heading, headings) for heading in headings if heading not in by_condition.values()]
    return found, _indications(found, links, {heading for heading in by_condition.values() if heading})


def _condition(name: str, heading: str | None, headings: dict[str, str]) -> Json:
    return {"name": name, "mesh_id": headings[heading], "mesh_heading": heading} if heading else {"name": name}


def _indications(conditions: list[Json], links: Links, own: Container[str]) -> list[str]:
    """The indications of the conditions, and then those that are the same condition as a MeSH heading.

    `own` are the headings of the conditions that the record itself names. NLM derives further headings, also from parts
    of names, such as Hernia from `herniated disc`: they find an indication by their descriptor alone, and make none.
    """
    found = []
    for condition in conditions:
        name, heading = condition["name"], condition.get("mesh_heading")
        if heading == name and heading not in own:
            continue
        known = links.indication(name, heading, condition.get("mesh_id"))
        if not known:
            links.notes.warn("condition-kept-as-text", CONDITIONS, name)
        found.append(known)
    ids = (condition.get("mesh_id") for condition in conditions)
    found += [links.names.indication_of_mesh(id) for id in ids if id]
    return list(dict.fromkeys(filter(None, found)))


def relinked(study: Json, links: Links) -> Json:
    """The fields of a stored study with the links that its names have now."""
    items = [_relinked_intervention(item, links) for item in study.get("interventions", ())]
    conditions, linked_before = study.get("conditions", []), study.get("indications", ())
    headings = {condition["mesh_heading"] for condition in conditions if condition.get("mesh_heading")}
    own = {each for each in headings if {slug(each), links.names.indication(each)} & set(linked_before)}
    linked = {"interventions": items, "products": _products(items), "indications": _indications(conditions, links, own)}
    fields = {name: value for name, value in (study | linked).items() if value != []}
    return fields | {"provenance": [_with_link_paths(item, fields) for item in study.get("provenance", ())]}


def _with_link_paths(item: Json, fields: Json) -> Json:
    """A provenance with the places of the links that the study has now."""
    links = ("products", "indications")
    others = {name: path for name, path in item.get("paths", {}).items() if name not in links}
    return item | {"paths": others | {name: PATHS[name] for name in links if name in fields}}


def _relinked_intervention(item: Json, links: Links) -> Json:
    unlinked = {name: value for name, value in item.items() if name != "product"}
    return unlinked | present(product=links.product(item.get("type"), item["name"], item.get("other_names") or []))


def _products(interventions: list[Json]) -> list[str]:
    return list(dict.fromkeys(item["product"] for item in interventions if "product" in item))


def interventions(items: list[Json], arms: Arms, links: Links) -> tuple[list[Json], list[str]]:
    """The interventions, and the ids of the products that they match."""
    found = [_intervention(item, arms, links, *INTERVENTIONS, index) for index, item in enumerate(items)]
    kept = [item for item in found if item]
    return kept, _products(kept)


def _intervention(item: Json, arms: Arms, links: Links, *place: int | str) -> Json | None:
    notes = links.notes
    name = notes.line(item.get("name"), NAME, *place, "name")
    if name is None:
        notes.warn("intervention-without-name", place, "left out")
        return None
    others = notes.names(item.get("otherNames"), *place, "otherNames")
    keys = (arms.of_label(label) for label in item.get("armGroupLabels") or ())
    type = notes.words(item.get("type"), INTERVENTION_TYPES, *place, "type")
    return {"name": name} | present(
        type=type,
        other_names=others,
        description=notes.prose(item.get("description"), *place, "description"),
        product=links.product(type, name, others, *place),
        arms=list(dict.fromkeys(key for key in keys if key)),
    )


_WITHOUT_NAME = {"placebo-comparator": "placebo", "sham-comparator": "sham", "no-intervention": "no intervention"}


def comparators(groups: list[Json], arms: Arms) -> list[str]:
    """What a trial compares with: placebo, sham, nothing, or what only its active comparators were given."""
    tested = {name for group in groups if group.get("type") == "EXPERIMENTAL" for name in _intervention_names(group)}
    found: dict[str, str] = {}
    for group, arm in zip(groups, arms.by_key.values(), strict=False):
        for name in _compared(group, arm, tested):
            found.setdefault(name.casefold(), name[:NAME])
    return list(found.values())


def _intervention_names(group: Json) -> list[str]:
    """The names of a group's interventions, which are printed as `Drug: Docetaxel`."""
    names = map(one_line, group.get("interventionNames") or ())
    return [name.partition(": ")[2] or name for name in names]


def _compared(group: Json, arm: Json, tested: set[str]) -> list[str]:
    kind = arm.get("type", "")
    if kind in _WITHOUT_NAME:
        return [_WITHOUT_NAME[kind]]
    if kind != "active-comparator":
        return []
    return [name for name in _intervention_names(group) if name and name not in tested] or [arm["name"]]
