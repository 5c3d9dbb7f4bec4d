"""Reads PubMed XML as a stream, in the same memory for any length: baseline files, update files and answers of EFetch.

Nothing outside the file is read, and a file that declares entities is not read at all.
"""

import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import IO

from lxml import etree

from app.common.identifiers import pmid
from app.imports.candidates import Found, Rejection, SourceItem, Unreadable, Withdrawal
from app.imports.formats.pubmed.articles import add_citation
from app.imports.formats.pubmed.books import add_document
from app.imports.formats.pubmed.dates import revision_date
from app.imports.formats.pubmed.elements import Parts, each, parts, text
from app.imports.formats.pubmed.records import source, unit
from app.imports.name_index import Names
from app.imports.readers.record_builder import Entry
from app.imports.readers.xml import RecordFile, elements

_RECORDS = ("PubmedArticle", "PubmedBookArticle")
_REVISED = ("DateRevised", "DateCompleted")
_TAGS = (*_RECORDS, "DeleteCitation", "DeleteDocument")
_PUBMED_FILE = RecordFile(_TAGS, ("PubmedArticleSet", "PubmedBookArticleSet", *_TAGS), "PubMed XML")


def _record(element: etree._Element, place: str, day: date, store_abstracts: bool) -> Found:
    found = parts(element)
    book = element.tag == "PubmedBookArticle"
    about = found.get("BookDocument" if book else "MedlineCitation")
    printed = parts(about).get("PMID")
    stated = text(printed)
    id = pmid(stated)
    if about is None or id is None:
        return Rejection(place, "", f"it has no PMID but {stated[:40]!r}" if stated else "it has no PMID")
    entry = Entry()
    data = found.get("PubmedBookData" if book else "PubmedData")
    if book:
        add_document(entry, about, data, store_abstracts)
        notices = []
    else:
        notices = add_citation(entry, about, data, store_abstracts)
    version = (printed.get("Version") if printed is not None else None) or "1"
    if version != "1":
        entry.warn("later-version", f"PMID {id} stands here in version {version}")
    digest = sha256(etree.tostring(element, method="c14n", with_tail=False)).hexdigest()
    proof = source(id, digest, day, _revised(parts(about), parts(data)))
    return unit(id, entry, notices, proof, f"PMID {id}" + f".{version}" * (version != "1"))


def _revised(about: Parts, data: Parts) -> str | None:
    """The day on which NLM last revised the record, or else completed it, or else entered it."""
    history = each(data.get("History"), "PubMedPubDate")
    entered = [date for date in history if date.get("PubStatus") in ("entrez", "pubmed")]
    return revision_date(*(_numeric_day(date) for date in (*map(about.get, _REVISED), *entered)))


def _numeric_day(printed: etree._Element | None) -> str:
    found = parts(printed)
    return text(found.get("Year")) + text(found.get("Month")).zfill(2) + text(found.get("Day")).zfill(2)


def _withdrawals(element: etree._Element, place: str) -> Iterator[Found]:
    for printed in each(element, "PMID"):
        if id := pmid(text(printed)):
            yield SourceItem(f"PMID {id}", (), withdrawals=(Withdrawal("publications", id),))
        else:
            yield Rejection(place, "", f"{text(printed)[:40]!r} is no PMID to be withdrawn")


def _read(element: etree._Element, place: str, day: date, store_abstracts: bool) -> Iterator[Found]:
    if element.tag not in _RECORDS:
        yield from _withdrawals(element, place)
        return
    try:
        yield _record(element, place, day, store_abstracts)
    except etree.C14NError:
        yield Rejection(place, "", "it refers to an entity or a namespace that there is not")


def units(file: IO[bytes], name: str, _: Names, *, store_abstracts: bool = False) -> Iterator[Found]:
    """Yields a source item or a rejection for each article, book and withdrawal; raises `Unreadable`."""
    day = datetime.now(UTC).date()
    try:
        for place, element in elements(file, name, _PUBMED_FILE):
            yield from [element] if isinstance(element, Rejection) else _read(element, place, day, store_abstracts)
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{name}: {error}") from None
