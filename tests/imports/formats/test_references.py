"""RIS and PubMed's line format: invented files in the dialect of every tool, and real exports of all tools."""

import re
from collections import defaultdict
from io import BytesIO
from pathlib import Path
from random import Random

import pytest

from app.exports.citations import ris
from app.imports.candidates import Found, Json, PartialUpdate, Rejection, SourceItem, Unreadable
from app.imports.formats.references import units
from app.imports.name_index import NO_NAMES
from app.records.publications.title_key import title_key
from tests.offered import DATA, FIXTURES, accepted, damaged, faults, offered

OWN = (FIXTURES / "references/tools.ris").read_bytes().removesuffix(b"\n")
LINES = (FIXTURES / "references/pubmed.nbib").read_bytes()
REAL = sorted((DATA / "references").glob("*.*"))
needs_data = pytest.mark.skipif(not REAL, reason="the real files are not here")


def read(content: bytes, *, store_abstracts: bool = False) -> list[Found]:
    return list(units(BytesIO(content), "mine.ris", NO_NAMES, store_abstracts=store_abstracts))


def publications(found: list[Found]) -> list[Json]:
    return [offered(one, "publications") for one in found if isinstance(one, SourceItem)]


def sources(found: list[Found]) -> list[Json]:
    return [offered(one, "sources") for one in found if isinstance(one, SourceItem)]


def test_an_abstract_is_cut_short_only_if_its_words_do_not_fit() -> None:
    spaced, long = (
        f"TY  - JOUR\nTI  - T\nAB  - {text}\nER  -\n".encode() for text in ("word   " * 3000, "word " * 4001)
    )
    (whole,), (cut,) = (read(content, store_abstracts=True) for content in (spaced, long))
    assert isinstance(whole, SourceItem)
    assert isinstance(cut, SourceItem)
    assert (len(publications([whole])[0]["abstract"]), whole.warnings) == (14_999, ())
    assert [warning.kind for warning in cut.warnings] == ["cut-short"]


def test_a_reference_is_read_whole() -> None:
    found = read(OWN)
    first = publications(found)[0]
    source = sources(found)[0]
    assert first == {
        "id": "pmid-90000001",
        "pmid": "90000001",
        "doi": "10.1234/INV.2010.1",
        "title": "Water, [18F] wine and other liquids",
        "title_kind": "printed",
        "journal": "The Invented Journal",
        "journal_abbreviation": "Inv J",
        "issn": "0333-1024",
        "year": 2010,
        "date": "2010-07-30",
        "volume": "7",
        "issue": "2",
        "pages": "12-19",
        "authors": ["Smith JA", "van den Berg JL Jr", "Hoven", "de Bree G", "DRY-1 Study Group"],
        "authors_complete": False,
        "collective_authors": ["DRY-1 Study Group"],
        "publication_types": ["Review"],
        "languages": ["eng", "fre"],
        "keywords": ["liquids", "wine"],
        "provenance": [{"source": source["id"]}],
    }
    assert source["id"] == f"references-{source['sha256'][:16]}"
    assert (source["title"], source["url"]) == ("Scopus", "https://www.example.org/record/1")
    assert (source["kind"], source["tier"]) == ("bibliographic-record", "aggregator")
    assert publications(read(OWN, store_abstracts=True))[0]["abstract"] == "Text that is somebody's."


def test_no_other_number_is_taken_for_a_pmid() -> None:
    found = read(OWN)
    numbers = [(one.get("pmid"), one.get("doi"), one.get("pmcid")) for one in publications(found)]
    assert numbers[1:] == [
        (None, "10.1234/inv.2", None),
        ("90000005", None, None),
        ("90000006", None, None),
        (None, "10.1234/inv.5", "PMC900009"),
        ("90000010", "10.1234/inv.6", None),
        (None, None, None),
    ]
    assert publications(found)[2]["registry_ids"] == ["NCT90000001"]
    disagreeing = [one for one in found if isinstance(one, SourceItem)][4]
    assert [warning.kind for warning in disagreeing.warnings] == ["inconsistent-identifier"]


