"""Selects the registrations of trials among the accession numbers of data banks."""

import re
from collections.abc import Iterable

from app.imports.readers.record_builder import Entry, one_line

REGISTRIES = frozenset(
    {
        *("clinicaltrialsgov", "isrctn", "eudract", "ctis", "anzctr", "chictr", "cris", "ctri", "drks", "irct"),
        *("itmctr", "japiccti", "jmacct", "jprn", "jrct", "lbctr", "ntr", "pactr", "rebec", "repec", "rpcec"),
        *("slctr", "tctr", "uminctr"),
    }
)
"""NLM's names of trial registries, letters only."""

_SHAPES = {"clinicaltrialsgov": re.compile(r"NCT[0-9]{8}"), "isrctn": re.compile(r"ISRCTN[0-9]{8}")}
_ANY = re.compile(r"[!-~]{4,60}")
MOST = 200


def _registration(registry: str, number: str) -> str:
    """The number as the registry prints it. Some publishers leave out ISRCTN before the eight digits."""
    compact = one_line(number).replace(" ", "")
    if registry == "isrctn" and re.fullmatch(r"[0-9]{8}", compact):
        return f"ISRCTN{compact}"
    return compact.upper() if registry in _SHAPES else compact


def add_registrations(entry: Entry, accessions: Iterable[tuple[str, str]]) -> None:
    """Sets the registrations among pairs of a data bank and an accession number."""
    found: dict[str, None] = {}
    for bank, number in accessions:
        registry = "".join(filter(str.isalpha, bank.casefold()))
        registration = _registration(registry, number)
        if registry not in REGISTRIES:
            entry.warn("data-bank-not-kept", f"{bank}: {number}")
        elif _SHAPES.get(registry, _ANY).fullmatch(registration):
            found[registration] = None
        else:
            entry.warn("identifier-not-valid", f"/registry_ids: {bank}: {number}")
    entry.put("registry_ids", list(found)[:MOST])
