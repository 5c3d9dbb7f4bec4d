"""Authors are read as MEDLINE writes them, whichever way a tool prints them, and nobody is invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports.readers.person_names import Author, authors

PEOPLE = {
    "Cobb FW Jr": (
        *("Cobb Jr., F. W.", "Cobb Jr, F. W.", "Cobb, F. W. Jr.", "Cobb, F. W., Jr.", "Cobb, Jr., F. W.", "Cobb FW Jr"),
        *("F. W. Cobb Jr.", "F.W. Cobb, Jr", "Cobb, Frank W., Jr., MD", "Cobb FW, Jr", "Cobb, F.W., MD, PhD, Jr"),
    ),
    "Cobb FW 3rd": ("Cobb III, F. W.", "Cobb, F. W. III", "Cobb FW III", "Cobb FW 3rd", "Cobb, F. W., 3rd"),
    "Cobb FW 2nd": ("Cobb FW II", "Cobb II, Frank William"),
    "Cobb FW 4th": ("Cobb FW IV",),
    "Ivanov IV": ("Ivanov IV", "Ivanov, I. V.", "Ivanov, IV"),
    "Doe J": (
        "Doe, J.",
        "Doe J",
        "Doe, John",
        "Doe, Dr. John",
        "Doe, John, MD",
        "Doe, J. MD, PhD",
        "Doe, John, MA",
        "J. Doe",
    ),
    "Smith MA": ("Smith, MA", "Smith, M. A.", "Smith MA"),
    "van Gogh V": ("van Gogh, Vincent", "Gogh, Vincent van", "van Gogh V"),
    "Garcia Lopez MJ": ("Garcia Lopez, Maria José", "Garcia Lopez MJ"),
    "Dupont JL": ("Dupont, Jean-Luc", "Dupont, J.-L.", "Dupont JL"),
    "SMITH A": ("SMITH, AMY",),
    "Müller J": ("Mu\u0308ller, J.", "M&uuml;ller, J."),
    "Plato": ("Plato",),
    "山田 太郎": ("山田, 太郎", "山田 太郎"),
    "Public JQ": ("John Q. Public",),
    "John Doe": ("John Doe",),
    "O'Brien P": ("O'Brien, Patrick",),
}
SEVERAL = {
    "Doe, J. and Roe, B.": ["Doe J", "Roe B"],
    "Doe, John & Roe, Bea": ["Doe J", "Roe B"],
    "Doe J, Roe B, Poe C": ["Doe J", "Roe B", "Poe C"],
    "Doe J, Roe B and Poe C": ["Doe J", "Roe B", "Poe C"],
    "Doe, J.; Roe, B.;": ["Doe J", "Roe B"],
    "Doe FW, Jr, Roe B": ["Doe FW Jr", "Roe B"],
}
GROUPS = (
    *("Centers for Disease Control and Prevention", "PREEMPT Study Group", "World Health Organization"),
    *("American Academy of Neurology", "{Some Body}", "The Investigators of X and Y"),
)


@pytest.mark.parametrize("name", PEOPLE)
def test_every_way_of_writing_gives_one_name(name: str) -> None:
    assert {text: authors([text]) for text in PEOPLE[name]} == {
        text: ([Author(name)], None, []) for text in PEOPLE[name]
    }


@pytest.mark.parametrize("text", SEVERAL)
def test_several_people_in_one_field(text: str) -> None:
    assert [one.name for one in authors([text]).authors] == SEVERAL[text]


@pytest.mark.parametrize("text", GROUPS)
def test_groups_keep_their_names(text: str) -> None:
    assert authors([text]).authors == [Author(text.strip("{}"), is_group=True)]


def test_a_list_that_goes_on_is_not_complete() -> None:
    for text in ("Doe J, et al.", "Doe, J. and others", "Doe J; et al"):
        assert authors([text]) == ([Author("Doe J")], False, [])
    assert authors(["Doe, J.", "et al."]).complete is False
    assert authors(["Doe, J.", "{et al.}"]) == authors(["Doe, J.", "{and others}"]) == authors(["Doe, J.", "et al."])


@pytest.mark.parametrize("text", ["Smith, John, Doe, Jane", "j.doe@example.org", "Doe, J. (ORCID 0000-0001)"])
def test_what_is_not_recognised_is_kept_and_said(text: str) -> None:
    assert authors([text]) == ([Author(text)], None, [text])


LETTERS = st.text("abcdefghijklmnopqrstuvwxyzäöüéñ", min_size=2, max_size=10).map(str.title)


@given(LETTERS, st.lists(LETTERS, min_size=1, max_size=3), st.sampled_from(["", "Jr", "3rd"]))
def test_family_and_initials_survive_every_form(family: str, given_names: list[str], suffix: str) -> None:
    expected = " ".join(filter(None, [family, "".join(name[0] for name in given_names), suffix]))
    given_text = " ".join(given_names)
    assert authors([f"{family}, {given_text}{', ' * bool(suffix)}{suffix}"]).authors == [Author(expected)]
    assert authors([expected]).authors[0].name == expected
