"""The conditions and interventions of a study, in the registry's words and linked to stored records by name.

Conditions are also linked by the MeSH headings that NLM derived from them, but not by broader headings.
"""

import re
from collections.abc import Iterator

from app.imports.candidates import Json
from app.imports.formats.ctgov.arms import Arms
from app.imports.formats.ctgov.notes import NAME, Notes, one_line, present
from app.imports.formats.ctgov.vocabularies import INTERVENTION_TYPES
from app.imports.name_index import Names

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


def conditions(module: Json, derived: Json, names: Names, notes: Notes) -> tuple[list[Json], list[str]]:
    """The conditions, then the headings that NLM alone names; and the ids of the indications that they match."""
    headings = _headings(derived, notes)
    spellings = _spellings(derived, headings)
    by_condition: dict[str, str | None] = {}
    for name in notes.names(module.get("conditions"), *CONDITIONS):
        by_condition[name] = spellings.get(name.casefold())
    found = [_condition(name, heading, headings) for name, heading in by_condition.items()]
    found += [_condition(heading, heading, headings) for heading in headings if heading not in by_condition.values()]
    linked = list(_indications(by_condition, headings, names, notes))
    return found, list(dict.fromkeys(linked))


def _condition(name: str, heading: str | None, headings: dict[str, str]) -> Json:
    return {"name": name, "mesh_id": headings[heading], "mesh_heading": heading} if heading else {"name": name}


def _indications(
    by_condition: dict[str, str | None], headings: dict[str, str], names: Names, notes: Notes
) -> Iterator[str]:
    for name, heading in by_condition.items():
        found = names.indication(name) or (heading and names.indication_of_mesh(headings[heading]))
        if found:
            yield found
        else:
            notes.warn("condition-kept-as-text", CONDITIONS, name)
    for id in headings.values():
        if found := names.indication_of_mesh(id):
            yield found


def interventions(items: list[Json], arms: Arms, names: Names, notes: Notes) -> tuple[list[Json], list[str]]:
    """The interventions, and the ids of the products that they match."""
    found = [_intervention(item, arms, names, notes, *INTERVENTIONS, index) for index, item in enumerate(items)]
    kept = [item for item in found if item]
    return kept, list(dict.fromkeys(item["product"] for item in kept if "product" in item))


def _intervention(item: Json, arms: Arms, names: Names, notes: Notes, *place: int | str) -> Json | None:
    name = notes.line(item.get("name"), NAME, *place, "name")
    if name is None:
        notes.warn("intervention-without-name", place, "left out")
        return None
    others = notes.names(item.get("otherNames"), *place, "otherNames")
    keys = (arms.of_label(label) for label in item.get("armGroupLabels") or ())
    return {"name": name} | present(
        type=notes.words(item.get("type"), INTERVENTION_TYPES, *place, "type"),
        other_names=others,
        description=notes.prose(item.get("description"), *place, "description"),
        product=_product(name, others, names, notes, *place),
        arms=list(dict.fromkeys(key for key in keys if key)),
    )


def _product(name: str, others: list[str], names: Names, notes: Notes, *place: int | str) -> str | None:
    """The product that an intervention's name identifies, or else its other names if they identify only one."""
    found = names.product(name)
    known = {found} if found else {product for other in others if (product := names.product(other))}
    if len(known) == 1:
        return known.pop()
    notes.warn("intervention-of-several-products" if known else "intervention-kept-as-text", place, name)
    return None


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
