"""RIS as tools write it: every line is used, known or refused with its number."""

import pytest

from app.imports.candidates import Json
from tests.imports.formats.references_reading import Result, ris

TWO = "TY  - JOUR\nTI  - First of two\nER  - \n{}TY  - JOUR\nTI  - Second of two\nER  - \n"


@pytest.mark.parametrize(
    "between",
    ["\ufeff", "\u200b", "\u00a0", "\u2007 ", "\t", " ", "\n\n", "\x1a\n", "\ufeff\n", "Record #2 of 2\n", "2. \n"],
)
def test_nothing_between_records_hides_the_next_one(between: str) -> None:
    result = Result(TWO.format(between))
    assert (result.titles, result.rejections) == (["First of two", "Second of two"], [])


@pytest.mark.parametrize("first", ["TY\u00a0 -", "TY\u2007\u2007-", "TY -", "TY-", "TY  -", "TY  –", "ty  -", "TY   -"])
@pytest.mark.parametrize("blank", [" ", ""])
def test_the_first_tag_may_have_any_blanks(first: str, blank: str) -> None:
    assert Result(TWO.format("").replace("TY  - ", first + blank)).titles == ["First of two", "Second of two"]


@pytest.mark.parametrize(
    "tag", ["{}  - ", "{}  -", "{} - ", "{} -", "{}- ", "{}-", "{}\u00a0\u00a0-\u00a0", "\ufeff{}  - ", "{} – "]
)
@pytest.mark.parametrize(
    ("name", "value", "field", "kept"),
    [
        ("AU", "Doe, J.", "authors", ["Doe J"]),
        ("PY", "2010", "year", 2010),
        ("DO", "10.5555/one3", "doi", "10.5555/one3"),
        ("VL", "12", "volume", "12"),
        ("SN", "0333-1024", "issn", "0333-1024"),
        ("JO", "Lancet", "journal", "Lancet"),
    ],
)
def test_a_tag_is_one_whatever_blanks_it_has(tag: str, name: str, value: str, field: str, kept: object) -> None:
    result = Result(ris(tag.format(name) + value, "LA  - eng"))
    (publication,) = result.publications
    assert (publication["title"], publication[field]) == ("A made reference", kept)
    assert result.warnings == []


def test_no_value_lacks_its_first_letter() -> None:
    text = (
        "TY  -JOUR\nTI  -No blank after\nAU  -Doe, J.\nPY  -2010\nDO  -10.5555/noblank\nJO  -Lancet\nVL  -12\nER  -\n"
    )
    (publication,) = Result(text).publications
    assert [publication[name] for name in ("title", "authors", "year", "doi", "journal", "volume")] == [
        *("No blank after", ["Doe J"], 2010, "10.5555/noblank", "Lancet", "12")
    ]


@pytest.mark.parametrize("text", ["T2-weighted images", "AD-type dementia", "US - led studies", "AB-negative blood"])
def test_text_that_looks_like_a_tag_stays_in_its_abstract(text: str) -> None:
    result = Result(ris("AB  - A first line", text, "PY  - 2010"))
    assert result.publications[0]["abstract"] == f"A first line {text}"
    assert result.publications[0]["year"] == 2010
    assert result.kinds == (["line-like-a-tag"] if text[:2] != "US" else [])


def test_tags_before_the_type_and_records_without_an_end() -> None:
    result = Result("ID  - 5\nAU  - Doe, J.\nTY  - JOUR\nTI  - One made title\nTY  - JOUR\nTI  - Another made title\n")
    assert result.titles == ["One made title", "Another made title"]
    assert result.publications[0]["authors"] == ["Doe J"]
    assert result.kinds == ["tags-before-type", "end-missing", "end-missing"]
    assert "line 1, 2" in result.warnings[0][1]


def test_a_record_without_a_type_is_not_part_of_the_next_one() -> None:
    result = Result("TI  - One made title\nPY  - 2001\nTY  - JOUR\nTI  - Another made title\nER  - \n")
    assert [(one["title"], one.get("year")) for one in result.publications] == [
        ("One made title", 2001),
        ("Another made title", None),
    ]
    assert result.kinds == ["type-missing", "end-missing"]


