"""The authors in PubMed's XML: persons as `Surname Initials`, groups by their names."""

import re

from lxml.etree import _Element

from app.imports.formats.pubmed.elements import each, parts, text
from app.imports.formats.pubmed.records import add_authors
from app.imports.readers.record_builder import Entry

NAME_SEPARATORS = re.compile(r"[\s.\-‐‑]+")


def initials(given: str) -> str:
    """The initials of given names: JLM for `Jean-Luc M.`."""
    return "".join(part[0].upper() for part in NAME_SEPARATORS.split(given) if part)


def _author(author: _Element) -> tuple[str, bool]:
    found = parts(author)
    group = text(found.get("CollectiveName"))
    if group:
        return group, True
    family, given = text(found.get("LastName")), text(found.get("ForeName"))
    if not family:
        return given, False
    first = text(found.get("Initials")) or initials(given)
    return " ".join(filter(None, (family, first, text(found.get("Suffix"))))), False


def add_author_list(entry: Entry, authors: _Element | None) -> None:
    """Sets the authors, without those that NLM marks as not valid."""
    if authors is None:
        return
    known = []
    for author in each(authors, "Author"):
        if author.get("ValidYN") == "N":
            entry.warn("author-not-valid", f"/authors: NLM marks {text(author)!r} as not valid")
        else:
            known.append(_author(author))
    complete = {"Y": True, "N": False}.get(authors.get("CompleteYN") or "")
    add_authors(entry, known, complete)
