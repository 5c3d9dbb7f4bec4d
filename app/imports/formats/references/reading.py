"""Reads the references of a file as a stream. A reference that cannot be read is rejected, and the next one is read."""

import zlib
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import IO

from app.imports.candidates import Found, Rejection, Unreadable
from app.imports.formats.references import medline, ris
from app.imports.formats.references.blocks import Block, blocks, text_of
from app.imports.name_index import Names
from app.imports.readers.record_builder import Entry


def _read(block: Block, name: str, day: date, store_abstracts: bool) -> Found:
    place = f"line {block.line}"
    if not block.closed:
        return Rejection(place, "", "the reference does not end; what there is of it may be cut off anywhere")
    try:
        text, guessed = text_of(block)
    except UnicodeDecodeError:
        return Rejection(place, "", "it is in no encoding that is read here: UTF-8, UTF-16 or Windows-1252")
    entry = Entry()
    if guessed:
        entry.warn("encoding-guessed", f"{place}: it is not in UTF-8, and was read as Windows-1252")
    if block.kind == "medline":
        return medline.reference(text, place, day, entry, store_abstracts=store_abstracts)
    return ris.reference(text, place, name, day, entry, store_abstracts=store_abstracts)


def units(file: IO[bytes], name: str, _: Names, *, store_abstracts: bool = False) -> Iterator[Found]:
    """Yields a source item or a rejection for each reference; raises `Unreadable` if the file has none."""
    day, any_ = datetime.now(UTC).date(), False
    try:
        for block in blocks(file, name):
            any_ = True
            yield _read(block, name, day, store_abstracts)
    except UnicodeDecodeError as error:
        raise Unreadable(f"{name}: it is no UTF-16 from byte {error.start} of a part on: {error.reason}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise Unreadable(f"{name}: {error}") from None
    if not any_:
        raise Unreadable(f"{name}: there is no reference in it, neither RIS (TY  - ) nor of PubMed's (PMID- )")
