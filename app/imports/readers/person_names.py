"""Names of authors, however a tool writes them, as MEDLINE has them: `Surname Initials Suffix`, groups by their names.

    Cobb, Frank W., Jr.      family, given names and suffix apart by commas; the suffix may stand anywhere
    Cobb FW Jr               family and initials
    F. W. Cobb Jr            initials first
    Doe, J. and Roe, B.      several people in one field
    Cobb FW, MD, PhD         degrees are dropped

What the parser does not recognise is kept as it is printed, with a warning: a person who does not exist is never made.
A name in Chinese, Japanese or Korean letters is kept whole, since its parts have no initials.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from app.common.text import plain
from app.imports.readers.name_words import (
    CJK,
    DEGREES,
    GROUP_WORDS,
    NO_NAME,
    PARTICLES,
    SHORT_DEGREES,
    SUFFIXES,
    TITLES,
)

_ET_AL = re.compile(r"(?:and\s+|&\s*)?(?:et\.? al|others|et collaborateurs|and colleagues)\.?", re.IGNORECASE)
_ET_AL_BEHIND = re.compile(r"[\s,;]+(?:and\s+others|et\.? al)\.?$", re.IGNORECASE)
_AND = re.compile(r"\s*,?\s+(?:and|und|et|y|&)\s+", re.IGNORECASE)
_APART = re.compile(r"[\s.\-‐‑]+")
_INITIALS = re.compile(r"(?:[^\W\d_]\.?[-‐‑]?){1,4}")
_ORDINAL = re.compile(r"\b[2-5](?:nd|rd|th)\b")
_NOT_A_NAME = re.compile(r"[0-9@<>{}=#|\\]|https?:")


class Author(NamedTuple):
    """An author as MEDLINE writes it, and whether it is a group."""

    name: str
    is_group: bool = False


class Authors(NamedTuple):
    """The authors of a reference in order.

    `complete` is False where the list itself says that there are more, else None. `unrecognised` are the fields that
    were kept as they are printed.
    """

    authors: list[Author]
    complete: bool | None
    unrecognised: list[str]


def _bare(token: str) -> str:
    return token.replace(".", "").strip(" ,").casefold()


def _is_initials(token: str) -> bool:
    """Whether a token is initials: `J`, `J.`, `J.-L.` or `JA`, but not `Li`."""
    letters = "".join(filter(str.isalpha, token))
    return letters.isupper() and len(letters) <= 4 and bool(_INITIALS.fullmatch(token))


def _initials(given: Iterable[str], *, shouted: bool) -> str:
    """The initials of given names; `PM` stands for two, but in `SMITH, AMY` all letters are capital and say nothing."""
    found = ""
    for part in filter(None, _APART.split(" ".join(given))):
        short = part.isupper() and len(part) <= (2 if shouted else 3)
        found += part if short else part[0].upper()
    return found


def _is_degree(part: str, known: frozenset[str] = DEGREES) -> bool:
    return part.replace(".", "").strip(" ,") in known


def _without_degrees(tokens: list[str]) -> list[str]:
    """Given names without the degrees and titles among them; a degree that is all there is are initials."""
    named = [token for token in tokens if token not in NO_NAME]
    names = [token for token in named if not _is_degree(token, DEGREES | TITLES)]
    return names or named


def _take_suffix(tokens: list[str], fewest: int) -> tuple[list[str], str]:
    """Take a suffix from the end of some tokens, of which at least `fewest` must be left.

    `IV` and `II` may be initials (`Ivanov IV`), so that a numeral needs another name before it.
    """
    if len(tokens) > fewest and (suffix := SUFFIXES.get(_bare(tokens[-1]))):
        return tokens[:-1], suffix
    return tokens, ""


def _particles_first(given: list[str]) -> tuple[list[str], list[str]]:
    """The particles at the end of given names (`Vincent van`), which belong to the surname, and the other names."""
    at = len(given)
    while at > 1 and given[at - 1] in PARTICLES:
        at -= 1
    return given[at:], given[:at]


def _joined(family: str, given: Iterable[str], suffix: str, *, shouted: bool) -> str:
    return " ".join(filter(None, [family, _initials(given, shouted=shouted), suffix]))


def _from_parts(family: str, rest: list[str]) -> str | None:
    """A name of which the surname stands before a comma; None where the parts are no given names and suffixes."""
    tokens, suffix = _take_suffix(family.split(), 1)
    if not suffix and len(rest) > 1:
        suffix = _first_suffix(rest)
        rest = [part for part in rest if _bare(part) not in SUFFIXES]
    given, *others = rest or [""]
    if not all(map(_is_addition, others)):
        return None
    return _with_given(tokens, given.split(), suffix)


def _is_addition(part: str) -> bool:
    """Whether a part behind a comma is nothing but degrees."""
    return _is_degree(part, SHORT_DEGREES) or all(map(_is_degree, part.split()))


def _with_given(family: list[str], given: list[str], suffix: str) -> str:
    given = _without_degrees(given)
    if not suffix:
        given, suffix = _take_suffix(given, 1)
    particles, names = _particles_first(given)
    return _joined(" ".join([*particles, *family]), names, suffix, shouted=" ".join(family).isupper())


def _without_comma(tokens: list[str]) -> str:
    """`Brownstein C D` is Brownstein CD, `F. W. Cobb` is Cobb FW; a name without initials is kept as it is printed."""
    tokens, suffix = _take_suffix(tokens[1:] if len(tokens) > 1 and _is_degree(tokens[0], TITLES) else tokens, 2)
    tokens = [*tokens[:1], *_without_degrees(tokens[1:])]
    if not suffix:  # a degree stood behind it
        tokens, suffix = _take_suffix(tokens, 2)
    family, given = _initials_apart(tokens)
    if not suffix:
        family, suffix = _take_suffix(family, 1)
    return _joined(" ".join(family), given, suffix, shouted=False)


def _initials_apart(tokens: list[str]) -> tuple[list[str], list[str]]:
    """A surname and the initials behind it, or before it where these have periods."""
    first = len(tokens)
    while first > 1 and _is_initials(tokens[first - 1]):
        first -= 1
    leading = [index for index, token in enumerate(tokens[:-1]) if _is_dotted(token)]
    if first == len(tokens) and leading:
        return tokens[leading[-1] + 1 :], tokens[: leading[-1] + 1]
    return tokens[:first], tokens[first:]


def _is_short_form(name: str) -> bool:
    """Whether a text is a surname with initials: `Doe J`, `van der Berg AB Jr`."""
    tokens, _ = _take_suffix(name.split(), 2)
    return len(tokens) >= 2 and _is_initials(tokens[-1]) and not _is_initials(tokens[0]) and len(tokens) <= 5


def _looks_like_person(name: str) -> bool:
    family, comma, given = name.partition(",")
    if not comma:
        return len(name.split()) <= 5 and _has_initials(name)
    return len(family.split()) <= 4 and 1 <= len(given.split()) <= 4 and given.count(",") <= 2


def _is_dotted(token: str) -> bool:
    return "." in token and _is_initials(token)


def _people(text: str) -> list[str]:
    """The people in one field: apart by semicolons, by `and`, or by commas where each is a surname with initials."""
    found: list[str] = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        pieces = [piece for piece in _AND.split(part) if piece.strip()]
        several = len(pieces) > 1 and not GROUP_WORDS.search(part)
        for piece in pieces if several and all(map(_can_be_listed, pieces)) else [part]:
            found += _listed(piece)
    return found


def _can_be_listed(piece: str) -> bool:
    return _looks_like_person(piece) or len(_listed(piece)) > 1


def _listed(part: str) -> list[str]:
    """`Doe J, Roe B` are two people; `Doe, J` is one."""
    pieces = [piece.strip() for piece in part.split(",") if piece.strip()]
    rejoined: list[str] = []
    for piece in pieces:  # a suffix or degree behind a comma belongs to the person before it
        if rejoined and (_bare(piece) in SUFFIXES or _is_degree(piece)):
            rejoined[-1] += f", {piece}"
        else:
            rejoined.append(piece)
    several = len(rejoined) > 1 and all(_is_short_form(piece.partition(",")[0]) for piece in rejoined)
    return rejoined if several else [part]


def _person(text: str) -> str | None:
    """The name of one person; None where it is not recognised."""
    if _is_no_name(text):
        return None
    family, _, rest = text.partition(",")
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    if not parts or not family.strip():
        return _without_comma(text.replace(",", " ").split()) or None
    if _has_initials(family) and all(map(_follows_a_name, parts)):
        return f"{_without_comma(family.split())} {_first_suffix(parts)}".strip()  # `Cobb FW, Jr`, `F. W. Cobb, MD`
    return _from_parts(family.strip(), parts) if _is_family(family) else None


def _is_no_name(text: str) -> bool:
    return bool(_NOT_A_NAME.search(text)) and not _ORDINAL.search(text)


def _is_family(text: str) -> bool:
    """Whether a text is a surname alone, with or without a suffix (`Cobb III`), and has no initials."""
    return _bare(text.split()[-1]) in SUFFIXES or not _is_short_form(text)


def _first_suffix(parts: list[str]) -> str:
    return next((SUFFIXES[_bare(part)] for part in parts if _bare(part) in SUFFIXES), "")


def _follows_a_name(part: str) -> bool:
    return _bare(part) in SUFFIXES or _is_addition(part)


def _has_initials(name: str) -> bool:
    return _is_short_form(name) or any(map(_is_dotted, name.split()[:-1]))


def author(text: str) -> tuple[Author, bool]:
    """Read one author; the second value says whether the name was recognised. EndNote ends a group with a comma."""
    bare = text.strip(" ;")
    if bare.startswith("{") and bare.endswith("}"):
        return Author(bare[1:-1].strip(), is_group=True), True
    if bare.endswith(",") and bare.count(",") == 1:
        name = bare.rstrip(", ")
        return Author(name, is_group=" " in name), True
    if CJK.search(bare):
        return Author(" ".join(bare.replace(",", " ").replace("，", " ").split())), True
    if GROUP_WORDS.search(bare) and not _looks_like_person(bare):
        return Author(bare, is_group=True), True
    person = _person(bare)
    return (Author(person), True) if person else (Author(bare), False)


def _stated_names(printed: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each person's or group's text, and whether it stands for authors who are not named."""
    for field in printed:
        text = plain(field)
        shortened = _ET_AL_BEHIND.sub("", text)
        for name in _people(shortened):
            yield name, bool(_ET_AL.fullmatch(name.strip(" ,{}")))
        if shortened != text:
            yield "", True


def authors(printed: Iterable[str]) -> Authors:
    """Read the author fields of a reference; an author who stands there twice is one."""
    found: dict[Author, None] = {}
    complete: bool | None = None
    unrecognised = []
    for text, unnamed in _stated_names(printed):
        if unnamed:
            complete = False
            continue
        one, recognised = author(text)
        if one.name:
            found[one] = None
        if not recognised:
            unrecognised.append(text)
    return Authors(list(found), complete, unrecognised)
