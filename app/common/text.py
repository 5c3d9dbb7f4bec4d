"""Text as it is printed, without the markup and the invisible characters of the file that it came in.

`plain` is what every reader makes of a text in one line: entities are decoded at any depth, inline tags are removed,
superscripts and subscripts never become part of a number beside them, and letters are composed (Unicode NFC). What was
printed stays: `plain` changes no spelling (`app.common.spelling` does, for search and for comparing titles).
"""

import re
import unicodedata
from html import unescape
from html.entities import html5

INVISIBLE = "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
"""Characters without a width, as a class of a regular expression: soft hyphens, joiners, directions, byte order marks.
"""
MOST_DEPTH = 4
"""How many times a text is decoded at most; files of several tools one after the other reach three."""

_INVISIBLE = re.compile(f"[{INVISIBLE}]")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_TAG = re.compile(
    r"</?(?:i|b|u|em|strong|small|big|tt|span|font|a|p|br|div|sc|scp|title|bold|italic|underline|roman|sans-serif|"
    r"monospace|inline-formula|(?:jats|mml|xhtml|html):[a-z\-]+)(?:\s+[a-zA-Z:\-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*\s*/?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"</?(?:p|br|div|jats:p)\b[^<>]*>", re.IGNORECASE)
_SCRIPT_TAG = re.compile(r"<(/?)(?:[a-z]+:)?(sup|sub|inf|superscript|subscript)(?:\s[^<>]*)?>", re.IGNORECASE)
_RAISE, _LOWER, _END = "\x01", "\x02", "\x03"
"""Marks of the beginning of a superscript or subscript, and of its end, until `scripts` has replaced them. They are
control characters, which no text has that can be printed."""
_NEIGHBOURS = 8
"""How many characters beside a superscript are looked at, so that the time for a long text grows with its length."""
_SCRIPT = re.compile(f"(\\s*)([{_RAISE}{_LOWER}])([^{_RAISE}{_LOWER}{_END}]*){_END}")

_SIMPLE = re.compile(r"[+\-−–]?[0-9]+(?:[.,·][0-9]+)?")
_RAISED = str.maketrans("0123456789+-−–‐=()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻⁻⁼⁽⁾", " ")
_LOWERED = str.maketrans("0123456789+-−–‐=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₋₋₌₍₎", " ")


def _character(entity: re.Match[str]) -> str:
    """The character of an entity; an entity that HTML does not know, or of no character, stays as it is written."""
    name = entity[0][1:]
    return unescape(entity[0]) if name.startswith("#") else html5.get(name, entity[0])


def decoded(text: str) -> str:
    """Decode the HTML and XML entities of a text at any depth; an ampersand without a semicolon behind it stays."""
    for _ in range(MOST_DEPTH):
        if "&" not in text:
            break
        plain = _ENTITY.sub(_character, text)
        if plain == text:
            break
        text = plain
    return text


def script(before: str, raised: bool, inner: str, after: str) -> str:
    """Write a superscript or subscript between two texts so that no number changes.

    Where a digit stands beside it, figures are raised or lowered in Unicode (10⁹, log₁₀4), and what has no such form is
    written with a sign (`10^5.5`, `2^(1/2)`). Elsewhere the letters stay as they are: `CO2`, `5-HT3`, `TCID50`.
    """
    inner = inner.strip()
    beside_number = before[-1:].isdecimal() or (inner[-1:].isdecimal() and after[:1].isdecimal())
    if not beside_number or not any(map(str.isdecimal, inner)):
        return inner
    forms = _RAISED if raised else _LOWERED
    if set(map(ord, inner)) <= forms.keys() | {ord(","), ord(";")}:
        return inner.translate(forms)
    sign = "^" if raised else "_"
    closed = f"{sign}{inner}" if _SIMPLE.fullmatch(inner) else f"{sign}({inner})"
    return f"{closed} " if after[:1].isdecimal() else closed


def scripts(text: str) -> str:
    """Replace the superscripts and subscripts that `raised` and `lowered` have marked, the innermost first."""
    if _END not in text:
        return text

    def written(found: re.Match[str]) -> str:
        space, mark, inner = found.groups()
        start, end = found.span()
        before = text[max(0, start - _NEIGHBOURS) : start].rstrip(_END)
        after = text[end : end + _NEIGHBOURS].lstrip(_RAISE + _LOWER)
        # "10 <sup>9</sup>/L" is a power with a blank too many; a word after a number ("2 <sup>a</sup>") is none
        power = space and mark == _RAISE and before[-1:].isdecimal() and re.match(r"\s*[+\-−–]?[0-9]", inner)
        return ("" if power else space) + script(before if power or not space else " ", mark == _RAISE, inner, after)

    for _ in range(MOST_DEPTH):
        replaced = _SCRIPT.sub(written, text)
        if replaced == text:
            break
        text = replaced
    return re.sub(f"[{_RAISE}{_LOWER}{_END}]", "", text)


def raised(inner: str) -> str:
    """Mark a superscript of a text that `plain` is given next; for readers of XML, where it is an element."""
    return f"{_RAISE}{inner}{_END}"


def lowered(inner: str) -> str:
    """Mark a subscript of a text that `plain` is given next."""
    return f"{_LOWER}{inner}{_END}"


def _marked(tag: re.Match[str]) -> str:
    if tag[1]:
        return _END
    return _RAISE if tag[2].lower() in ("sup", "superscript") else _LOWER


def without_markup(text: str) -> str:
    """Remove inline markup of HTML, JATS and MathML. A `<` that begins no such tag stays (`p < 0.05`)."""
    if "<" in text:
        text = _TAG.sub("", _BREAK.sub(" ", _SCRIPT_TAG.sub(_marked, text)))
    return scripts(text)


def plain(text: str) -> str:
    """Return a text in one line, decoded, without markup, control and invisible characters, composed (NFC)."""
    if text.isascii() and "&" not in text and "<" not in text and text.isprintable():
        return " ".join(text.split())
    text = without_markup(decoded(text))
    if not text.isprintable():
        text = _CONTROL.sub("", _INVISIBLE.sub("", text))
    # last, because an entity may stand for an accent, and an invisible character between a letter and its accent
    return " ".join(unicodedata.normalize("NFC", text).split())