def test_ids_addresses_and_dates() -> None:
    found = read(OWN)
    assert [one["id"] for one in publications(found)][:6] == [
        "pmid-90000001",
        "doi-10-1234-inv-2",
        "pmid-90000005",
        "pmid-90000006",
        "doi-10-1234-inv-5",
        "pmid-90000010",
    ]
    assert [(one.get("year"), one.get("date")) for one in publications(found)][1:] == [
        (2011, "2011"),
        (2012, "2012"),
        (2013, "2013"),
        (None, None),
        (2014, "2014"),
        (2015, "2015"),
    ]
    assert publications(found)[5]["note"] == "In: Waters of the world"
    assert "journal" not in publications(found)[5]
    assert sources(found)[1]["url"] == "https://doi.org/10.1234/inv.2"


def test_a_source_without_an_address_has_its_text_without_what_is_somebody_elses() -> None:
    source = sources(read(OWN))[6]
    assert "url" not in source
    assert source["title"] == "mine.ris"
    assert source["text"].split("\n") == [
        "TY  - JOUR",
        "TI  - The seventh report on water, which nobody has an address of",
        "DA  - 2015///",
        "ER  -",
    ]


def test_what_is_no_reference_is_refused() -> None:
    found = read(OWN)
    assert [(one.place, one.detail) for one in found if isinstance(one, Rejection)] == [
        ("line 85", "it has neither a title nor a PMID nor a DOI"),
        ("line 88", "the reference does not end; what there is of it may be cut off anywhere"),
    ]
    assert [fault for one in found if isinstance(one, SourceItem) for fault in faults(one)] == []


@pytest.mark.parametrize(
    ("printed", "day"),
    [
        ("LR  - 20240307\nDCOM- 20231130\nEDAT- 2022/01/05 06:00\n", "2024-03-07"),
        ("DCOM- 20231130\nEDAT- 2022/01/05 06:00\n", "2023-11-30"),
        ("EDAT- 2022/01/05 06:00\n", "2022-01-05"),
        ("LR  - 2024\nCRDT- 2022/01/04 10:11\n", "2022-01-04"),
        ("", None),
    ],
)
def test_how_new_a_record_in_lines_is(printed: str, day: str | None) -> None:
    [found] = read(f"\nPMID- 90000021\n{printed}TI  - On water.\n".encode())
    assert isinstance(found, SourceItem)
    assert offered(found, "sources").get("effective_date") == day


def test_pubmeds_lines_say_what_its_xml_says() -> None:
    found = read(LINES)
    first, second = (one for one in found if isinstance(one, SourceItem))
    assert offered(first, "publications") == {
        "id": "pmid-90000021",
        "pmid": "90000021",
        "doi": "10.1234/inv.21",
        "pmcid": "PMC900021",
        "registry_ids": ["NCT90000001"],
        "title": "On water: a report that is long enough to be printed in two lines",
        "vernacular_title": "De l'eau",
        "languages": ["fre"],
        "journal": "The Invented journal",
        "journal_abbreviation": "Inv J",
        "issn": "0333-1024",
        "year": 2023,
        "date": "2023",
        "epub_date": "2023-04-01",
        "volume": "7",
        "issue": "2",
        "pages": "12-9",
        "authors": ["Smith JA", "DRY-1 Study Group", "van den Berg J Jr"],
        "collective_authors": ["DRY-1 Study Group"],
        "publication_types": ["Journal Article"],
        "mesh": [
            {"heading": "Humans", "major": False, "qualifiers": []},
            {"heading": "Water", "major": True, "qualifiers": ["adverse effects", "pharmacokinetics"]},
        ],
        "keywords": ["wetness"],
        "retraction_state": "corrected",
        "notices": [{"kind": "erratum-in", "pmid": "90000022", "citation": "Inv J. 2024;8(1):1. doi: 10.1234/inv.22."}],
        "provenance": [{"source": "pubmed-90000021"}],
    }
    assert [warning.kind for warning in first.warnings] == ["date-kept-less-precisely"]
    assert second.partial_updates == (PartialUpdate("publications", "90000021", {"retraction_state": "retracted"}),)
    assert [one.place for one in found if isinstance(one, Rejection)] == ["line 43"]
    assert publications(read(LINES, store_abstracts=True))[0]["abstract"] == "BACKGROUND: somebody's.\n\n(c) Somebody."


