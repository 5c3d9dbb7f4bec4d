"""The key by which titles are compared: it ignores differences between tools, and keeps those between papers."""

import pytest

from app.records.publications.title_key import title_key

TITLE = "OnabotulinumtoxinA for chronic migraine: a pooled analysis"


@pytest.mark.parametrize(
    "printed",
    [
        TITLE,
        TITLE + ".",
        TITLE.upper(),
        f"[{TITLE}].",
        f"[{TITLE} (author's transl)].",
        "OnabotulinumtoxinA  for chronic\nmigraine \u2014 a pooled-analysis",
        "Onabotulinumtoxin<i>A</i> for chronic migraine: a pooled analysis",
        "Onabotulinumtoxin&lt;i&gt;A&lt;/i&gt; for chro\u00adnic migraine&#58; a pooled\u200b analysis",
        "Ｏｎａｂｏｔｕｌｉｎｕｍtoxin A for chronic migraine: a pooled analysis",
    ],
)
def test_one_title_has_one_key(printed: str) -> None:
    assert title_key(printed, 2011) == title_key(TITLE, 2011) is not None


@pytest.mark.parametrize("other", [TITLE + " II", TITLE.replace("chronic", "episodic"), "Prävention der Migräne"])
def test_other_titles_have_others(other: str) -> None:
    assert title_key(other, 2011) != title_key(TITLE, 2011)


def test_spelling_and_greek_letters_make_no_other_title() -> None:
    british = title_key("Randomised trial of TNF-α in oedema of paediatric tumours", 2011)
    assert british == title_key("Randomized trial of TNF-alpha in edema of pediatric tumors", 2011) is not None


def test_accents_are_one_whichever_way_they_are_encoded() -> None:
    title = "Prévention de la migraine chronique"
    assert title_key(title.replace("é", "e\u0301"), 2011) == title_key(title, 2011)
    assert title_key(title.replace("é", "e"), 2011) != title_key(title, 2011)


def test_another_year_is_another_key() -> None:
    assert title_key(TITLE, 2012) != title_key(TITLE, 2011)


@pytest.mark.parametrize("title", ["Editorial.", "Reply", "[Not Available].", "Letter to the editor", "…", ""])
def test_a_title_that_many_have_has_none(title: str) -> None:
    assert title_key(title, 2011) is None


def test_without_a_year_there_is_none() -> None:
    assert title_key(TITLE, None) is None


def test_letters_of_all_scripts_count() -> None:
    assert title_key("慢性片頭痛に対するボツリヌス毒素療法の有効性と安全性の検討", 2011) is not None
