"""By what two records of one publication are known to be the same where neither PMID nor DOI says it."""

import re
import unicodedata
from functools import lru_cache

SHORTEST = 20
"""Letters and digits of a title below which it tells no publication from another: `Editorial`, `Reply`."""

LONGEST = 300
"""Beyond it no two titles differ, and an index would take no key of theirs."""

_MARKUP = re.compile(r"</?[a-z]{1,6}>", re.IGNORECASE)
_NOT_PART = re.compile(r"\(author.?s transl\)\s*\]?\.?\s*$", re.IGNORECASE)


@lru_cache(maxsize=2_000)
def title_key(title: str | None, year: int | None) -> str | None:
    """A title as its letters and digits alone, with the year; none where it is too short or the year is not known.

    Accents stay: they tell words apart. Case, spacing, hyphens, brackets of a translation, markup and the final period
    differ from one tool to another, and go.
    """
    if not title:
        return None
    plain = unicodedata.normalize("NFKC", _NOT_PART.sub("", _MARKUP.sub("", title))).casefold()
    letters = "".join(filter(str.isalnum, unicodedata.normalize("NFC", plain)))
    return f"{letters[:LONGEST]} {year}" if year is not None and len(letters) >= SHORTEST else None
