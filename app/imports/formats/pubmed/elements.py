"""Parts of an XML record, read without asking for any of them twice."""

import re
from collections.abc import Iterator

from lxml.etree import _Element

Parts = dict[str, _Element]
"""An element's children by their names; the first where there are several."""


_POWER = re.compile(r"\s*[-+−–]?[0-9]{1,4}\s*")
_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")


def parts(element: _Element | None) -> Parts:
    found: Parts = {}
    if element is not None:
        for child in element:
            found.setdefault(str(child.tag), child)
    return found


def each(element: _Element | None, tag: str) -> Iterator[_Element]:
    return iter(()) if element is None else element.iterchildren(tag)


def text(element: _Element | None) -> str:
    """All text of an element, markup left out, and a power still raised: 10⁹ is not 109."""
    if element is None:
        return ""
    return _plain(element) if len(element) else (element.text or "").strip()


def _plain(element: _Element) -> str:
    words = element.text or ""
    for child in element:
        inner = _plain(child)
        raised = child.tag == "sup" and words[-1:].isdecimal() and _POWER.fullmatch(inner)
        words += (inner.translate(_RAISED) if raised else inner) + (child.tail or "")
    return words


def texts(found: Parts, *tags: str) -> str:
    """The texts of some parts, in this order."""
    return " ".join(filter(None, (text(found.get(tag)) for tag in tags)))