def test_what_a_file_breaks_off_in_is_refused() -> None:
    (rejection,) = Result("TY  - JOUR\nTI  - Cut\nDO  - 10.5555/inv").rejections
    assert (rejection.place, "cut off" in rejection.detail) == ("line 1", True)


@pytest.mark.parametrize("joint", ["ER  -", "ER  - "])
def test_files_joined_without_a_line_break(joint: str) -> None:
    result = Result(f"TY  - JOUR\nTI  - One made title\n{joint}TY  - JOUR\nTI  - Another made title\nER  - \n")
    assert result.titles == ["One made title", "Another made title"]
    assert sorted(result.states) == [1, 2, 3, 4, 5]
    cut = Result("TY  - JOUR\nTI  - One made title\nDO  - 10.5555/inTY  - JOUR\nTI  - Another made title\nER  - \n")
    assert (cut.titles, [each.place for each in cut.rejections]) == (["Another made title"], ["line 1"])


def test_formats_joined_in_one_file() -> None:
    lines = "PMID- 90000001\nOWN - NLM\nTI  - One.\nDP  - 2010\n"
    tagged, bibtex = "%0 Journal Article\n%T Three\n", "@article{a,\n  title = {Four},\n}\n"
    result = Result(lines + "TY  - JOUR\nTI  - Two\nER  - \n" + tagged + bibtex + "TY  - JOUR\nTI  - Five\nER  - \n")
    assert result.titles == ["One", "Two", "Three", "Four", "Five"]


def test_text_between_records_is_refused_with_its_line() -> None:
    result = Result("Some heading\nof mine\n" + TWO.format("and something\nmore\n"))
    assert result.titles == ["First of two", "Second of two"]
    assert [(one.place, one.detail) for one in result.rejections] == [
        ("line 1", "it stands outside of all references: 'Some heading' and more"),
        ("line 6", "it stands outside of all references: 'and something' and more"),
    ]


def test_every_line_has_a_state() -> None:
    result = Result(ris("AD  - Somewhere", "over the rainbow", "ZQ  - what", "goes on", "", "AU  - Doe, J."))
    assert result.states == {
        **{1: "used", 2: "used", 3: "known", 4: "known", 5: "refused", 6: "refused", 8: "used", 9: "used"}
    }
    assert result.warnings == [("tag-not-known", "line 5, 6: ZQ is no tag of RIS and was left out")]


def test_values_of_several_lines() -> None:
    (publication,) = Result(
        ris("KW  - one", "two", "JF  - The Journal", "of Lines", "AU  - Doe, J.", "Roe, B.")
    ).publications
    fields: Json = {name: publication[name] for name in ("keywords", "journal", "authors")}
    assert fields == {"keywords": ["one", "two"], "journal": "The Journal of Lines", "authors": ["Doe J", "Roe B"]}


def test_second_titles_and_strange_authors_are_reported() -> None:
    result = Result(ris("TI  - Another one", "AU  - doi:10.1/x#3"))
    assert result.titles == ["A made reference"]
    assert result.kinds == ["second-title", "author-not-recognised"]


# MEDLINE


def test_medline_with_marks_and_without_blank_lines() -> None:
    result = Result("PMID- 90000001\nTI  - One\nDP  - 2010\n\ufeffPMID- 90000002\nTI\u00a0 - Two\nDP  - 2011\n")
    assert [(one["pmid"], one["title"], one["year"]) for one in result.publications] == [
        ("90000001", "One", 2010),
        ("90000002", "Two", 2011),
    ]


def test_a_medline_record_without_its_number_is_refused_and_not_part_of_another() -> None:
    result = Result(
        "PMID- 90000001\nTI  - One\n\nOWN - NLM\nTI  - Two\n\nwords\n\nPMID- 90000003\nTI  - Three\nXYZ - x\n"
    )
    assert result.titles == ["One", "Three"]
    assert [(one.place, one.detail[:26]) for one in result.rejections] == [
        ("line 4", "the entry has no PMID"),
        ("line 7", "it stands outside of all r"),
    ]
    assert result.states[11] == "refused"
    assert result.warnings == [("tag-not-known", "line 11: XYZ is no tag of MEDLINE and was left out")]
