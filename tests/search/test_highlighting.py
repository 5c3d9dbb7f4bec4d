"""Why a record was found, held against the simplest way to say so: every word of every part through the analyser."""

import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from app.records.document_paths import at, texts
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.search import analysis
from app.search.highlighting import PASSAGE, _is_plain, explain, marker

Json = Any
Place = tuple[int, int]

WORDS = (
    *(
        "migraine",
        "Migraines",
        "Placebo",
        "placebos",
        "pain",
        "paining",
        "spasm",
        "comparison",
        "week",
        "weeks",
        "IL",
        "IL2",
    ),
    *("dying", "die", "dies", "tying", "tie", "lying", "hoping", "hope", "hopping", "happy", "happily", "sky", "skies"),
    *(
        "probability",
        "capable",
        "responsible",
        "organization",
        "organize",
        "relational",
        "early",
        "agreed",
        "the",
        "of",
    ),
    *(
        "Dystonía",
        "dystonia",
        "Ménière",
        "Frölich",
        "NAÏVE",
        "naive",
        "β",
        "ﬁbrosis",
        "fibrosis",
        "x²",
        "İstanbul",
        "ß",
    ),
    *("2", "12", "100U", "onabotulinumtoxinA", "pain" * 30, "_pain", "re-treated"),
)
BETWEEN = (" ", " ", " ", "-", "_", ", ", ".", "\n", " ≥ ", "® ", " – ", "±", "'s ", "/", "")


@st.composite
def some_text(draw: st.DrawFn) -> str:
    words = draw(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=6)), min_size=1, max_size=60))
    return "".join(word + draw(st.sampled_from(BETWEEN)) for word in words)


def some_terms() -> st.SearchStrategy[frozenset[str]]:
    """Those of words, and two of them as one, which is how a query's are; also what no word is reduced to."""
    term = st.one_of(st.sampled_from(WORDS), st.tuples(*[st.sampled_from(WORDS)] * 2).map("".join))
    terms = st.lists(term, min_size=1, max_size=12).map(lambda some: analysis.terms(" ".join(some)))
    return st.one_of(terms, st.lists(st.text(min_size=1, max_size=5), min_size=1)).map(frozenset)


some_studies = st.fixed_dictionaries(
    {"id": st.just("a-study"), "title": some_text(), "note": st.none()},
    optional={
        "conclusion": st.none() | some_text(),
        "acronym": st.sampled_from(WORDS),
        "registry_ids": st.lists(st.sampled_from(["NCT00156910", "pain-1"])),
        "publications": st.lists(st.fixed_dictionaries({"pmid": st.none() | st.just("12"), "doi": st.none()})),
        "publication": st.none() | st.fixed_dictionaries({"authors": st.lists(some_text()), "journal": some_text()}),
        "arms": st.lists(st.fixed_dictionaries({"name": some_text(), "dose": st.none() | some_text()}), max_size=3),
        "outcomes": st.lists(st.fixed_dictionaries({"measure": st.sampled_from(WORDS)}), max_size=4),
    },
)


def slow_texts(type: RecordType, document: Json) -> dict[str, list[str]]:
    said = {
        part: [text for path in paths for text in at(document, path)] for part, paths in RESOURCES[type].texts.items()
    }
    return {part: list(dict.fromkeys(some)) for part, some in said.items() if some}


