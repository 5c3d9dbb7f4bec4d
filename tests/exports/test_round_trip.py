"""All studies and publications of the seeds leave as citations, are read back, and are imported again."""

from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest
import rispy
from bibtexparser.entrypoint import parse_string

from app.common.page_range import page_range
from tests.exports.test_export_formats import cited, get, items, printed_title

Json = dict[str, Any]
Read = dict[str, Json]
"""Entries by the id of the record, with the same names of fields from each format."""


def named(fields: Json, names: dict[str, str]) -> Json:
    """The fields of an entry that have one of the names, under the names of a publication."""
    return {ours: fields[theirs] for theirs, ours in names.items() if theirs in fields}


SAME = {"doi": "doi", "volume": "volume", "abstract": "abstract"}
RIS = SAME | {
    "title": "title",
    "year": "year",
    "secondary_title": "journal",
    "number": "issue",
    "issn": "issn",
    "accession_number": "pmid",
    "start_page": "first",
    "end_page": "last",
}


def read_ris(body: str) -> Read:
    entries = rispy.loads(body)
    return {entry["id"]: named(entry, RIS) | {"authors": entry.get("authors", [])} for entry in entries}


def read_csl(body: str) -> Read:
    names = SAME | {"title": "title", "container-title": "journal", "issue": "issue", "page": "pages", "PMID": "pmid"}
    names |= {"DOI": "doi", "ISSN": "issn"}
    return {
        item["id"]: named(item, names)
        | {"year": str(item["issued"]["date-parts"][0][0]) if "issued" in item else None}
        | {"authors": item.get("author", [])}
        for item in orjson.loads(body)
    }


def read_bibtex(body: str) -> Read:
    library = parse_string(body)
    assert not library.failed_blocks
    names = {name: name for name in ("year", "doi", "volume", "pmid", "issn")} | {"number": "issue"}
    found = {}
    for entry in library.entries:
        fields = {field.key: field.value for field in entry.fields}
        found[entry.key] = named(fields, names) | {
            "authors": fields["author"].split(" and ") if "author" in fields else []
        }
    return found


READERS: dict[str, Callable[[str], Read]] = {"ris": read_ris, "bibtex": read_bibtex, "csl-json": read_csl}


def expected(record: Json) -> Json:
    """The fields that a record has in a citation."""
    names = ("journal", "doi", "pmid", "volume", "issue", "issn", "abstract", "pages")
    fields = {name: record.get(name) for name in names} | {"title": printed_title(record)}
    year = record.get("year") if record["type"] == "publications" else (record.get("first_posted_date") or "")[:4]
    first, last = page_range(record["pages"]) if record.get("pages") else (None, None)
    return fields | {"year": str(year) if year else None, "first": first, "last": last}


@pytest.mark.parametrize("format", READERS)
@pytest.mark.parametrize("path", ["/v1/studies", "/v1/publications"])
def test_nothing_is_lost_and_nothing_invented(api: httpx.Client, path: str, format: str) -> None:
    records = cited(api) if path == "/v1/studies" else {p["id"]: p for p in items(api, path)}
    read = READERS[format](get(api, path, format=format).text)
    assert read.keys() == records.keys()
    for id, fields in read.items():
        record = records[id]
        wanted = expected(record)
        authors = record.get("authors") or []
        assert len(fields.pop("authors")) == len(authors) + (bool(authors) and record["authors_complete"] is False)
        assert {name: value for name, value in fields.items() if value} == {
            name: wanted[name] for name in FIELDS[format] if wanted[name]
        }, id


FIELDS = {
    "ris": ("title", "year", "journal", "doi", "pmid", "volume", "issue", "issn", "abstract", "first", "last"),
    "bibtex": ("year", "doi", "pmid", "volume", "issue", "issn"),
    "csl-json": ("title", "year", "journal", "doi", "pmid", "volume", "issue", "issn", "abstract", "pages"),
}
"""The fields that are compared, which each format's reader in this module gives; titles of BibTeX are compared in
`test_export_formats`, where LaTeX is decoded."""


@pytest.mark.parametrize("type", ["approvals", "dosing", "safety-notes", "mechanisms", "indications", "products"])
def test_other_types_cite_each_of_their_sources_once(api: httpx.Client, type: str) -> None:
    documents = items(api, f"/v1/{type}", include="provenance")
    sources = {item["source"]: item["source_record"] for document in documents for item in document["provenance"]}
    entries = get(api, f"/v1/{type}", format="csl-json").json()
    assert sorted(entry["id"] for entry in entries) == sorted(sources)
    for entry in entries:
        assert entry.get("URL") == sources[entry["id"]]["url"]
        assert entry.get("title") == sources[entry["id"]]["title"]