ACCENTED = "TY  - JOUR\nTI  - Häufigkeit – eine lange Untersuchung\nPY  - 2010\nER  -\n"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_no_encoding_is_mangled(encoding: str, ending: str) -> None:
    found = read(ACCENTED.replace("\n", ending).encode(encoding))
    assert [one["title"] for one in publications(found)] == ["Häufigkeit – eine lange Untersuchung"]
    assert [warning.kind for one in found if isinstance(one, SourceItem) for warning in one.warnings] == (
        ["encoding-guessed"] if encoding == "cp1252" else []
    )


def test_what_is_in_no_encoding_is_refused() -> None:
    (refusal,) = read(ACCENTED.encode("latin-1", "replace").replace("ä".encode("latin-1"), b"\x81\xff"))
    assert isinstance(refusal, Rejection)
    assert (refusal.place, "line 2 is in no encoding" in refusal.detail) == ("line 1", True)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\n\n", b"some text\nTitle: x\n", b"<html><body/></html>", b"[1, 2", b"\xff\xfeT"),
        *(b"\x00" * 1000, b"x" * 9_000_000),
    ],
)
def test_other_files_are_unreadable(content: bytes) -> None:
    with pytest.raises(Unreadable):
        read(content)


class Endless:
    """An endless reference."""

    def __init__(self, more: bytes) -> None:
        self.more, self.given = more, 0

    def read(self, size: int) -> bytes:
        self.given += size
        start = b"TY  - JOUR\nTI  - x\n" if self.given == size else b""
        return (start + self.more * size)[:size]


@pytest.mark.parametrize("more", [b"x", b"\n", b"KW  - x\n", b"\r"])
def test_a_reference_without_end_is_given_up(more: bytes) -> None:
    endless = Endless(more)
    with pytest.raises(Unreadable):
        list(units(endless, "x", NO_NAMES))  # type: ignore[arg-type]
    assert endless.given < 10_000_000


PIECES = [
    *(b"\nTY  - ", b"\nER  - ", b"\nUK  - x", b"\n  - ", b"\nDO  - 10.", b"\nPMID- 1", b"\nUR  - http://[x"),
    *(b"\x81\xff", b"\xed\xa0\x80", b"\x00", b"\r"),
]


@pytest.mark.parametrize("content", [OWN, LINES, OWN + LINES])
def test_no_file_breaks_the_reader(content: bytes) -> None:
    random = Random(2026)
    for _ in range(300):
        try:
            for found in units(BytesIO(damaged(content, random, PIECES)), "x", NO_NAMES, store_abstracts=True):
                assert isinstance(found, SourceItem | Rejection)
                assert not isinstance(found, SourceItem) or faults(found) == []
        except Unreadable:
            continue


def test_our_own_export_can_be_read_again() -> None:
    """PMID, DOI, title, year and authors are read back unchanged."""
    record = {
        "id": "pmid-1",
        "type": "publications",
        "pmid": "20647170",
        "doi": "10.1177/0333102410364676",
        "title": "OnabotulinumtoxinA for treatment of chronic migraine",
        "journal": "Cephalalgia",
        "year": 2010,
        "pages": "793-803",
        "authors": ["Aurora SK", "van den Berg J Jr", "PREEMPT Study Group"],
    }
    (again,) = publications(read(ris([record]).encode()))
    assert {name: again.get(name) for name in record if name not in ("id", "type")} == {
        name: value for name, value in record.items() if name not in ("id", "type")
    }


