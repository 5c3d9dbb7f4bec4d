"""Reads the references of a file as a stream. The content shows the format: RIS, MEDLINE, EndNote's two, BibTeX, CSL.

A reference that cannot be read is rejected, and the next one is read. Every line that is not blank is accounted for.
"""

import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import IO

from app.imports.candidates import Found, Unreadable
from app.imports.formats.references import csl_json, endnote_tagged, endnote_xml, medline, ris
from app.imports.formats.references.accounting import Options, Reading, rejected, states
from app.imports.formats.references.bibtex import BibtexReader
from app.imports.formats.references.blocks import Block, blocks
from app.imports.formats.references.lines import Line, contents, lines, utf8
from app.imports.formats.references.ris_tags import tag_of
from app.imports.name_index import Names
from app.imports.readers.record_builder import Entry
from app.imports.readers.streams import stream

_XML = re.compile(rb"\s*<(?:\?xml|!DOCTYPE|xml[\s>]|records?[\s>]|[A-Za-z]+>)")
_JSON = re.compile(rb'\s*(?:\[\s*[{\]]|\{\s*["}])')
_HEADINGS = re.compile(
    r"Record #?\d+ of \d+|Provider: .*|Content: .*|<?\d+[.>]?|[-=_*#\s]{3,}|%.*|(?:Scopus|PubMed|Embase|EBSCO)|"
    r"EXPORT DATE: ?.*|(?:Database|Source|Search strategy|Date of export|Export date)s?: ?.*|EF",
    re.IGNORECASE,
)
"""Lines that databases print between references."""
_READERS = {"ris": ris.read, "medline": medline.read, "endnote": endnote_tagged.read}
_NOTHING = (
    "there is no reference in it: neither RIS (TY  - ), MEDLINE (PMID- ), BibTeX (@article{), EndNote (%0) nor CSL"
)


def _between(block: Block) -> Reading:
    """What stands between references: headings of databases are known, and anything else is rejected."""
    known: list[Line] = []
    other: list[Line] = []
    for line in block.lines:
        tag = tag_of(line.text)
        is_known = _HEADINGS.fullmatch(line.text.strip()) or (tag and tag.name == "ER" and not tag.value)
        (known if is_known or not line.text.strip() else other).append(line)
    if not other:
        return Reading((), states(known, "known"))
    text = other[0].text.strip()
    found = rejected(other, f"it stands outside of all references: {text[:100]!r}" + " and more" * (len(other) > 1))
    return Reading(found.found, (*states(known, "known"), *found.states))


def _entry(block: Block, options: Options, bibtex: BibtexReader) -> Iterator[Reading]:
    if any(not line.is_decoded for line in block.lines):
        numbers = ", ".join(str(line.number) for line in block.lines if not line.is_decoded)
        yield rejected(
            block.lines, f"line {numbers[:200]} is in no encoding that is read here unless --encoding names it"
        )
        return
    if block.is_broken_off:
        yield rejected(block.lines, "the reference does not end; what there is of it may be cut off anywhere")
        return
    entry = Entry()
    if guessed := [line.number for line in block.lines if line.is_guessed]:
        entry.warn("encoding-guessed", f"line {guessed[0]}: it is not in UTF-8, and was read as Windows-1252")
    if block.kind == "bibtex":
        yield from bibtex.read(block, entry)
    else:
        yield _READERS[block.kind](block, entry, options)


def _of_lines(chunks: Iterable[bytes], encoding: str, options: Options) -> Iterator[Reading]:
    bibtex, any_ = BibtexReader(options), False
    waiting: list[Block] = []
    for block in blocks(lines(chunks, encoding, options.name), options.name):
        if block.kind != "stray":
            yield from map(_between, waiting)
            waiting, any_ = [], True
            yield from _entry(block, options, bibtex)
        elif any_:
            yield _between(block)
        else:
            waiting.append(block)  # the file may have no reference at all
    yield from bibtex.end()
    if not any_:
        raise Unreadable(f"{options.name}: {_NOTHING}")


def readings(file: IO[bytes], options: Options, encoding: str = "") -> Iterator[Reading]:
    """Yields what each part of a file holds, and the state of its lines; raises `Unreadable` if it has no reference."""
    try:
        chunks, rest = contents(file, encoding)
        head = next(chunks, b"")
        whole = chain((head,), chunks)
        if _XML.match(head):
            yield from endnote_xml.readings(stream(options.name, whole), options, rest)
        elif _JSON.match(head):
            converted = whole if rest in ("", "utf-8") else utf8(whole, rest)
            yield from csl_json.readings(stream(options.name, converted), options)
        else:
            yield from _of_lines(whole, rest, options)
    except UnicodeDecodeError as error:
        raise Unreadable(f"{options.name}: it is no {error.encoding} from byte {error.start} of a part on") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{options.name}: {error}") from None


def units(
    file: IO[bytes], name: str, _: Names, *, store_abstracts: bool = False, encoding: str = ""
) -> Iterator[Found]:
    """Yields a source item or a rejection for each reference; raises `Unreadable` if the file has none."""
    options = Options(name, datetime.now(UTC).date(), store_abstracts)
    for reading in readings(file, options, encoding):
        yield from reading.found
