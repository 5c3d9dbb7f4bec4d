"""Telling whether two publications without a common identifier are the same one."""

import re
import unicodedata

SHORTEST = 20
"""Letters of a title below which it tells nothing: editorials and letters have the same titles by the hundred."""


def title_key(title: str | None, year: int | None) -> str | None:
    """Equal for one publication whoever prints its title; none where a title says too little."""
    if not title or year is None:
        return None
    bare = unicodedata.normalize("NFKD", title).casefold()
    letters = re.sub(r"[^\w]|_", "", "".join(char for char in bare if not unicodedata.combining(char)))
    return f"{letters[:300]} {year}" if len(letters) >= SHORTEST else None