# Real files


@needs_data
@pytest.mark.parametrize("file", REAL, ids=lambda file: file.name)
@pytest.mark.parametrize("store_abstracts", [False, True])
def test_real_exports_can_be_entered_as_they_are(file: Path, store_abstracts: bool) -> None:
    with file.open("rb") as content:
        found = accepted(units(content, file.name, NO_NAMES, store_abstracts=store_abstracts))
    text = file.read_bytes().decode("utf-8-sig")
    read = [offered(unit, "publications") for unit in found]
    tag = "PMID-" if file.suffix == ".nbib" else "TY  -"
    assert len(read) == len(re.findall(rf"^{tag}", text, re.MULTILINE))
    said = re.findall(r"^(?:DO  -|LID -.*\[doi\]|AID -.*\[doi\]).*$", text, re.MULTILINE)
    dois = {re.search(r"10\.\S+", line)[0].lower() for line in said}  # type: ignore[index]
    assert {one["doi"].lower() for one in read if "doi" in one} == dois
    dated = "PY|DP" if re.search(r"^(?:PY|DP) +-", text, re.MULTILINE) else "Y1"
    years = re.findall(rf"^(?:{dated}) +- +(\d{{4}})", text, re.MULTILINE)
    assert [str(one["year"]) for one in read] == years
    assert all(one["title"].strip() == one["title"] for one in read)


PMIDS = {
    "_baseline_scopus.ris": r"^C2  - (\d+)$",
    "_baseline_embase.ris": r"^C5  - (\d+)$",
    "_baseline_cochrane_procite.ris": r"^C3  -  PUBMED (\d+)",
    "asreview_baseline_pubmed.nbib": r"^PMID- (\d+)$",
    "_baseline.ris": r"^L2  - https?://(?:pubmed\.ncbi\.nlm\.nih\.gov|\S+/pubmed|\S+/MED)/(\d+)",
    "_baseline_citavi.ris": r"^L2  - https?://(?:pubmed\.ncbi\.nlm\.nih\.gov|\S+/pubmed|\S+/MED)/(\d+)",
}


@needs_data
@pytest.mark.parametrize("file", REAL, ids=lambda file: file.name)
def test_pmids_are_those_that_the_tool_has(file: Path) -> None:
    """Five tools and Google Scholar drop PMIDs; none of their other numbers is taken for one."""
    pattern = PMIDS.get(file.name)
    wanted = re.findall(pattern, file.read_text("utf-8-sig"), re.MULTILINE) if pattern else []
    with file.open("rb") as content:
        read = publications(list(units(content, file.name, NO_NAMES)))
    assert {one["pmid"] for one in read if "pmid" in one} == set(wanted)


@needs_data
def test_the_same_paper_is_known_again_whatever_tool_it_comes_from() -> None:
    """No paper has two keys or two PMIDs. One key has two papers, which differ in their DOIs."""
    keys, pmids, papers = defaultdict(set), defaultdict(set), defaultdict(set)
    tools: dict[str, set[str]] = defaultdict(set)
    short = []
    for file in REAL:
        with file.open("rb") as content:
            for one in publications(list(units(content, file.name, NO_NAMES))):
                key, doi = title_key(one["title"], one["year"]), one.get("doi", "").lower()
                short += [one["title"]] if key is None else []
                if doi and key:
                    keys[doi].add(key)
                    papers[key].add(doi)
                    tools[doi].add(file.name)
                    pmids[doi].update([one["pmid"]] if "pmid" in one else [])
    assert short == ["A new home for microbes"]
    assert sum(len(names) > 1 for names in tools.values()) > 100
    assert max(map(len, tools.values())) == 7
    assert all(len(some) == 1 for some in keys.values())
    assert all(len(some) <= 1 for some in pmids.values())
    assert [some for some in papers.values() if len(some) > 1] == [
        {"10.1371/journal.pone.0086394", "10.1016/j.jvir.2013.12.293"}
    ]
