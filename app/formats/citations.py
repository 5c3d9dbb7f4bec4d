"""Publications as references for citation managers: RIS, BibTeX and CSL-JSON, by those formats' own libraries."""

from collections.abc import Iterable
from typing import Any

import orjson
import rispy
from bibtexparser.entrypoint import write_string
from bibtexparser.library import Library
from bibtexparser.middlewares import LatexEncodingMiddleware
from bibtexparser.model import Entry, Field

Json = Any


def publications_of(document: Json) -> list[Json]:
    """A publication itself, or what a study was published as."""
    if document["type"] == "publications":
        return [document]
    cited = document["publication"]
    rest = [report for report in document["publications"] if cited is None or report["id"] != cited["id"]]
    return [cited, *rest] if cited else rest


def _name(author: str) -> tuple[str, str]:
    """`Aurora SK` is family Aurora, given S K; a name of one word has no given part."""
    family, _, initials = author.rpartition(" ")
    if not family or not initials.isupper():
        return author, ""
    return family, " ".join(initials)


def _inverted(author: str) -> str:
    family, given = _name(author)
    return f"{family}, {given}" if given else family


def _authors(publication: Json) -> list[str]:
    return list(publication.get("authors") or [])


def _pages(publication: Json) -> list[str]:
    return str(publication.get("pages") or "").split("-", 1)


def ris(publications: Iterable[Json]) -> str:
    entries = [_ris_entry(publication) for publication in publications]
    return "".join(rispy.dumps([entry]).partition("\n")[2] for entry in entries)


def _ris_entry(publication: Json) -> dict[str, Any]:
    first, *last = _pages(publication)
    known = {
        "type_of_reference": "JOUR" if publication.get("journal") else "GEN",
        "id": publication["id"],
        "title": publication.get("title"),
        "authors": [_inverted(author) for author in _authors(publication)],
        "journal_name": publication.get("journal"),
        "year": None if publication.get("year") is None else str(publication["year"]),
        "volume": publication.get("volume"),
        "number": publication.get("issue"),
        "start_page": first,
        "end_page": last[0] if last else None,
        "doi": publication.get("doi"),
        "accession_number": publication.get("pmid"),
        "abstract": publication.get("abstract"),
    }
    return {name: value for name, value in known.items() if value}


def bibtex(publications: Iterable[Json]) -> str:
    library = Library([_bibtex_entry(publication) for publication in publications])
    encoded = write_string(library, prepend_middleware=[LatexEncodingMiddleware()])
    return encoded if encoded.endswith("\n") or not encoded else encoded + "\n"


def _bibtex_entry(publication: Json) -> Entry:
    known = {
        "title": publication.get("title"),
        "author": " and ".join(_inverted(author) for author in _authors(publication)),
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
    """CSL-JSON, schema 1.0."""
    return [_csl_item(publication) for publication in publications]


def _csl_author(author: str) -> dict[str, str]:
    family, given = _name(author)
    return {"family": family, "given": given} if given else {"literal": author}


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
    return [orjson.dumps(item) for item in csl(publications)]
