"""Access to the parts of an XML record, with one pass over the children of an element."""

from collections.abc import Iterator

from lxml.etree import _Element

from app.common.text import lowered, plain, raised

Parts = dict[str, _Element]
"""The children of an element by name; of several with one name, the first."""


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
    """The text of an element in one line without markup; superscripts and subscripts never change a number."""
    if element is None:
        return ""
    return plain(_marked(element) if len(element) else element.text or "")


_SCRIPTS = {"sup": raised, "sub": lowered}


def _marked(element: _Element) -> str:
    """The text of an element and of all elements in it, in which superscripts and subscripts are marked for `plain`."""
    words = element.text or ""
    for child in element:
        mark = _SCRIPTS.get(str(child.tag))
        inner = _marked(child)
        words += (mark(inner) if mark else inner) + (child.tail or "")
    return words


def texts(found: Parts, *tags: str) -> str:
    """The texts of some parts, in the order of `tags`."""
    return " ".join(filter(None, (text(found.get(tag)) for tag in tags)))
