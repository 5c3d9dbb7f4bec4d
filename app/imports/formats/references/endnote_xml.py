"""Reads EndNote's XML: `xml/records/record`, in which each text stands in `style` elements."""

from collections.abc import Iterator
from hashlib import sha256
from typing import IO

from lxml import etree

from app.common.text import lowered, plain, raised
from app.imports.candidates import Rejection
from app.imports.formats.references.accounting import Options, Reading, Tags
from app.imports.formats.references.endnote_types import full_date, ris_type
from app.imports.formats.references.publication import Proof, reference
from app.imports.readers.record_builder import Entry
from app.imports.readers.xml import RecordFile, elements

_FILE = RecordFile(("record",), ("xml", "records", "record"), "EndNote XML")
_PATHS = {
    "AU": ("contributors/authors/author",),
    "TI": ("titles/title",),
    "TT": ("titles/translated-title",),
    "JF": ("periodical/full-title",),
    "T2": ("titles/secondary-title",),
    "J2": ("periodical/abbr-1", "titles/alt-title"),
    "VL": ("volume",),
    "IS": ("number", "issue"),
    "SP": ("pages",),
    "SN": ("isbn", "issn"),
    "DO": ("electronic-resource-num",),
    "AN": ("accession-num",),
    "DB": ("remote-database-name",),
    "DP": ("remote-database-provider",),
    "UR": ("urls/related-urls/url", "urls/web-urls/url"),
    "L1": ("urls/pdf-urls/url",),
    "KW": ("keywords/keyword",),
    "AB": ("abstract",),
    "N1": ("notes", "research-notes"),
    "LA": ("language",),
    "M3": ("work-type",),
    "ID": ("label",),
    "PMCID": ("custom2",),
}
_FACES = {"superscript": raised, "subscript": lowered}


def _text(element: etree._Element) -> str:
    """The text of an element; superscripts and subscripts never change a number."""
    return plain(_marked(element))


def _marked(element: etree._Element) -> str:
    words = element.text or ""
    for child in element:
        mark = next((_FACES[face] for face in (child.get("face") or "").split() if face in _FACES), None)
        inner = _marked(child)
        words += (mark(inner) if mark else inner) + (child.tail or "")
    return words


def _texts(record: etree._Element, *paths: str) -> list[str]:
    return [text for path in paths for found in record.iterfind(path) if (text := _text(found))]


def _tags(record: etree._Element) -> Tags:
    tags = {tag: _texts(record, *paths) for tag, paths in _PATHS.items()}
    type_ = record.find("ref-type")
    kind = ris_type(type_.get("name") or "" if type_ is not None else "")
    year, day = ("".join(_texts(record, path)[:1]) for path in ("dates/year", "dates/pub-dates/date"))
    dates = full_date(year, day)
    return {"TY": [kind] if kind else [], **tags, "PY": [dates] if dates else []}


def readings(file: IO[bytes], options: Options, encoding: str) -> Iterator[Reading]:
    """Yields each record of a file; raises `Unreadable` if the file is another, or from some point on."""
    for place, record in elements(file, options.name, _FILE, encoding or None):
        if isinstance(record, Rejection):
            yield Reading((record,))
            continue
        tags, entry = _tags(record), Entry()
        text = sha256(etree.tostring(record, method="c14n", with_tail=False)).hexdigest()
        found = reference(tags, Proof.of_tags(text, tags), place, entry, options)
        yield Reading((Rejection(place, "", found) if isinstance(found, str) else found,))
