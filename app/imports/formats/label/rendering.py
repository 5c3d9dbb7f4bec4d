"""Renders a label as plain text: title, product data, highlights and sections. The same XML gives the same text."""

from app.imports.formats.label.blocks import Blocks
from app.imports.formats.label.codes import NAMES
from app.imports.formats.label.inline import lines, one_line, pieces
from app.imports.formats.label.opening import Element, attribute, find, find_all
from app.imports.formats.label.product_data import Product, labeler
from app.imports.formats.label.text import LabelText, Section, Span, Writer

SECTIONS = "v:component/v:structuredBody/v:component/v:section"
WITHIN = "v:component/v:section"
HIGHLIGHTS = "v:excerpt/v:highlight/v:text"


def _code(section: Element) -> str | None:
    return attribute(find(section, "v:code"), "code")


def _heading(section: Element) -> str:
    title = find(section, "v:title")
    return "" if title is None else one_line("".join(pieces(title, None)))


def _section(section: Element, writer: Writer) -> Section:
    writer.gap()
    start = writer.length
    title = _heading(section)
    heading = writer.line(title) if title else None
    blocks = Blocks(writer)
    for text in find_all(section, "v:text"):
        blocks.write(text)
    inner = tuple(_section(element, writer) for element in find_all(section, WITHIN))
    return Section(_code(section), heading, Span(start, writer.length), tuple(blocks.found), inner)


def _highlights(section: Element, writer: Writer) -> None:
    for text in find_all(section, HIGHLIGHTS):
        writer.gap()
        title = _heading(section) or NAMES.get(_code(section) or "", "")
        if title:
            writer.line(title)
        Blocks(writer).write(text)
    for element in find_all(section, WITHIN):
        _highlights(element, writer)


def title_of_document(document: Element) -> str:
    """The title of a label, in one or more lines."""
    title = find(document, "v:title")
    return "" if title is None else lines("".join(pieces(title, None)))


def _product_data(document: Element, products: list[Product], writer: Writer) -> Span:
    writer.gap()
    start = writer.length
    maker = labeler(document)
    if maker:
        writer.line(f"Labeler: {maker}")
    for line in dict.fromkeys(line for product in products for line in product.lines()):
        writer.line(line)
    return Span(start, max(start, writer.length - 1))


def render(document: Element, products: list[Product]) -> LabelText:
    writer = Writer()
    title = title_of_document(document)
    if title:
        writer.line(title)
    data = _product_data(document, products, writer)
    sections = find_all(document, SECTIONS)
    if any(find(section, f".//{HIGHLIGHTS}") is not None for section in sections):
        writer.gap()
        writer.line("HIGHLIGHTS OF PRESCRIBING INFORMATION")
    for section in sections:
        _highlights(section, writer)
    body = tuple(_section(section, writer) for section in sections)
    return LabelText(writer.text(), title, data, body)
