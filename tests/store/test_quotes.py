"""Quotes are exact, in Unicode code points, and a wrong one is shown its nearest passage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.quotes.anchor import NotQuoted, locate

TEXT = "Naïve 𝔸 patients: headache days fell. Naïve again."


def test_offsets_count_code_points() -> None:
    span = locate("patients", TEXT)
    assert (span.start, span.end) == (8, 16)
    assert TEXT[span.start : span.end] == "patients"
    assert (span.prefix, span.suffix) == ("Naïve 𝔸 ", ": headache days fell. Naïve agai")


def test_start_says_which_of_two() -> None:
    with pytest.raises(NotQuoted, match="stands at 0 and at 38"):
        locate("Naïve", TEXT)
    assert locate("Naïve", TEXT, 38).start == 38
    with pytest.raises(NotQuoted, match="not at 37"):
        locate("Naïve", TEXT, 37)


def test_the_nearest_passage_is_named() -> None:
    with pytest.raises(NotQuoted) as caught:
        locate("headache day's fell", TEXT)
    assert caught.value.near is not None
    assert "headache days fell" in caught.value.near


@given(st.text(min_size=1), st.data())
def test_any_part_of_a_text_is_found_where_it_is(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    span = locate(text[start:end], text, start)
    assert (span.start, span.end) == (start, end)
    assert span.prefix + text[start:end] + span.suffix in text
