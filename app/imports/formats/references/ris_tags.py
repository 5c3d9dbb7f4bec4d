"""The grammar of a line of RIS, read at least as leniently as Zotero reads it.

    TAG  - value     two blanks before the dash, as the format has it: always a tag, known or not
    TAG - value      one blank: a tag if the format knows it
    TAG- value       none: a tag if the format knows it, and the line does not go on with an abstract
    TAG-value        no blank at all: a tag only if the value is what such a tag holds, or the record is written so

A line that is none of these goes on with the value before it. Blanks may be any that Unicode has, and the dash may be
one that a word processor has made of it.

Source: zotero/translators, RIS.js (`/^([A-Z][A-Z0-9]) {1,2}-(?: (.*))?$/`).
"""

import re
from typing import NamedTuple

_LINE = re.compile(r"(\s*)([A-Za-z][A-Za-z0-9])(\s{0,4})([-‐‑‒–—−])(\s*)(.*)", re.DOTALL)
_SECOND = re.compile(r"\s{2,}([A-Z][A-Z0-9])  - ")
"""A second tag in one line, as Rayyan writes it."""

PROSE = frozenset({"AB", "N1", "N2", "AD", "M1", "M2", "NO", "RN"})
_TITLES = frozenset({"TI", "T1", "T2", "T3", "TT", "CT", "BT", "ST"})

USED = frozenset(
    {
        *("TY", "ER", "TI", "T1", "CT", "BT", "TT", "AU", "A1", "JF", "JO", "T2", "JA", "J1", "J2", "NL", "SN", "PY"),
        *("Y1", "DA", "VL", "IS", "SP", "EP", "C7", "DO", "M3", "L1", "L2", "L3", "LK", "UR", "LA", "KW", "AB", "N2"),
        *("PT", "DB", "DP", "C1", "C2", "C3", "C4", "C5", "C6", "C8", "AN", "ID", "N1", "M1", "M2"),
        *(f"U{number}" for number in range(1, 6)),
    }
)
"""The tags of which a publication is made."""
KNOWN = USED | {
    *("A2", "A3", "A4", "A5", "A6", "AD", "AE", "AI", "AV", "CA", "CC", "CL", "CN", "CP", "CR", "CY", "C9", "ED", "ET"),
    *("FD", "GR", "IP", "J3", "JS", "L4", "LB", "M4", "M5", "MH", "NS", "NV", "OP", "OT", "PB", "PD", "PG", "PI", "PP"),
    *("PU", "RD", "RI", "RN", "RP", "SE", "SF", "SO", "ST", "SU", "SV", "T3", "TA", "TD", "TS", "U6", "U7", "U8", "U9"),
    *("UK", "UT", "VO", "WP", "WT", "XT", "Y2", "ZZ"),
}
"""The tags of the format and those that databases add; of those that are not used, nothing has a place in a record."""

TYPES = frozenset(
    {
        *("ABST", "ADVS", "AGGR", "ANCIENT", "ART", "BILL", "BLOG", "BOOK", "CASE", "CHAP", "CHART", "CLSWK", "COMP"),
        *("CONF", "CPAPER", "CTLG", "DATA", "DBASE", "DICT", "EBOOK", "ECHAP", "EDBOOK", "EJOUR", "ELEC", "ENCYC"),
        *("EQUA", "FIGURE", "GEN", "GOVDOC", "GRANT", "HEAR", "ICOMM", "INPR", "JFULL", "JOUR", "LEGAL", "MANSCPT"),
        *("MAP", "MGZN", "MPCT", "MULTI", "MUSIC", "NEWS", "PAMP", "PAT", "PCOMM", "POD", "PRESS", "RPRT", "SER"),
        *("SLIDE", "SOUND", "STAND", "STAT", "STD", "THES", "UNBILL", "UNPB", "UNPD", "VIDEO", "WEB"),
    }
)
_NUMBER = r"[0-9A-Za-z]{1,8}"
_VALUES = {
    "TY": re.compile("|".join(sorted(TYPES))),
    "ER": re.compile(""),
    "DO": re.compile(r".*10\.[0-9]{4,9}/.*"),
    **dict.fromkeys(("AU", "A1", "A2"), re.compile(r"[^\W\d_][\w'’ \-]{0,40},.{0,60}|[A-Z]\w+ [A-Z]{1,3}")),
    **dict.fromkeys(("PY", "Y1", "DA"), re.compile(r"(?:1[89]|20)[0-9]{2}\b.{0,20}")),
    **dict.fromkeys(("UR", "L1", "L2", "L3"), re.compile(r"(?:https?:|www\.).*")),
    **dict.fromkeys(("VL", "IS", "SP", "EP"), re.compile(_NUMBER)),
    "SN": re.compile(r"[0-9]{4}-?[0-9]{3}[0-9Xx].*"),
    "JO": re.compile(r"[A-Z].{2,80}"),
    "JF": re.compile(r"[A-Z].{2,80}"),
    "TI": re.compile(r"[A-Z].{14,}"),
    "T1": re.compile(r"[A-Z].{14,}"),
}
"""What the value of a tag looks like, for a line without any blank around its dash."""


class Tag(NamedTuple):
    """A tag and its value, which may be empty."""

    name: str
    value: str
    is_tight: bool = False
    """Whether no blank stands around the dash."""


def tag_of(text: str, previous: str = "", *, is_tight: bool = False) -> Tag | None:
    """The tag that a line begins with, or `None` if the line goes on with the value of the tag before it.

    `is_tight` says that the record is written without blanks around dashes.
    """
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    indent, written, before, _, after, value = found.groups()
    name = written.upper()
    tag = Tag(name, value.strip(), not before and not after and bool(value))
    is_plain = not indent and written == name
    if len(before) >= 2:
        return tag if is_plain or name in KNOWN else None
    return tag if is_plain and _is_probable(tag, previous, before, after, is_tight=is_tight) else None


def _is_probable(tag: Tag, previous: str, before: str, after: str, *, is_tight: bool) -> bool:
    """Whether a line with fewer blanks before its dash than the format has is a tag all the same."""
    if before:
        return tag.name in KNOWN or previous not in PROSE | _TITLES
    if tag.name not in KNOWN:
        return False
    if is_tight or (after and previous not in PROSE) or (not tag.value and previous not in PROSE):
        return True
    shape = _VALUES.get(tag.name)
    return bool(shape and shape.fullmatch(tag.value))


def tags_of(text: str, previous: str = "", *, is_tight: bool = False) -> list[Tag]:
    """The tags in a line, of which tools write a second one behind the value of the first."""
    first = tag_of(text, previous, is_tight=is_tight)
    if first is None:
        return []
    head, *rest = _SECOND.split(first.value)
    return [
        first._replace(value=head),
        *(Tag(name, value.strip()) for name, value in zip(rest[::2], rest[1::2], strict=True)),
    ]


def looks_like_tag(text: str) -> bool:
    """Whether a line that was read as the continuation of a value could have been meant as a tag of its own."""
    found = _LINE.fullmatch(text)
    return found is not None and not found[1] and found[2] in KNOWN
