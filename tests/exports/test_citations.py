"""Citations field by field: nothing lost, nothing invented, nothing that breaks the format that it is written in."""

import re
from typing import Any

import pytest
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import LatexDecodingMiddleware

from app.common.page_range import page_range
from app.exports import citations

Json = dict[str, Any]

WHOLE: Json = {
    "type": "publications",
    "id": "pmid-20647170",
    "scope": "publication",
    "title": "OnabotulinumtoxinA & DNA: 50% of 5_6 in μ-opioid {trials}",
    "title_kind": "printed",
    "vernacular_title": "Über Botulinumtoxin",
    "journal": "Annals & Reviews",
    "journal_abbreviation": "Ann Rev",
    "issn": "0333-1024",
    "year": 2010,
    "date": "2010-07-30",
    "epub_date": "2010-03-17",
    "volume": "30",
    "issue": "7",
    "pages": "737-8",
    "doi": "10.1002/(SICI)1099-9999(199902)22:3<267::AID-MADE40>3.0.CO;2-A",
    "pmid": "20647170",
    "pmcid": "PMC5799088",
    "registry_ids": ["NCT00156910", "ISRCTN12345678"],
    "languages": ["eng", "fre"],
    "keywords": ["migraine, chronic", "Botox"],
    "abstract": "AIMS: To see.\n\nER  - STATUS: positive.\nTY  - JOUR\u2028Rest < 5.",
    "authors": ["Müller-Lüdenscheidt JK Jr", "van der Berg A", "PREEMPT Study Group and Friends", "Wissel"],
    "collective_authors": ["PREEMPT Study Group and Friends"],
    "authors_complete": False,
    "retraction_state": "retracted",
    "provenance": [{"source": "pubmed-20647170", "url": "https://example.org/page"}],
}
ADDRESS = "https://doi.org/10.1002/(SICI)1099-9999(199902)22:3%3C267::AID-MADE40%3E3.0.CO;2-A"


def ris_tags(text: str) -> list[tuple[str, str]]:
    """The tags of RIS; a strict reader, for which each line is a tag."""
    lines = [re.fullmatch(r"([A-Z][A-Z0-9])  - (.*)", line) for line in text.split("\n") if line]
    assert all(lines), text
    return [(line[1], line[2]) for line in lines if line]


VERBATIM = ("doi", "url", "pmid", "pmcid", "issn")


def bibtex_fields(record: Json) -> tuple[str, str, dict[str, str]]:
    """The type, the key and the fields of the entry, without LaTeX but in verbatim fields."""
    text = citations.bibtex([record])
    decoded, plain = parse_string(text, append_middleware=[LatexDecodingMiddleware()]), parse_string(text)
    assert not decoded.failed_blocks
    (entry,), (verbatim,) = decoded.entries, plain.entries
    fields = {field.key: str(field.value) for field in entry.fields}
    kept = {field.key: str(field.value) for field in verbatim.fields if field.key in VERBATIM}
    return entry.entry_type, entry.key, fields | kept


def test_ris_has_every_field_in_one_line_each() -> None:
    assert ris_tags(citations.ris([WHOLE])) == [
        ("TY", "JOUR"),
        ("ID", "pmid-20647170"),
        ("C8", "publications/pmid-20647170"),
        ("TI", WHOLE["title"]),
        ("TT", "Über Botulinumtoxin"),
        ("AU", "Müller-Lüdenscheidt, J K, Jr"),
        ("AU", "van der Berg, A"),
        ("AU", "PREEMPT Study Group and Friends,"),
        ("AU", "Wissel"),
        ("AU", "et al."),
        ("T2", "Annals & Reviews"),
        ("J2", "Ann Rev"),
        ("SN", "0333-1024"),
        ("PY", "2010"),
        ("Y1", "2010/07/30/"),
        ("DA", "2010/07/30/"),
        ("VL", "30"),
        ("IS", "7"),
        ("SP", "737"),
        ("EP", "738"),
        ("ET", "2010-03-17"),
        ("DO", WHOLE["doi"]),
        ("AN", "20647170"),
        ("DB", "PubMed"),
        ("C2", "PMC5799088"),
        ("C3", "NCT00156910; ISRCTN12345678"),
        ("UR", ADDRESS),
        ("LA", "eng, fre"),
        ("KW", "migraine, chronic"),
        ("KW", "Botox"),
        ("AB", "AIMS: To see. ER - STATUS: positive. TY - JOUR Rest < 5."),
        ("N1", "Retraction state: retracted"),
        ("ER", ""),
    ]


