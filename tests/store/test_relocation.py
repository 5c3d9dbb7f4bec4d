"""A quote is found again after its source's text was replaced, or it is not: never in a place that is not certain."""

import time

from hypothesis import given
from hypothesis import strategies as st

from app.store.quotes.anchor import Span, locate, span_at
from app.store.quotes.relocation import is_like, relocate

QUOTE = "the toxin cleaves SNAP-25 inside the nerve ending"
TEXT = f"It is known from many trials that {QUOTE}, and so the muscle rests for some weeks. Nothing else is known."
FILLER = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


@given(FILLER, FILLER, st.integers(0, 34), st.integers(0, 34))
def test_whatever_is_put_in_or_taken_out_about_it_an_exact_quote_is_found(
    before: str, after: str, one: int, other: int
) -> None:
    """Text before the quote is cut and added to; the quote itself stands once."""
    last = locate(QUOTE, TEXT)
    low, high = sorted((one, other))
    text = TEXT[:low] + before + TEXT[high : last.end] + after + TEXT[last.end :]
    if text.count(QUOTE) != 1:
        return
    found = relocate(QUOTE, text, last)
    assert found is not None
    assert found == span_at(text, text.index(QUOTE), text.index(QUOTE) + len(QUOTE))
    assert text[found.start : found.end] == QUOTE


@given(FILLER, FILLER)
def test_a_quote_taken_out_is_nowhere(before: str, after: str) -> None:
    assert relocate(QUOTE, before + TEXT.replace(QUOTE, "") + after, locate(QUOTE, TEXT)) is None


@given(st.text("ab ", min_size=1, max_size=6), st.text("ab ", max_size=60), st.integers(0, 60), st.integers(0, 80))
def test_of_several_places_alike_none_is_taken(quote: str, filler: str, start: int, shift: int) -> None:
    """What is found is exact, where it was, alone, or told from the others by its surroundings."""
    text = filler + quote + "b" * shift + quote + filler
    last = Span(start, start + len(quote), "", "")
    found = relocate(quote, text, last)
    if found is not None and text[found.start : found.end] == quote:
        assert found.start == start or text.count(quote) == 1


def test_surroundings_tell_places_apart_or_do_not() -> None:
    text = "In adults it was well tolerated by all. In children it was well tolerated by few."
    quote = "it was well tolerated"
    last = locate(quote, text, text.rindex(quote))
    moved = relocate(quote, "Preface. " + text, last)
    assert moved is not None
    assert moved.start == last.start + 9
    assert relocate(quote, f"So {quote} here. So {quote} here. The end.", last) is None


def test_a_reworded_passage_is_found_from_word_to_word() -> None:
    last = locate(QUOTE, TEXT)
    reworded = "A new preface. " + TEXT.replace("inside the nerve", "inside a nerve's")
    found = relocate(QUOTE, reworded, last)
    assert found is not None
    assert reworded[found.start : found.end] == "the toxin cleaves SNAP-25 inside a nerve's ending"
    longer = TEXT.replace("SNAP-25 inside", "SNAP-25 only inside")
    found = relocate(QUOTE, longer, last)
    assert found is not None
    assert longer[found.start : found.end] == "the toxin cleaves SNAP-25 only inside the nerve ending"


def test_two_passages_nearly_alike_are_no_place() -> None:
    one, other = QUOTE.replace("inside", "within"), QUOTE.replace("inside", "beyond")
    assert is_like(QUOTE, one)
    assert is_like(QUOTE, other)
    assert relocate(QUOTE, f"Some say {one}. Some say {other}.", locate(QUOTE, TEXT)) is None


def test_another_statement_is_not_taken_for_it() -> None:
    text = "The toxin is inside a vial, and nerve endings are at rest after weeks of it."
    assert relocate(QUOTE, text, locate(QUOTE, TEXT)) is None
    assert relocate(QUOTE, "", locate(QUOTE, TEXT)) is None


def test_a_long_text_takes_no_long_time() -> None:
    text = "many words that are not it at all, and again " * 20_000
    began = time.perf_counter()
    assert relocate(QUOTE, text, locate(QUOTE, TEXT)) is None
    assert relocate("a", text, Span(0, 1, "", "")) is None
    assert time.perf_counter() - began < 5
