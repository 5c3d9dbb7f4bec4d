"""Citations as BibTeX in UTF-8.

Text is escaped where LaTeX needs it, and braces keep the capitals of names in titles. DOIs, addresses and numbers are
verbatim fields: nothing is escaped in them. The key is the id of the record.
"""

import re
from collections.abc import Iterable, Iterator

from app.exports.citation_item import Citation, Person, one_line

_TYPES = {"article": "article", "registration": "misc", "web-page": "online", "document": "misc"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ESCAPES = {
    **{sign: f"\\{sign}" for sign in "#$%&_"},
    "\\": "{\\textbackslash}",
    "{": "{\\lbrace}",
    "}": "{\\rbrace}",
    "~": "{\\textasciitilde}",
    "^": "{\\textasciicircum}",
}
_SPECIAL = re.compile(r"[#$%&_\\{}~^]|(?<=-)-|(?<=')'|(?<=`)`")
_ADDRESS = re.compile(r"https?://\S+")
_WORD = re.compile(r"https?://\S+|\w+(?:['’]\w+)*")
_SENTENCE_END = re.compile(r"[.:?!]\s*$")

Pair = tuple[str, str | None]


def escaped(text: str) -> str:
    """Return a text for LaTeX; signs that it would join to another one, such as two hyphens, are kept apart.

    An underscore within an address stays as it is printed.
    """
    parts, end = [], 0
    for address in _ADDRESS.finditer(text):
        parts += [_SPECIAL.sub(_escape, text[end : address.start()]), _escaped_address(address[0])]
        end = address.end()
    return "".join([*parts, _SPECIAL.sub(_escape, text[end:])])


def _escape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0], f"{{}}{found[0]}")


def _escaped_address(address: str) -> str:
    return "_".join(_SPECIAL.sub(_escape, part) for part in address.split("_"))


def protected(title: str) -> str:
    """Return an escaped title in which braces keep the capitals of names: `{OnabotulinumtoxinA}`, `{DNA}`, `{Botox}`.

    In a title that capitalises most of its words, a capital at the beginning of a word does not mark a name.
    """
    words = list(_WORD.finditer(title))
    long = [word[0] for word in words[1:] if len(word[0]) > 3]
    capitalises = len(long) > 3 and sum(map(str.istitle, long)) > len(long) / 2
    parts, end = [], 0
    for word in words:
        before = title[: word.start()]
        parts.append(escaped(title[end : word.start()]))
        parts.append(_protected_word(word[0], begins=capitalises or _begins_sentence(before)))
        end = word.end()
    return "".join([*parts, escaped(title[end:])])


def _begins_sentence(before: str) -> bool:
    return not before.strip() or bool(_SENTENCE_END.search(before[-3:]))


def _protected_word(word: str, *, begins: bool) -> str:
    is_name = word[1:] != word[1:].lower() or (word[0].isupper() and not begins)
    return f"{{{escaped(word)}}}" if is_name and not _ADDRESS.match(word) else escaped(word)


def _name(author: Person) -> str:
    """Return a name; one that must not be divided is in braces."""
    family = escaped(author.family)
    if author.is_whole or re.search(r",|\band\b", author.family):
        family = f"{{{family}}}"
    return ", ".join(filter(None, (family, author.suffix, escaped(author.given))))


def _authors(citation: Citation) -> str:
    others = ["others"] if citation.is_incomplete else []
    return " and ".join([*map(_name, citation.authors), *others])


def verbatim(value: str) -> str:
    """Return the value of a verbatim field; only braces without a partner, which would end it, are percent-encoded."""
    depth = 0
    for sign in value:
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            break
    return value if depth == 0 else value.replace("{", "%7B").replace("}", "%7D")


def _keywords(citation: Citation) -> str:
    """Return the keywords; one with a separator in it is in braces."""
    return ", ".join(f"{{{escaped(word)}}}" if set(",;") & {*word} else escaped(word) for word in citation.keywords)


def _texts(citation: Citation) -> Iterator[Pair]:
    container = "journal" if citation.kind == "article" else "howpublished"
    yield from (("author", _authors(citation)), (container, citation.container and escaped(citation.container)))
    texts = {
        "shortjournal": citation.abbreviation,
        "titleaddon": citation.vernacular_title,
        "volume": citation.volume,
        "number": citation.issue,
        "publisher": citation.publisher,
        "type": citation.genre,
        "version": citation.version,
        "abstract": citation.abstract,
        "note": "; ".join(citation.all_notes),
    }
    yield from ((name, escaped(one_line(text))) for name, text in texts.items() if text)
    yield "keywords", _keywords(citation)
    yield "pages", re.sub("[-‐‑‒–—−]+", "--", escaped(citation.pages)) if citation.pages else None


def _verbatim(citation: Citation) -> Iterator[Pair]:
    values = {
        "issn": citation.issn,
        "doi": citation.doi,
        "pmid": citation.pmid,
        "pmcid": citation.pmcid,
        "url": citation.url,
        "urldate": citation.accessed,
        "language": ", ".join(citation.languages),
        "evidence": citation.record,
    }
    yield from ((name, verbatim(value)) for name, value in values.items() if value)


def _date(issued: str | None) -> Iterator[Pair]:
    year, month, day = (*(issued or "").split("-"), "", "")[:3]
    yield from (("year", year), ("day", str(int(day)) if day else None))
    yield "month", _MONTHS[int(month) - 1] if month else None


def bibtex_entry(citation: Citation) -> str:
    """Return the entry of a citation."""
    title = protected(one_line(citation.title)) if citation.title else None
    every = (("title", title), *_texts(citation), *_verbatim(citation), *_date(citation.issued))
    fields = [f"\t{name} = {value if name == 'month' else f'{{{value}}}'},\n" for name, value in every if value]
    return "".join([f"@{_TYPES[citation.kind]}{{{citation.key},\n", *fields, "}\n\n"])


def bibtex_of(citations: Iterable[Citation]) -> str:
    """Return citations as BibTeX."""
    return "".join(map(bibtex_entry, citations))