def test_bibtex_has_every_field_verbatim() -> None:
    kind, key, fields = bibtex_fields(WHOLE)
    assert (kind, key) == ("article", "pmid-20647170")
    assert fields == {
        "title": WHOLE["title"],
        "author": "Müller-Lüdenscheidt, Jr, J K and van der Berg, A and PREEMPT Study Group and Friends and Wissel "
        "and others",
        "journal": "Annals & Reviews",
        "shortjournal": "Ann Rev",
        "titleaddon": "Über Botulinumtoxin",
        "volume": "30",
        "number": "7",
        "abstract": "AIMS: To see. ER  - STATUS: positive. TY  - JOUR Rest < 5.",
        "note": "Registration: NCT00156910, ISRCTN12345678; Published online: 2010-03-17; Retraction state: retracted",
        "keywords": "migraine, chronic, Botox",
        "pages": "737–8",
        "issn": "0333-1024",
        "doi": WHOLE["doi"],
        "pmid": "20647170",
        "pmcid": "PMC5799088",
        "url": ADDRESS,
        "language": "eng, fre",
        "evidence": "publications/pmid-20647170",
        "year": "2010",
        "day": "30",
        "month": "jul",
    }
    text = citations.bibtex([WHOLE])
    assert "{OnabotulinumtoxinA} \\& {DNA}: 50\\% of 5\\_6 in μ-opioid" in text
    assert "and {PREEMPT Study Group and Friends} and" in text
    assert "keywords = {{migraine, chronic}, Botox}" in text
    assert "pages = {737--8}" in text
    assert f"doi = {{{WHOLE['doi']}}}" in text


def test_csl_has_every_field() -> None:
    assert citations.csl([WHOLE]) == [
        {
            "id": "pmid-20647170",
            "type": "article-journal",
            "title": WHOLE["title"],
            "original-title": "Über Botulinumtoxin",
            "author": [
                {"family": "Müller-Lüdenscheidt", "given": "J K", "suffix": "Jr"},
                {"family": "van der Berg", "given": "A"},
                {"literal": "PREEMPT Study Group and Friends"},
                {"family": "Wissel"},
                {"literal": "et al."},
            ],
            "container-title": "Annals & Reviews",
            "container-title-short": "Ann Rev",
            "ISSN": "0333-1024",
            "issued": {"date-parts": [[2010, 7, 30]]},
            "available-date": {"date-parts": [[2010, 3, 17]]},
            "volume": "30",
            "issue": "7",
            "page": "737-8",
            "DOI": WHOLE["doi"],
            "PMID": "20647170",
            "PMCID": "PMC5799088",
            "URL": ADDRESS,
            "language": "eng, fre",
            "keyword": "migraine, chronic; Botox",
            "abstract": WHOLE["abstract"],
            "note": "Registration: NCT00156910, ISRCTN12345678\nPublished online: 2010-03-17\n"
            "Retraction state: retracted",
            "custom": {"evidence": "publications/pmid-20647170"},
        }
    ]


PAGES = {
    "737-8": ("737", "738"),
    "1358–73": ("1358", "1373"),
    "793-803": ("793", "803"),
    "e657-e665": ("e657", "e665"),
    "S12-9": ("S12", "S19"),
    "A-1-A-9": ("A-1", "A-9"),
    "E12-3-E12-9": ("E12-3", "E12-9"),
    "428": ("428", None),
    "e12": ("e12", None),
    "CD001408": ("CD001408", None),
    "12-3": ("12", "13"),
    "12-15, 18": ("12-15, 18", None),
    "S1-T5": ("S1-T5", None),
    "99-12": ("99-12", None),
    "19-8": ("19-8", None),
}


@pytest.mark.parametrize("pages", PAGES)
def test_the_last_page_is_written_out(pages: str) -> None:
    assert page_range(pages) == PAGES[pages]


TITLES = {
    'See http://example.org/a_b;c for "all" (50% off) & more': 'See http://example.org/a_b;c for "all" (50\\% off) '
    "\\& more",
    "Botox in chronic migraine": "Botox in chronic migraine",
    "Effects of Botox on SNAP-25: a trial": "Effects of {Botox} on {SNAP}-25: a trial",
    "The Effect of Botox on Chronic Migraine in DNA": "The Effect of Botox on Chronic Migraine in {DNA}",
    "Doses -- and $5": "Doses -{}- and \\$5",
}


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_escaped_once_and_keeps_the_capitals_of_names(title: str) -> None:
    record = WHOLE | {"title": title}
    assert f"title = {{{TITLES[title]}}},\n" in citations.bibtex([record])
    assert bibtex_fields(record)[2]["title"] == title


