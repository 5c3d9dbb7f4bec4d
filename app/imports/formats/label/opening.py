"""Parses a label's XML safely: no other file is read, no entity is expanded, and size and depth are limited."""

from typing import IO, TypeAlias

from lxml import etree

from app.imports.candidates import Unreadable
from app.imports.readers.xml import SAFE_PARSER_OPTIONS

LARGEST = 50_000_000
DEEPEST = 100
"""The most levels of nested elements; labels have about 30."""
NAMESPACE = "urn:hl7-org:v3"
HL7 = {"v": NAMESPACE}

Element: TypeAlias = etree._Element


def tag(element: Element) -> str:
    """The name of an element without its namespace; empty for comments and processing instructions."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def find(element: Element, path: str) -> Element | None:
    return element.find(path, HL7)


def find_all(element: Element, path: str) -> list[Element]:
    return list(element.iterfind(path, HL7))


def attribute(element: Element | None, name: str) -> str | None:
    """The value of an attribute; `None` if the element or the attribute is missing, or the value is blank."""
    value = None if element is None else element.get(name)
    return " ".join(str(value).split()) or None if value is not None else None


def _parsed(content: bytes) -> Element:
    try:
        root = etree.fromstring(content, etree.XMLParser(**SAFE_PARSER_OPTIONS))
    except etree.XMLSyntaxError as error:
        raise Unreadable(f"line {error.lineno or 1}: it is not well-formed XML: {error.msg}") from None
    except (ValueError, LookupError) as error:
        raise Unreadable(f"it cannot be read as XML: {error}") from None
    information = root.getroottree().docinfo
    if getattr(information, "doctype", ""):
        raise Unreadable("it declares a document type; a label has none, and entities of its own are not read")
    return root


def _check_depth(root: Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise Unreadable(f"line {element.sourceline}: elements are nested more than {DEEPEST} deep")


def parse_document(file: IO[bytes]) -> Element:
    """Parses a file and returns the `document` element of the label; raises `Unreadable` if there is none."""
    content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Unreadable(f"a label has at most {LARGEST:,} bytes")
    if not content.strip():
        raise Unreadable("there is nothing in it")
    root = _parsed(content)
    if root.tag != f"{{{NAMESPACE}}}document":
        raise Unreadable(f"line {root.sourceline}: it is no label: it begins with {tag(root)[:40]!r}")
    _check_depth(root)
    return root
