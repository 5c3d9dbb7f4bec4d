"""Selects the registrations of trials among the accession numbers of data banks."""

from collections.abc import Iterable

from app.common.identifiers import known_registration, registration
from app.imports.readers.record_builder import Entry

REGISTRIES = frozenset(
    {
        *("clinicaltrialsgov", "isrctn", "eudract", "ctis", "anzctr", "chictr", "cris", "ctri", "drks", "irct"),
        *("itmctr", "japiccti", "jmacct", "jprn", "jrct", "lbctr", "ntr", "pactr", "rebec", "repec", "rpcec"),
        *("slctr", "tctr", "uminctr"),
    }
)
"""NLM's names of trial registries, letters only."""

_OWN = {"clinicaltrialsgov": "NCT", "isrctn": "ISRCTN"}
"""The letters at the beginning of the numbers of the registries whose form is known."""
MOST = 200


def _registration(registry: str, number: str) -> str | None:
    """The canonical number, or `None` if it is not one of the registry.

    Some publishers leave out ISRCTN before the eight digits.
    """
    letters = _OWN.get(registry, "")
    bare = letters + number.strip() if registry == "isrctn" and number.strip().isdecimal() else number
    found = registration("".join(bare.split()))
    return found if found and found.startswith(letters) and (not letters or known_registration(found)) else None


def add_registrations(entry: Entry, accessions: Iterable[tuple[str, str]]) -> None:
    """Sets the registrations among pairs of a data bank and an accession number."""
    found: dict[str, None] = {}
    for bank, number in accessions:
        registry = "".join(filter(str.isalpha, bank.casefold()))
        canonical = _registration(registry, number)
        if registry not in REGISTRIES:
            entry.warn("data-bank-not-kept", f"{bank}: {number}")
        elif canonical:
            found[canonical] = None
        else:
            entry.warn("identifier-not-valid", f"/registry_ids: {bank}: {number}")
    entry.put("registry_ids", list(found)[:MOST])
