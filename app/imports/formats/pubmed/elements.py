"""Access to the parts of an XML record, with one pass over the children of an element."""

import re
from collections.abc import Iterator

from lxml.etree import _Element

Parts = dict[str, _Element]
"""The children of an element by name; of several with one name, the first."""


_POWER = re.compile(r"\s*[-+−–]?[0-9]{1,4}\s*")
_RAISED = str.maketrans("0123456789+-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻")


def parts(element: _Element | None) -> Parts:
    """The parts of an element; empty for `None`."""
    found: Parts = {}
    if element is not None:
        for child in element:
            found.setdefault(str(child.tag), child)
    return found


def each(element: _Element | None, tag: str) -> Iterator[_Element]:
    """The children with a name; none for `None`."""
    return iter(()) if element is None else element.iterchildren(tag)


def text(element: _Element | None) -> str:
    """The text of an element without markup. An exponent is written in raised figures, so that 10⁹ is not 109."""
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
    """The texts of some parts, in the order of `tags`."""
    return " ".join(filter(None, (text(found.get(tag)) for tag in tags)))
