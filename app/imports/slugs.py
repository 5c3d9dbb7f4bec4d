"""Ids that are made of names."""

import re
import unicodedata


def slug(words: str) -> str:
    """The text as a part of an id: accents are dropped, and other characters become hyphens."""
    apart = unicodedata.normalize("NFKD", words.replace("’", "").replace("'", "")).casefold()
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
