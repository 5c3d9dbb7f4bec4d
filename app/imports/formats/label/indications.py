"""The indications of a label, and an approval of the product for each: they answer what the product is for."""

from app.imports.formats.label.codes import INDICATIONS
from app.imports.formats.label.drafting import Draft, coded
from app.imports.formats.label.linking import known_indication
from app.imports.formats.label.quoting import cut_short
from app.imports.formats.label.text import Span
from app.imports.formats.label.uses import Use, uses_of
from app.imports.slugs import slug
from app.records.base_models import fold

MOST = 100
LONGEST_LIMITS = 2000


def _new(draft: Draft, use: Use, name: str) -> str:
    own = slug(name)[:115].strip("-")
    short = bool(own) and not use.condition.is_sentence and len(own) <= 100
    id = draft.unique("indications", own) if short else draft.id("indications", "indication", own or "unnamed")
    provenance = draft.provenance(use.sections, use.quoted)
    draft.add("indications", {"id": id, "name": cut_short(name), "provenance": provenance})
    return id


def _approve(draft: Draft, use: Use, indication: str, limits: tuple[Span, ...]) -> None:
    """Adds the approval that the label is evidence of. Its date is in no label; limits are a note on it."""
    quoted = tuple(dict.fromkeys((*use.quoted, *limits)))[:50]
    said = "\n".join(draft.label.at(span).strip() for span in limits)
    data = {
        "id": draft.id("approvals", "approval", draft.label.at(use.condition.name)),
        "product": draft.product,
        "indication": indication,
        "regulator": "FDA",
        "population": cut_short(use.condition.population) if use.condition.population else None,
        "note": cut_short(f"Limits of use: {said}", LONGEST_LIMITS) if said else None,
        "provenance": draft.provenance(use.sections, quoted),
    }
    draft.add("approvals", {name: value for name, value in data.items() if value is not None})


def _identified(draft: Draft, use: Use, name: str) -> str:
    """The id of the stored indication that a name finds, or else of a new candidate."""
    known = known_indication(name, draft.names)
    if known:
        draft.warn("indication-known", f"{name} is {known}")
        return known
    if len(name) > 300:
        draft.warn("cut-short", f"indication: {name}")
    return _new(draft, use, name)


def add_indications(draft: Draft) -> dict[str, str]:
    """Adds candidates for conditions that are not stored yet, and an approval of the product for each condition;
    returns the ids of all, by folded name.
    """
    ids: dict[str, str] = {}
    approved: set[tuple[str | None, str | None]] = set()
    for section in coded(draft.label.sections, INDICATIONS):
        uses, shared = uses_of(draft, section)
        for use, limits in uses:
            name = " ".join(draft.label.at(use.condition.name).split())
            key = fold("indications", name)
            if key not in ids and len(ids) < MOST:
                ids[key] = _identified(draft, use, name)
            approval = (ids.get(key), use.condition.population)
            if key in ids and approval not in approved and len(approved) < MOST:
                approved.add(approval)
                _approve(draft, use, ids[key], (*limits, *shared))
    return ids