@pytest.mark.parametrize("title", ["a } b", "{ open", "back \\ slash", "tilde ~ here", "''quoted'' ``text``", "a\\"])
def test_no_title_breaks_bibtex(title: str) -> None:
    assert bibtex_fields(WHOLE | {"title": title})[2]["title"] == title


def test_a_doi_with_a_brace_does_not_end_its_field() -> None:
    fields = bibtex_fields(WHOLE | {"doi": "10.5555/a}b_c%d"})[2]
    assert fields["doi"] == "10.5555/a%7Db_c%d"
    assert "doi = {10.5555/{a}b_c}" in citations.bibtex([WHOLE | {"doi": "10.5555/{a}b_c"}])


PAGE: Json = {
    "type": "publications",
    "id": "dysport-results",
    "scope": "publication",
    "title": "Dysport results (a page)",
    "title_kind": "descriptive",
    "provenance": [{"source": "x", "url": "https://example.org/dysport"}],
}
REGISTERED: Json = PAGE | {"title": "A trial", "title_kind": "registry-record", "journal": "ClinicalTrials.gov"}
LABEL: Json = {
    "type": "sources",
    "id": "label-1",
    "kind": "label",
    "title": "Botox label",
    "url": "https://example.org/label",
    "publisher": "FDA",
    "effective_date": "2023-07",
    "retrieved_on": "2026-11-25",
    "version": 34,
    "set_id": "485d9b71-6881-42c5-a620-a4360c7192ab",
}
STUDY: Json = {
    "type": "studies",
    "id": "nct00000001",
    "scope": "study",
    "title": "A registered trial",
    "registry_ids": ["NCT00000001"],
    "first_posted_date": "2005-09-12",
    "sponsor": "Allergan",
    "publications": [],
    "provenance": [{"source": "x", "url": None}],
}
KINDS: list[tuple[Json, str, str, str]] = [
    (WHOLE, "JOUR", "article", "article-journal"),
    (PAGE, "ELEC", "online", "webpage"),
    (REGISTERED, "DATA", "misc", "dataset"),
    (STUDY, "DATA", "misc", "dataset"),
    (LABEL, "ELEC", "online", "webpage"),
    (LABEL | {"kind": "registry-record"}, "DATA", "misc", "dataset"),
    (LABEL | {"kind": "web-page"}, "ELEC", "online", "webpage"),
    (LABEL | {"kind": "compilation"}, "GEN", "misc", "document"),
]


@pytest.mark.parametrize(("record", "ris", "bibtex", "csl"), KINDS)
def test_each_kind_of_record_has_its_own_type(record: Json, ris: str, bibtex: str, csl: str) -> None:
    assert ris_tags(citations.ris([record]))[0] == ("TY", ris)
    assert bibtex_fields(record)[0] == bibtex
    assert citations.csl([record])[0]["type"] == csl


def test_our_own_words_are_a_note_and_no_title() -> None:
    body = STUDY | {"scope": "body-of-evidence", "registry_ids": []}
    for record in (PAGE, body):
        tags = ris_tags(citations.ris([record]))
        assert "TI" not in dict(tags)
        assert ("N1", record["title"]) in tags
        assert "title" not in bibtex_fields(record)[2]
        assert bibtex_fields(record)[2]["note"] == record["title"]
        assert "title" not in citations.csl([record])[0]


def test_a_study_without_publications_is_its_registration() -> None:
    tags = dict(ris_tags(citations.ris([STUDY])))
    assert tags["TI"] == "A registered trial"
    assert (tags["C3"], tags["UR"]) == ("NCT00000001", "https://clinicaltrials.gov/study/NCT00000001")
    assert (tags["C8"], tags["PB"], tags["DA"]) == ("studies/nct00000001", "Allergan", "2005/09/12/")
    assert tags["M3"] == "Trial registry record"


def test_a_label_is_cited_with_version_and_date() -> None:
    tags = dict(ris_tags(citations.ris([LABEL])))
    assert (tags["ID"], tags["C8"], tags["UR"]) == ("label-1", "sources/label-1", LABEL["url"])
    assert (tags["M3"], tags["ET"], tags["Y1"], tags["Y2"]) == ("Label", "34", "2023/07//", "2026/11/25/")
    assert "Set id: 485d9b71" in tags["N1"]


def test_a_bibliographic_record_is_cited_by_the_pmid_of_its_address() -> None:
    record = LABEL | {"kind": "bibliographic-record", "url": "https://pubmed.ncbi.nlm.nih.gov/20647170/"}
    tags = dict(ris_tags(citations.ris([record])))
    assert (tags["AN"], tags["DB"]) == ("20647170", "PubMed")
    assert citations.csl([record | {"url": "https://doi.org/10.5555/a_b"}])[0]["DOI"] == "10.5555/a_b"
