"""The values of references: dates, pages, identifiers, marks of retraction, markup, and our own exports."""

import orjson
import pytest

from app.exports.citations import bibtex, csl_lines
from app.exports.citations import ris as exported_ris
from app.imports.formats.references.dates import reference_date
from app.records.publications.title_key import title_key
from tests.imports.formats.references_reading import Result, ris


@pytest.mark.parametrize(
    ("printed", "kept", "whole"),
    [
        ("20100403", "2010-04-03", True),
        ("201004", "2010-04", True),
        ("２０１０", "2010", True),
        ("2010-04-03T00:00:00Z", "2010-04-03", True),
        ("2010/04/00", "2010-04", True),
        ("2010.04.03", "2010-04-03", True),
        ("2010/04/03/", "2010-04-03", True),
        ("2010//", "2010", True),
        ("2010///", "2010", True),
        ("2010///Spring", "2010", False),
        ("2010-Apr", "2010-04", True),
        ("2010-Apr-03", "2010-04-03", True),
        ("2010 Apr 3", "2010-04-03", True),
        ("April 2010", "2010-04", True),
        ("Sept. 2010", "2010-09", True),
        ("3 April 2010", "2010-04-03", True),
        ("April 3, 2010", "2010-04-03", True),
        ("04/2010", "2010-04", True),
        ("13/04/2010", "2010-04-13", True),
        ("04/13/2010", "2010-04-13", True),
        ("04/03/2010", "2010", False),
        ("2010/00/05", "2010", False),
        ("2010-2011", "2010", False),
        ("2010-13-45", "2010", False),
        ("c2010", "2010", False),
        ("in press", None, False),
        ("10-Apr", None, False),
        ("2058", None, False),
    ],
)
def test_dates_as_tools_write_them(printed: str, kept: str | None, whole: bool) -> None:
    assert reference_date(printed)[:2] == (kept, whole)
    result = Result(ris(f"PY  - {printed}"))
    assert result.publications[0].get("date") == kept
    assert result.publications[0].get("year") == (int(kept[:4]) if kept else None)
    expected = [] if whole else ["date-kept-less-precisely" if kept else "date-not-read"]
    assert result.kinds == expected


@pytest.mark.parametrize(("printed", "kept"), [("Apr-10", "2010-04"), ("Apr '98", "1998-04")])
def test_two_figures_are_a_guess(printed: str, kept: str) -> None:
    result = Result(ris(f"PY  - {printed}"))
    assert (result.publications[0]["date"], result.kinds) == (kept, ["date-guessed"])


@pytest.mark.parametrize(
    ("first", "last", "pages"),
    [
        ("737-8", "", "737-8"),
        ("737", "738", "737-738"),
        ("737-8", "738", "737-8"),
        ("12‐19", "19", "12-19"),
        ("A-1", "A-9", "A-1-A-9"),
        ("A-1", "A-11", "A-1-A-11"),
        ("E12-3", "E12-13", "E12-3-E12-13"),
        ("e17", "e17", "e17"),
        ("", "19", "19"),
    ],
)
def test_pages(first: str, last: str, pages: str) -> None:
    assert Result(ris(f"SP  - {first}", f"EP  - {last}")).publications[0]["pages"] == pages


@pytest.mark.parametrize(
    "line",
    [
        "DO  - https://doi-org.proxy.example.edu/10.5555/pre4",
        "DO  - 10.5555%2Fpre4",
        "DO  - 10.5555/pre4\u200b",
        "DO  - DOI: 10.5555/pre4.",
        "L3  - 10.5555/pre4",
        "L3  - https://doi.org/10.5555/pre4",
        "M3  - 10.5555/pre4",
        "UR  - https://publisher.example/doi/full/10.5555/pre4",
        "UR  - https://example.org/x?doi=10.5555%2fpre4&y=2",
        "N1  - Accession Number: 123456789; Doe, J.; DOI: 10.5555/pre4; Issue Info: x",
        "N1  - doi:10.5555/pre4",
    ],
)
def test_dois_wherever_databases_put_them(line: str) -> None:
    (publication,) = Result(ris(line)).publications
    assert (publication["doi"], publication.get("pmid")) == ("10.5555/pre4", None)


