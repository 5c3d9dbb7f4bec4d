"""The title key: identifies the same publication in two records that share neither a PMID nor a DOI."""

import re
import unicodedata
from functools import lru_cache

from app.common.spelling import search_form
from app.common.text import plain

SHORTEST = 20
"""Letters and digits. A shorter title, such as `Editorial` or `Reply`, does not identify a publication."""

LONGEST = 300
"""Letters and digits of a title that the key has, so that it fits into a database index."""

_NOT_PART = re.compile(
    r"^\W?(?:RETRACTED(?: (?:ARTICLE|PAPER|PUBLICATION|CHAPTER))?|WITHDRAWN)(?:\s*:|[\])])|"
    r"\(author.?s transl\)\s*\]?\.?\s*$",
    re.IGNORECASE,
)


@lru_cache(maxsize=2_000)
def title_key(title: str | None, year: int | None) -> str | None:
    """The letters and digits of a title, and the year; nothing if the title is too short or the year is unknown.

    Accents are kept, since they distinguish words. Case, spacing, hyphens, the brackets of a translated title, markup,
    British spelling, the form of Greek letters and the final period are dropped, since tools write them differently.
    """
    if not title:
        return None
    form = search_form(plain(_NOT_PART.sub("", title)))
    folded = unicodedata.normalize("NFKC", form).casefold().replace("\u0131", "i")
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFC", folded)))
    return f"{letters[:LONGEST]} {year}" if year is not None and len(letters) >= SHORTEST else None