def slow_places(text: str, terms: frozenset[str]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for token in analysis.stemmed().pre_tokenize(text).tokens:
        if token.text in terms:
            found.setdefault(token.text, []).append((token.char_offset_from, token.char_offset_to or 0))
    return found


def slow_window(text: str, places: list[Place]) -> Place:
    if len(text) <= PASSAGE:
        return 0, len(text)
    best = max(places, key=lambda place: sum(place[0] <= other[0] < place[0] + PASSAGE - 40 for other in places))
    start = max(0, min(best[0] - 40, len(text) - PASSAGE))
    start = text.find(" ", start - 1) + 1 if start else 0
    end = text.rfind(" ", start, start + PASSAGE)
    return start, end if end > best[1] else min(len(text), start + PASSAGE)


def slow_snippet(parts: dict[str, str], found: dict[str, dict[str, list[Place]]]) -> Json:
    if not found:
        return None
    part = max(found, key=lambda name: (len(found[name]) - (name in ("title", "name")) * 0.5, len(parts[name])))
    places = sorted(place for some in found[part].values() for place in some)
    start, end = slow_window(parts[part], places)
    marks = [(low - start, high - start) for low, high in places if low >= start and high <= end]
    return {"part": part, "text": parts[part][start:end], "marks": marks}


def slow_hit(type: RecordType, document: Json, score: float, terms: frozenset[str]) -> Json:
    parts = {part: "\n".join(some) for part, some in slow_texts(type, document).items()}
    found = {part: places for part, text in parts.items() if (places := slow_places(text, terms))}
    matched = [(part, sorted(places)) for part, places in found.items()]
    return document["id"], type, score, matched, slow_snippet(parts, found)


@given(some_studies, some_terms())
def test_a_hit_says_what_the_analyser_says(document: Json, terms: frozenset[str]) -> None:
    hit = explain("studies", document, 1.5, terms)
    told = hit["id"], hit["type"], hit["score"], list(hit["matched"].items()), hit["snippet"]
    assert told == slow_hit("studies", document, 1.5, terms)


@given(some_text(), some_terms())
@example("the dying were lying", frozenset({"die", "lie"}))
@example("comparison of a pain_pain", frozenset({"pain"}))
def test_terms_are_where_the_analyser_finds_them(text: str, terms: frozenset[str]) -> None:
    assert marker(terms).places(text) == slow_places(text, terms)


def test_every_word_is_found_by_its_term() -> None:
    """All short words, and every ending that the stemmer knows behind stems of all shapes."""
    short = ["".join(letters) for length in (1, 2, 3) for letters in product(ascii_lowercase, repeat=length)]
    stems = ["".join(letters) for letters in product("bcly", "aeiouy", "bdlnsty", ("", "b", "al", "ity"))]
    endings = (
        *(
            "ing",
            "ingly",
            "ed",
            "edly",
            "eed",
            "eedly",
            "s",
            "es",
            "ies",
            "ied",
            "sses",
            "us",
            "y",
            "ly",
            "li",
            "e",
            "l",
        ),
        *(
            "ation",
            "ational",
            "ator",
            "ization",
            "izer",
            "enci",
            "ency",
            "ancy",
            "abli",
            "ably",
            "entli",
            "alism",
            "ality",
        ),
        *(
            "fulness",
            "ousness",
            "ously",
            "iveness",
            "ivity",
            "ibility",
            "ability",
            "biliti",
            "bly",
            "logy",
            "logi",
            "fully",
        ),
        *(
            "lessly",
            "icate",
            "icity",
            "ical",
            "ful",
            "ness",
            "ative",
            "alize",
            "able",
            "ement",
            "ment",
            "ion",
            "ism",
            "ize",
        ),
    )
    onsets = [f"{letter}y" for letter in ascii_lowercase]
    words = [*short, *(stem + ending for stem, ending in product([*stems, *onsets], endings))]
    for word in words:
        for term in analysis.terms(word):
            assert marker(frozenset([term])).places(f"a {word}.") == {term: [(2, 2 + len(word))]}, (word, term)


def test_texts_are_what_their_paths_lead_to(sqlite_seeds: Path) -> None:
    with closing(sqlite3.connect(sqlite_seeds)) as connection:
        stored = connection.execute("SELECT type, body FROM documents WHERE until_revision IS NULL").fetchall()
    for type, body in stored:
        document = orjson.loads(body)
        said = texts(type, document)
        assert list(said.items()) == list(slow_texts(type, document).items())
        assert all(isinstance(text, str) for some in said.values() for text in some)


def test_texts_are_found_in_lists_of_lists() -> None:
    document = {"interventions": [{"name": "N", "other_names": ["A", "B"]}, {"name": "M", "other_names": []}]}
    assert texts("studies", document) == {"intervention": ["N", "M", "A", "B"]}


def test_what_only_ends_words_has_no_other_length_in_lower_case() -> None:
    """As it would move all that comes after it."""
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    assert [one for one in characters if len(one.lower()) != 1 and _is_plain(one)] == []
