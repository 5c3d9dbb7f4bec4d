"""Parts of an XML record, read without asking for any of them twice."""

from collections.abc import Iterator

from lxml.etree import _Element

Parts = dict[str, _Element]
"""An element's children by their names; the first where there are several."""


def parts(element: _Element | None) -> Parts:
    found: Parts = {}
    if element is not None:
        for child in element:
            found.setdefault(str(child.tag), child)
    return found


def each(element: _Element | None, tag: str) -> Iterator[_Element]:
    return iter(()) if element is None else element.iterchildren(tag)


def text(element: _Element | None) -> str:
    """All text of an element, markup left out."""
    if element is None:
        return ""
    return "".join(map(str, element.itertext())) if len(element) else (element.text or "").strip()


def texts(found: Parts, *tags: str) -> str:
    """The texts of some parts, in this order."""
    return " ".join(filter(None, (text(found.get(tag)) for tag in tags)))
