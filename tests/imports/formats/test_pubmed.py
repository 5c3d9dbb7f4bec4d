"""PubMed XML: invented files with every construct, and real files whose facts are counted independently."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from random import Random
from typing import IO, cast
from xml.etree import ElementTree

import psutil  # type: ignore[import-untyped]
import pytest
from lxml import etree

from app.imports.candidates import Found, Json, PartialUpdate, Rejection, SourceItem, Unreadable, Withdrawal
from app.imports.formats.pubmed import units
from app.imports.formats.pubmed.dates import printed_date
from app.imports.formats.pubmed.elements import text
from app.imports.formats.pubmed.people import initials
from app.imports.formats.pubmed.records import add_title, bare_title
from app.imports.name_index import NO_NAMES
from app.imports.readers.record_builder import Entry
from tests.offered import DATA, FIXTURES, accepted, damaged, faults, offered

OWN = (FIXTURES / "pubmed/articles.xml").read_bytes()
REAL = sorted((DATA / "pubmed").glob("*.xml"))
needs_data = pytest.mark.skipif(not REAL, reason="the real files are not here")


def read(content: bytes, *, store_abstracts: bool = False) -> list[Found]:
    return list(units(BytesIO(content), "x.xml", NO_NAMES, store_abstracts=store_abstracts))


def publication(found: list[Found], place: str) -> Json:
    (unit,) = [one for one in found if one.place == place and isinstance(one, SourceItem)]
    return offered(unit, "publications")


def test_an_article_is_read_whole() -> None:
    found = read(OWN)
    first = found[0]
    assert isinstance(first, SourceItem)
    assert publication(found, "PMID 90000001") == {
        "id": "pmid-90000001",
        "pmid": "90000001",
        "doi": "10.1234/INV.2019.1",
        "pmcid": "PMC900001",
        "registry_ids": ["NCT90000001", "NCT90000002", "ISRCTN90000003", "2090-000001-20"],
        "title": "Effect of H2O on Mus inventus: the DRY-1 trial",
        "title_kind": "printed",
        "languages": ["eng", "fre"],
        "journal": "The Invented journal of evidence",
        "journal_abbreviation": "Inv J Evid",
        "issn": "1234-5679",
        "year": 2019,
        "date": "2019-02-03",
        "epub_date": "2018-12-31",
        "volume": "7",
        "issue": "2 Pt 1",
        "pages": "12-9",
        "authors": ["Invented AB 3rd", "DRY-1 Study Group", "de la Cour JL", "Madonna", "Alone"],
        "authors_complete": False,
        "collective_authors": ["DRY-1 Study Group"],
        "publication_types": ["Journal Article", "Randomized Controlled Trial"],
        "mesh": [
            {
                "id": "D014867",
                "heading": "Water",
                "major": True,
                "qualifiers": ["adverse effects", "pharmacokinetics"],
            },
            {"id": "D006801", "heading": "Humans", "major": False, "qualifiers": []},
        ],
        "keywords": ["Wetness", "dry runs"],
        "abstract_sections": ["BACKGROUND", "RESULTS"],
        "retraction_state": "corrected",
        "notices": [
            {"kind": "comment-in", "pmid": "90000009", "citation": "Inv J Evid. 2019;7:20"},
            {"kind": "erratum-in", "citation": "Inv J Evid. 2019;7:99"},
        ],
        "provenance": [{"source": "pubmed-90000001"}],
    }
    assert [warning.kind for warning in first.warnings] == [
        "author-not-valid",
        "identifier-not-valid",
        "data-bank-not-kept",
    ]


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        (("DateRevised", "DateCompleted", "History"), "2024-03-07"),
        (("DateCompleted", "History"), "2023-11-30"),
        (("History",), "2022-01-05"),
        ((), None),
    ],
)
def test_how_new_a_record_is(dates: tuple[str, ...], day: str | None) -> None:
    """NLM's revision counts, or else the completion, or else the entry; publishers' dates do not."""
    printed = {"DateRevised": (2024, 3, 7), "DateCompleted": (2023, 11, 30), "History": (2022, 1, 5)}
    parts = {
        name: f"<{tag}><Year>{year}</Year><Month>{month}</Month><Day>{day}</Day></{tag.split()[0]}>"
        for name, (year, month, day) in printed.items()
        for tag in [name if name != "History" else 'PubMedPubDate PubStatus="entrez"']
    }
    citation = "".join(parts[name] for name in dates if name != "History")
    history = f"<History>{parts['History']}</History>" if "History" in dates else ""
    content = (
        f"<PubmedArticleSet><PubmedArticle><MedlineCitation><PMID>7</PMID>{citation}</MedlineCitation>"
        f"<PubmedData>{history}</PubmedData></PubmedArticle></PubmedArticleSet>"
    )
    [unit] = read(content.encode())
    assert isinstance(unit, SourceItem)
    assert offered(unit, "sources").get("effective_date") == day


def test_its_source_is_pubmeds_record() -> None:
    (unit,) = [one for one in read(OWN) if one.place == "PMID 90000001" and isinstance(one, SourceItem)]
    source = dict(offered(unit, "sources"))
    element = ElementTree.fromstring(OWN.decode()).find("PubmedArticle")
    assert element is not None
    element.tail = None
    canonical = ElementTree.canonicalize(ElementTree.tostring(element, encoding="unicode"))
    assert source.pop("sha256") == sha256(canonical.encode()).hexdigest()
    assert source == {
        "id": "pubmed-90000001",
        "kind": "bibliographic-record",
        "tier": "primary",
        "url": "https://pubmed.ncbi.nlm.nih.gov/90000001/",
        "publisher": "NLM",
        "retrieved_on": datetime.now(UTC).date().isoformat(),
    }


def test_abstracts_are_kept_only_where_they_may_be() -> None:
    assert "abstract" not in publication(read(OWN), "PMID 90000001")
    stored = publication(read(OWN, store_abstracts=True), "PMID 90000001")
    assert stored["abstract"] == "BACKGROUND: Water is wet.\n\nRESULTS: It stayed so.\n\n© The invented authors."


def test_a_translated_title_and_a_date_of_two_years() -> None:
    translated = publication(read(OWN), "PMID 90000002.2")
    assert translated["title"] == "On water and [18F] wine"
    assert "title_kind" not in translated
    assert translated["vernacular_title"] == "De l'eau et du vin au [18F]"
    assert (translated["year"], translated["date"]) == (1998, "1998")
    assert translated["retraction_state"] == "retracted"
    assert translated["doi"] == "10.1234/other"


def test_notices_tell_of_what_they_are_about() -> None:
    (notice,) = [one for one in read(OWN) if one.place == "PMID 90000003" and isinstance(one, SourceItem)]
    assert notice.partial_updates == (
        PartialUpdate("publications", "90000002", {"retraction_state": "retracted"}),
        PartialUpdate("publications", "90000011", {"retraction_state": "expression-of-concern"}),
    )
    assert offered(notice, "publications")["retraction_state"] == "none"
    assert offered(notice, "publications")["date"] == "2021"


def test_a_chapter_stands_in_its_book() -> None:
    chapter = publication(read(OWN), "PMID 90000004")
    assert chapter["note"] == "In: Waters. Invented Press Nowhere (NW)."
    assert (chapter["title"], chapter["date"], chapter["authors"]) == ("Still waters", "2023-05-01", ["Deep R"])
    assert chapter["doi"] == "10.1234/book"
    assert "journal" not in chapter


def test_what_is_withdrawn_and_what_is_refused() -> None:
    found = read(OWN)
    withdrawn = [one for one in found if isinstance(one, SourceItem) and one.withdrawals]
    assert withdrawn == [SourceItem("PMID 90000012", (), withdrawals=(Withdrawal("publications", "90000012"),))]
    refused = [one for one in found if isinstance(one, Rejection)]
    assert [(one.place, one.detail) for one in refused] == [
        ("record 4", "it has no PMID"),
        ("record 6", "'no number' is no PMID to be withdrawn"),
    ]
    assert [fault for one in found if isinstance(one, SourceItem) for fault in faults(one)] == []


@pytest.mark.parametrize(
    ("printed", "kept", "whole"),
    [
        ("1998", "1998", True),
        ("2020 Feb", "2020-02", True),
        ("2020 Feb 3", "2020-02-03", True),
        ("2020 02 03", "2020-02-03", True),
        ("2019 Sept", "2019-09", True),
        ("2019 September", "2019-09", True),
        ("2003 Maybe", "2003", False),
        ("2019 Feb 30", "2019-02", False),
        ("2000 Spring", "2000", False),
        ("1998 Dec-1999 Jan", "1998", False),
        ("1979 Jul-Aug", "1979", False),
        ("2000 Jan 1-15", "2000-01", False),
        ("2000 Dec 25-2001 Jan 1", "2000", False),
        ("1976-1977 Winter", "1976", False),
        ("Spring 1990", "1990", False),
        ("1999-2000", "1999", False),
        ("1978 1st Quart", "1978", False),
        ("2004 13", "2004", False),
        ("0000 Jan", None, False),
        ("in press", None, False),
    ],
)
def test_dates_in_all_their_shapes(printed: str, kept: str | None, whole: bool) -> None:
    assert printed_date(printed) == (kept, whole)


@pytest.mark.parametrize(
    ("printed", "bare"),
    [
        ("A title.", ("A title", False)),
        ("What now?", ("What now?", False)),
        ("And so on...", ("And so on...", False)),
        ("[Ein Titel].", ("Ein Titel", True)),
        ("[A title (author's transl)].", ("A title", True)),
        ("[11C]PET and [18F]PET.", ("[11C]PET and [18F]PET", False)),
        ("[Is it?]", ("Is it?", True)),
    ],
)
def test_titles_without_what_nlm_adds(printed: str, bare: tuple[str, bool]) -> None:
    assert bare_title(printed) == bare


def test_what_has_no_translated_title_has_its_own() -> None:
    entry = Entry()
    add_title(entry, "[Not Available].", "De l'eau.")
    assert entry.data == {"title": "De l'eau", "title_kind": "printed"}


def test_a_title_too_long_shows_that_it_is_cut() -> None:
    entry = Entry()
    add_title(entry, "water " * 150, "")
    assert entry.data["title_kind"] == "truncated"
    assert entry.data["title"].endswith("water…")
    assert len(entry.data["title"]) <= 600
    assert [warning.kind for warning in entry.warnings] == ["cut-short"]


def test_initials_are_taken_from_given_names() -> None:
    assert [initials(given) for given in ("Jean-Luc", "Hans G X M", "É. b.", "")] == ["JL", "HGXM", "ÉB", ""]


# Files that are not PubMed's


def refused(content: bytes | IO[bytes]) -> str:
    stream = BytesIO(content) if isinstance(content, bytes) else content
    with pytest.raises(Unreadable) as told:
        list(units(stream, "x.xml", NO_NAMES))
    return str(told.value)


def of(subset: str, inside: str) -> bytes:
    article = f"<PubmedArticle><MedlineCitation><PMID>1</PMID>{inside}</MedlineCitation></PubmedArticle>"
    return f"<!DOCTYPE PubmedArticleSet {subset}><PubmedArticleSet>{article}</PubmedArticleSet>".encode()


@pytest.mark.parametrize(
    "subset",
    [
        '[<!ENTITY a "b">]',
        '[<!ENTITY a SYSTEM "file:///etc/passwd">]',
        'SYSTEM "http://127.0.0.1:9/x.dtd" [<!ENTITY % a SYSTEM "http://127.0.0.1:9/y.dtd"> %a;]',
        '[<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]',
    ],
)
def test_declared_entities_are_refused(subset: str) -> None:
    inside = "<Article><ArticleTitle>&a;</ArticleTitle></Article>"
    assert "entities" in refused(of(subset, inside))
    assert "entities" in refused(f"<!DOCTYPE PubmedArticleSet {subset}><PubmedArticleSet/>".encode())


def test_a_bomb_in_an_attribute_does_not_go_off() -> None:
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE PubmedArticleSet [<!ENTITY e0 "boom">{levels}]><PubmedArticleSet a="&e8;"/>'
    assert refused(bomb.encode())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "x.xml"),
        (b"PMID- 1", "x.xml"),
        (b"<html/>", "no PubMed XML: it begins with <html>"),
        (b"<PubmedArticleSet>", "x.xml"),
        (b'<?xml version="1.0" encoding="nonsense"?><PubmedArticleSet/>', "x.xml"),
        (b"<PubmedArticleSet>" + b"<a>" * 100_000, "x.xml"),
    ],
)
def test_other_files_are_unreadable(content: bytes, why: str) -> None:
    assert why in refused(content)


class Endless:
    """An endless file."""

    def __init__(self, start: bytes, more: bytes) -> None:
        self.start, self.more, self.given = start, more, 0

    def read(self, size: int) -> bytes:
        start, self.start = self.start, b""
        chunk = start or self.more * (1 + size // len(self.more))
        self.given += len(chunk)
        return chunk


@pytest.mark.parametrize("more", [b"x", b"<a/>", b"<PMID>1</PMID>", b" "])
def test_a_record_without_end_is_given_up(more: bytes) -> None:
    endless = Endless(b"<PubmedArticleSet><PubmedArticle>", more)
    assert refused(cast(IO[bytes], endless))
    assert endless.given < 30_000_000


def test_a_file_without_end_takes_no_more_memory() -> None:
    article = OWN[OWN.index(b"<PubmedArticle>") : OWN.index(b"</PubmedArticle>") + len(b"</PubmedArticle>")]
    found = units(cast(IO[bytes], Endless(b"<PubmedArticleSet>", article)), "x", NO_NAMES)
    for _ in range(500):
        next(found)
    before = psutil.Process().memory_info().rss
    for _ in range(5000):
        next(found)
    assert psutil.Process().memory_info().rss - before < 10_000_000 < 5000 * len(article)


PIECES = (b"<a>", b"</Article>", b"&x;", b"\x00", b"<![CDATA[", b"<!--", b"<PMID/>")


def torn(content: bytes, random: Random) -> bytes:
    return damaged(content, random, PIECES)


def emptied(content: bytes, random: Random) -> bytes:
    """Well-formed XML with unexpected content in some places."""
    root = ElementTree.fromstring(content.decode())
    every = list(root.iter())
    for element in random.sample(every, 12):
        match random.randrange(4):
            case 0:
                element.clear()
            case 1:
                element.text = random.choice(
                    ["", " ", "-1", "x" * 5000, "\u202e\u00ad", "9" * 40, "1800-2100", "\ud7ff"]
                )
            case 2:
                element.append(ElementTree.Element(random.choice(["PMID", "Author", "Year", "ArticleTitle", "i"])))
            case _:
                element.tag = random.choice(every).tag
    return bytes(ElementTree.tostring(root, encoding="utf-8"))


def survivors(content: bytes) -> Iterator[Found]:
    try:
        yield from units(BytesIO(content), "x.xml", NO_NAMES, store_abstracts=True)
    except Unreadable:
        return


@pytest.mark.parametrize("harm", [torn, emptied])
def test_no_file_breaks_the_reader(harm: object) -> None:
    random = Random(2026)
    for _ in range(400):
        for found in survivors(harm(OWN, random)):  # type: ignore[operator]
            assert isinstance(found, SourceItem | Rejection)
            if isinstance(found, SourceItem):
                assert faults(found) == []
    for length in range(0, len(OWN), 97):
        assert all(isinstance(found, SourceItem | Rejection) for found in survivors(OWN[:length]))


# Real files


@needs_data
@pytest.mark.parametrize("file", REAL, ids=lambda file: file.name)
@pytest.mark.parametrize("store_abstracts", [False, True])
def test_real_files_can_be_entered_as_they_are(file: object, store_abstracts: bool) -> None:
    with file.open("rb") as content:  # type: ignore[attr-defined]
        found = accepted(units(content, "x", NO_NAMES, store_abstracts=store_abstracts))
    articles = ElementTree.parse(str(file)).getroot().findall("PubmedArticle")
    read = [offered(unit, "publications") for unit in found]
    assert [one["pmid"] for one in read] == [a.findtext("MedlineCitation/PMID") for a in articles]
    for one, article in zip(read, articles, strict=True):
        compare(one, article)


def compare(one: Json, article: ElementTree.Element) -> None:
    """Compares the candidates with an independent reading of the file."""
    own = [
        *article.findall(".//ELocationID[@EIdType='doi'][@ValidYN='Y']"),
        *article.findall("PubmedData/ArticleIdList/ArticleId[@IdType='doi']"),
    ]
    assert one.get("doi", "").lower() in {(id.text or "").lower() for id in own} or not own
    assert ("doi" in one) == bool(own)
    text = ElementTree.tostring(next(article.iter("MedlineCitation")), encoding="unicode")
    banks = "".join(re.findall(r"<DataBankList.*?</DataBankList>", text, re.DOTALL))
    assert set(re.findall(r"NCT\d{8}", banks)) == set(one.get("registry_ids", []))
    year = re.search(r"<PubDate>.*?(\d{4})", text, re.DOTALL)
    assert year is not None
    assert one["year"] == int(year[1])
    assert one["date"].startswith(year[1])
    month = article.findtext(".//PubDate/Month")
    day = article.findtext(".//PubDate/Day")
    assert one["date"].count("-") == bool(month) + bool(day)
    people = [a for a in article.findall("MedlineCitation/Article/AuthorList/Author") if a.get("ValidYN") != "N"]
    assert len(one.get("authors", [])) == len(people)
    for name, person in zip(one.get("authors", []), people, strict=True):
        assert name.startswith((person.findtext("LastName") or person.findtext("CollectiveName") or "").strip())
    assert [h["id"] for h in one.get("mesh", [])] == [d.get("UI") for d in article.iter("DescriptorName")]
    assert one.get("publication_types", []) == [p.text for p in article.iter("PublicationType")]
    assert one.get("languages") == [language.text for language in article.iter("Language")]
    assert one.get("pages") == article.findtext(".//MedlinePgn")
    assert one.get("pmcid") == article.findtext("PubmedData/ArticleIdList/ArticleId[@IdType='pmc']")
    assert re.sub(r"\W", "", one["title"]) in re.sub(r"\W", "", "".join(next(article.iter("ArticleTitle")).itertext()))


@pytest.mark.parametrize(
    ("printed", "plain"),
    [
        ("10<sup>9</sup>/L", "10⁹/L"),
        ("3 × 10<sup>-<i>8</i></sup>", "3 × 10⁻⁸"),
        ("10<sup>5.5</sup> and 2<sup>1/2</sup>", "10^5.5 and 2^(1/2)"),
        ("log<sub>10</sub>4 &amp;lt;i&amp;gt;", "log₁₀4"),
        ("<b>10</b><sup>6</sup>", "10⁶"),
        ("<sup>18</sup>F, H<sub>2</sub>O, TRPV1<sup>+/-</sup>", "18F, H2O, TRPV1+/-"),
    ],
)
def test_a_power_is_no_further_figure(printed: str, plain: str) -> None:
    assert text(etree.fromstring(f"<ArticleTitle>{printed}</ArticleTitle>")) == plain


def test_a_date_after_next_year_is_left_out() -> None:
    first = next(found for found in read(OWN.replace(b"2019", b"2088")) if found.place == "PMID 90000001")
    assert isinstance(first, SourceItem)
    assert faults(first) == []
    assert offered(first, "publications").keys().isdisjoint({"date", "year"})
    assert [warning.text for warning in first.warnings if warning.kind == "date-not-read"]
