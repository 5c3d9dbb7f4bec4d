"""Texts come out of any markup as they are printed, and no number changes on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.common.text import plain

PRINTED = {
    "Growth to 10<sup>5.5</sup> TCID<sub>50</sub>": "Growth to 10^5.5 TCID50",
    "Dose of 10<sup>6-7</sup> cells": "Dose of 10⁶⁻⁷ cells",
    "Platelets below 10 <sup>9</sup>/L": "Platelets below 10⁹/L",
    "Fall of log<sub>10</sub>4 units": "Fall of log₁₀4 units",
    "Scaling by 2<sup>1/2</sup>": "Scaling by 2^(1/2)",
    "Affinity of 10<sup>–6.3</sup> M": "Affinity of 10^–6.3 M",
    "Codes 101<sub>2</sub> and 12<sub>10</sub>": "Codes 101₂ and 12₁₀",
    "Growth to 10<sup>9,10</sup> by two": "Growth to 10⁹,¹⁰ by two",
    "10&lt;sup&gt;9&lt;/sup&gt;": "10⁹",
    "10<SUP class='x'>9</SUP>": "10⁹",
    "x<sub>1.5</sub>4": "x_1.5 4",
    "10<sup>-<b>6</b></sup>": "10⁻⁶",
    "2<sup>nd</sup> dose of <sup>18</sup>F": "2nd dose of 18F",
    "E = mc<sup>2</sup>, Ca<sup>2+</sup>, H<sub>2</sub>O": "E = mc2, Ca2+, H2O",
    "<i>In vitro</i> effect of &alpha; &amp; &beta;": "In vitro effect of α & β",
    "5-HT&lt;sub&gt;3&lt;/sub&gt; antagonists": "5-HT3 antagonists",
    "Caf&eacute; &#233;tude &#x3b1;": "Café étude α",
    "Salt &amp;amp; water": "Salt & water",
    "<jats:p>one</jats:p><jats:p>two</jats:p>": "one two",
    "so\u00adft ze\u200bro \ufeffmark": "soft zero mark",
    "e\u0301": "é",
    "e&#769; and e\u200b\u0301": "é and é",
    "line\n  and\ttab": "line and tab",
}
KEPT = ("p < 0.05 and a<b and c>d", "AT&T, R&D and a&region;", "<3 months or > 5", "x <y> z", "50% & more", "α β 10⁹")


@pytest.mark.parametrize("markup", PRINTED)
def test_markup_is_read_as_it_is_printed(markup: str) -> None:
    assert plain(markup) == PRINTED[markup]


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert plain(text) == text


@given(st.text())
def test_plain_text_stays_as_it_is(text: str) -> None:
    once = plain(text)
    assert plain(once) == once or "&" in once or "<" in once
    assert "\n" not in once


@given(
    st.integers(0, 99), st.sampled_from(["sup", "sub"]), st.from_regex(r"[0-9]{1,3}([.,/-][0-9]{1,2})?", fullmatch=True)
)
def test_no_number_grows_by_what_stands_above_or_below_it(base: int, tag: str, script: str) -> None:
    figures = "".join(filter(lambda letter: letter.isascii() and letter.isdigit(), script))
    assert f"{base}{figures}" not in plain(f"{base}<{tag}>{script}</{tag}>").replace("^", " ").replace("_", " ")


def test_a_text_of_a_hundred_thousand_powers_is_read() -> None:
    assert plain("10<sup>9</sup> " * 100_000) == " ".join(["10⁹"] * 100_000)
