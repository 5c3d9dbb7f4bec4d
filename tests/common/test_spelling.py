"""Words are searched in one spelling, and every place of it is known in the text as it is printed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common.spelling import Aligned, search_form

SAME = {
    "oedema": "edema",
    "haemorrhages": "hemorrhages",
    "paediatric tumour": "pediatric tumor",
    "neutralising": "neutralizing",
    "randomised": "randomized",
    "multicentre": "multicenter",
    "gastro-oesophageal": "gastro-esophageal",
    "labelled": "labeled",
    "analysed": "analyzed",
    "disulphide": "disulfide",
    "leucocytes": "leukocytes",
    "programme": "program",
    "sialorrhoea": "sialorrhea",
    "Behavioural": "behavioral",
    "TNF-α": "TNF-alpha",
    "β2-agonist": "beta2-agonist",
}
KEPT = (
    *(
        "aerobic",
        "aerosol",
        "shoe",
        "canoe",
        "phoenix",
        "coefficient",
        "four",
        "hour",
        "pour",
        "course",
        "source",
        "are",
    ),
    *(
        "more",
        "figure",
        "before",
        "acre",
        "exercise",
        "rise",
        "precise",
        "comprise",
        "revise",
        "disease",
        "noise",
        "advise",
    ),
    *("excise", "incise", "bruise", "supervise", "compromise", "vogue", "rogue", "controlled", "called", "excelled"),
    *("analyses", "ptosis", "does", "israel", "severe", "requires", "raised", "promising", "otherwise", "Ελληνική"),
)


@pytest.mark.parametrize("british", SAME)
def test_both_spellings_have_one_form(british: str) -> None:
    assert search_form(british).lower() == search_form(SAME[british]).lower() == SAME[british].lower()


@pytest.mark.parametrize("word", KEPT)
def test_words_that_only_look_british_stay(word: str) -> None:
    assert search_form(word) == word


WORDS = st.lists(st.sampled_from(["oedema", "the", "Tumour", "TNFα", "β2", "İstanbul", "5", "µg", "é"]), max_size=8)


@given(WORDS)
def test_places_are_known_in_the_printed_text(words: list[str]) -> None:
    text = ", ".join(words)
    aligned = Aligned(text)
    assert aligned.form == search_form(text)
    for found in re.finditer(r"\w+", aligned.form):
        start, end = aligned.printed(*found.span())
        printed = text[start:end]
        assert found[0].lower() in search_form(printed).lower()
        assert printed.strip(", ") == printed != ""
