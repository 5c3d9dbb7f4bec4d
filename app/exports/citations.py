"""Publications in the formats of citation managers: RIS, BibTeX and CSL-JSON."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson
import rispy
from bibtexparser.entrypoint import write_string
from bibtexparser.library import Library
from bibtexparser.middlewares import LatexEncodingMiddleware
from bibtexparser.model import Entry, Field

Json = Any


def publications_of(document: Json) -> list[Json]:
    """Return a publication itself, or the publications of a study: the cited one first, then the others."""
    if document["type"] == "publications":
        return [document]
    cited = document["publication"]
    rest = [report for report in document["publications"] if cited is None or report["id"] != cited["id"]]
    return [cited, *rest] if cited else rest


_SUFFIX = re.compile(r" (Jr|Sr|2nd|3rd|4th)$")


class _Name(NamedTuple):
    family: str
    given: str = ""
    suffix: str = ""


def _name(author: str) -> _Name:
    """Divide a name as PubMed writes it: `Aurora SK Jr` is family Aurora, given S K, suffix Jr.

    A name of one word, or without initials at its end, is a family name as a whole.
    """
    plain = _SUFFIX.sub("", author)
    family, _, initials = plain.rpartition(" ")
    if not family or not initials.isupper():
        return _Name(author)
    return _Name(family, " ".join(initials), author[len(plain) + 1 :])


def _authors(publication: Json) -> list[_Name]:
    """Return the authors; the name of a group is not divided."""
    groups = publication.get("collective_authors") or ()
    return [_Name(author) if author in groups else _name(author) for author in publication.get("authors") or ()]


def _pages(publication: Json) -> list[str]:
    return str(publication.get("pages") or "").split("-", 1)


def ris(publications: Iterable[Json]) -> str:
    """Return publications as RIS."""
    entries = [_ris_entry(publication) for publication in publications]
    return "".join(rispy.dumps([entry]).partition("\n")[2] for entry in entries)


def _ris_entry(publication: Json) -> dict[str, Any]:
    first, *last = _pages(publication)
    known = {
        "type_of_reference": "JOUR" if publication.get("journal") else "GEN",
        "id": publication["id"],
        "title": publication.get("title"),
        "authors": [", ".join(filter(None, name)) for name in _authors(publication)],
        "journal_name": publication.get("journal"),
        "year": None if publication.get("year") is None else str(publication["year"]),
        "volume": publication.get("volume"),
        "number": publication.get("issue"),
        "start_page": first,
        "end_page": last[0] if last else None,
        "doi": publication.get("doi"),
        "accession_number": publication.get("pmid"),
        "name_of_database": "PubMed" if publication.get("pmid") else None,
        "abstract": publication.get("abstract"),
    }
    return {name: value for name, value in known.items() if value}


def bibtex(publications: Iterable[Json]) -> str:
    """Return publications as BibTeX, with characters beyond ASCII as LaTeX commands."""
    library = Library([_bibtex_entry(publication) for publication in publications])
    encoded = write_string(library, prepend_middleware=[LatexEncodingMiddleware()])
    return encoded if encoded.endswith("\n") or not encoded else encoded + "\n"


def _bibtex_name(name: _Name) -> str:
    return ", ".join(filter(None, (name.family, name.suffix, name.given)))


def _bibtex_entry(publication: Json) -> Entry:
    known = {
        "title": publication.get("title"),
        "author": " and ".join(map(_bibtex_name, _authors(publication))),
        "journal": publication.get("journal"),
        "year": publication.get("year"),
        "volume": publication.get("volume"),
        "number": publication.get("issue"),
        "pages": str(publication.get("pages") or "").replace("-", "--"),
        "doi": publication.get("doi"),
        "note": f"PMID {publication['pmid']}" if publication.get("pmid") else None,
    }
    fields = [Field(name, str(value)) for name, value in known.items() if value]
    return Entry("article" if publication.get("journal") else "misc", publication["id"], fields)


def csl(publications: Iterable[Json]) -> list[dict[str, Any]]:
    """Return publications as items of CSL-JSON (schema 1.0)."""
    return [_csl_item(publication) for publication in publications]


def _csl_author(name: _Name) -> dict[str, str]:
    if not name.given:
        return {"literal": name.family}
    return {"family": name.family, "given": name.given, **({"suffix": name.suffix} if name.suffix else {})}


def _csl_item(publication: Json) -> dict[str, Any]:
    year = publication.get("year")
    known = {
        "id": publication["id"],
        "type": "article-journal" if publication.get("journal") else "document",
        "title": publication.get("title"),
        "author": [_csl_author(author) for author in _authors(publication)],
        "container-title": publication.get("journal"),
        "issued": {"date-parts": [[year]]} if year else None,
        "volume": publication.get("volume"),
        "issue": publication.get("issue"),
        "page": publication.get("pages"),
        "DOI": publication.get("doi"),
        "PMID": publication.get("pmid"),
        "abstract": publication.get("abstract"),
    }
    return {name: value for name, value in known.items() if value}


def csl_lines(publications: Iterable[Json]) -> list[bytes]:
    """Return publications as items of CSL-JSON, each as bytes."""
    return [orjson.dumps(item) for item in csl(publications)]