@pytest.mark.parametrize("printed", ["none", "10.12310.1234/inv.6"])
def test_a_wrong_doi_is_left_out_with_a_word(printed: str) -> None:
    result = Result(ris(f"DO  - {printed}", "N1  - Erratum in 10.5555/other of this year"))
    assert ("doi" in result.publications[0], result.kinds) == (False, ["identifier-not-valid"])


@pytest.mark.parametrize(
    ("title", "state", "warning"),
    [
        ("RETRACTED: A made trial of zinc", "retracted", "retracted-in-the-title"),
        ("Retracted: A made trial of zinc", "retracted", "retracted-in-the-title"),
        ("RETRACTED ARTICLE: A made trial of tin", "retracted", "retracted-in-the-title"),
        ("[RETRACTED] A made trial of tin", "retracted", "retracted-in-the-title"),
        ("A made trial of tin (Retracted article. See vol 3, 2007)", "retracted", "retracted-in-the-title"),
        ("WITHDRAWN: A made trial of iron", None, "perhaps-retracted"),
        ("Retraction notice to: A made trial", None, "perhaps-retracted"),
        ("Retracted articles in trials of zinc", None, None),
        ("Removed teeth and their owners", None, None),
    ],
)
def test_marks_of_retraction_in_titles(title: str, state: str | None, warning: str | None) -> None:
    for text in (ris().replace("A made reference", title), f"PMID- 90000001\nTI  - {title}\n"):
        result = Result(text)
        found = result.publications[0].get("retraction_state")
        assert found == state or (state is None and found == "none")
        assert result.kinds == ([warning] if warning else [])
        assert result.titles == [title]


def test_a_mark_of_retraction_is_not_part_of_what_a_title_is_known_by() -> None:
    plain = title_key("A made trial of zinc in cells", 2006)
    for mark in ("RETRACTED: ", "RETRACTED ARTICLE: ", "[Retracted] ", "WITHDRAWN: "):
        assert title_key(f"{mark}A made trial of zinc in cells", 2006) == plain


def test_markup_is_no_part_of_a_title() -> None:
    marked = "<i>In vitro</i> &amp;amp; 5-HT&lt;sub&gt;3&lt;/sub&gt;, CO<sub>2</sub> and 10<sup>5.5</sup>"
    assert Result(ris().replace("A made reference", marked)).titles == ["In vitro & 5-HT3, CO2 and 10^5.5"]


LABEL = {"id": "label-0836c6ac-ee37-5640-2fed-a3185a0b16eb", "title": "BOTOX label"}
PAGE = {"id": "dysport-clinical-study-results-web-page", "title": "Results (a web page)", "title_kind": "descriptive"}
ARTICLE = {
    "id": "winner-2020-adolescents",
    "title": "A randomized trial of a made thing",
    "journal": "Headache",
    "year": 2020,
}


@pytest.mark.parametrize(
    "text",
    [
        exported_ris([LABEL, PAGE, ARTICLE]),
        bibtex([LABEL, PAGE, ARTICLE]),
        "[" + ",".join(line.decode() for line in csl_lines([LABEL, PAGE, ARTICLE])) + "]",
    ],
)
def test_our_own_labels_and_pages_are_skipped_with_a_word(text: str) -> None:
    result = Result(text)
    assert result.titles == ["A randomized trial of a made thing"]
    assert [(kind, words.split()[0]) for kind, words in result.warnings] == [
        ("own-record-skipped", LABEL["id"]),
        ("own-record-skipped", PAGE["id"]),
    ]


def test_a_page_that_links_to_our_record_is_ours() -> None:
    text = "TY  - ELEC\nTI  - A label\nUR  - https://evidence.example.org/v1/sources/label-1\nER  - \n"
    assert Result(text).kinds == ["own-record-skipped"]
    for id in ("who-guide", "a-page-about-water", "label-of-water"):  # ids of other people's files may look like ours
        other = f"TY  - ELEC\nTI  - A page about water\nID  - {id}\nUR  - https://who.example.org/water\nER  - \n"
        assert Result(other).titles == ["A page about water"]
        csl = {"id": id, "type": "webpage", "title": "A page about water", "custom": {"evidence": "water"}}
        assert Result(orjson.dumps([csl])).titles == ["A page about water"]
