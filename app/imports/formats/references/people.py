"""Converts the names of authors, which each tool writes in its own way, to `Surname Initials`."""

import re

from app.imports.formats.pubmed.people import NAME_SEPARATORS
from app.imports.readers.record_builder import one_line

_SUFFIXES = {"jr": "Jr", "sr": "Sr", "ii": "2nd", "2nd": "2nd", "iii": "3rd", "3rd": "3rd", "iv": "4th", "4th": "4th"}
_INITIALS = re.compile(r"(?:[^\W\d_]\.?-?)+")
_NO_NAME = ("null", "none", "n/a")
ET_AL = re.compile(r"(?:and\s+)?(?:et\.? al|others)\.?", re.IGNORECASE)


def _is_initials(token: str) -> bool:
    """Whether a word is initials: `J`, `J.`, `J.-L.` and `JA`, but not `Li`."""
    letters = "".join(filter(str.isalpha, token))
    return letters.isupper() and len(letters) <= 3 and bool(_INITIALS.fullmatch(token))


def _initials(given: str, shouted: bool) -> str:
    """The initials of given names: PM for `Paul M`, `P. M.` and `PM`. In `SMITH, AMY` capitals do not mark initials."""
    found = ""
    for part in filter(None, NAME_SEPARATORS.split(given)):
        found += part if part.isupper() and len(part) <= 3 and not shouted else part[0].upper()
    return found


def _without_comma(name: str) -> str:
    """Joins initials at the end of a name: `Brownstein C D` becomes `Brownstein CD`. Other names stay as printed."""
    tokens = name.split()
    first = len(tokens)
    while first > 1 and _is_initials(tokens[first - 1]):
        first -= 1
    letters = "".join(filter(str.isalpha, "".join(tokens[first:])))
    return " ".join([*tokens[:first], letters]).strip()


def _with_comma(family: str, rest: list[str]) -> str:
    suffix = next((_SUFFIXES[key] for part in rest if (key := part.strip(". ").casefold()) in _SUFFIXES), "")
    given = " ".join(part for part in rest if part.strip(". ").casefold() not in (*_SUFFIXES, *_NO_NAME))
    particles, names = _split_particles(given.split())
    return " ".join(filter(None, [*particles, family, _initials(" ".join(names), family.isupper()), suffix]))


def _split_particles(given: list[str]) -> tuple[list[str], list[str]]:
    """The particles among given names, such as `van der`, and the other names.

    A particle is a word of lower-case letters alone. Where all words are such, none of them is a particle.
    """
    names = [token for token in given if not (token.islower() and token.isalpha())]
    if not names:
        return [], given
    return [token for token in given if token not in names], names


def author(printed: str) -> tuple[str, bool]:
    """A name, and whether it is the name of a group, which EndNote marks by a final comma."""
    text = one_line(printed).rstrip(";")
    family, comma, rest = text.partition(",")
    if not comma:
        return _without_comma(text), False
    if not rest.strip():
        return family.strip(), " " in family.strip()
    return _with_comma(family.strip(), [part.strip() for part in rest.split(",") if part.strip()]), False


def authors(printed: list[str]) -> tuple[list[tuple[str, bool]], bool | None]:
    """The authors in order, and `False` if the list says that it is incomplete, else `None`."""
    names = [one_line(name) for text in printed for name in text.split(";") if name.strip()]
    named = [name for name in names if not ET_AL.fullmatch(name.strip(" ,"))]
    known = dict.fromkeys(map(author, named))
    return [pair for pair in known if pair[0]], False if len(named) < len(names) else None
