"""Citations as items of CSL-JSON (schema 1.0.2)."""

from typing import Any

from app.exports.citation_item import Citation, Person

_TYPES = {"article": "article-journal", "registration": "dataset", "web-page": "webpage", "document": "document"}


def _name(author: Person) -> dict[str, str]:
    if author.is_whole:
        return {"literal": author.family}
    parts = {"family": author.family, "given": author.given, "suffix": author.suffix}
    return {name: part for name, part in parts.items() if part}


def _date(date: str | None) -> dict[str, Any] | None:
    return {"date-parts": [[int(part) for part in date.split("-")]]} if date else None


def _authors(citation: Citation) -> list[dict[str, str]]:
    others = [{"literal": "et al."}] if citation.is_incomplete else []
    return [*map(_name, citation.authors), *others]


def _keywords(citation: Citation) -> str:
    """Return the keywords between commas, or between semicolons where one of them has a comma."""
    return ("; " if any("," in keyword for keyword in citation.keywords) else ", ").join(citation.keywords)


def csl_item(citation: Citation) -> dict[str, Any]:
    """Return the item of a citation; its id is that of the record."""
    known = {
        "id": citation.key,
        "type": _TYPES[citation.kind],
        "title": citation.title,
        "original-title": citation.vernacular_title,
        "author": _authors(citation),
        "container-title": citation.container,
        "container-title-short": citation.abbreviation,
        "ISSN": citation.issn,
        "issued": _date(citation.issued),
        "available-date": _date(citation.epub_date),
        "accessed": _date(citation.accessed),
        "volume": citation.volume,
        "issue": citation.issue,
        "page": citation.pages,
        "DOI": citation.doi,
        "PMID": citation.pmid,
        "PMCID": citation.pmcid,
        "URL": citation.url,
        "language": ", ".join(citation.languages),
        "keyword": _keywords(citation),
        "publisher": citation.publisher,
        "genre": citation.genre,
        "version": citation.version,
        "abstract": citation.abstract,
        "note": "\n".join(citation.all_notes),
        "custom": {"evidence": citation.record},
    }
    return {name: value for name, value in known.items() if value}
