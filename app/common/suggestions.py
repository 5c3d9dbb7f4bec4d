"""Suggestions: the valid names that a mistyped one may stand for."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process, utils


def nearest(value: str, among: Iterable[str], limit: int = 3, few: int = 12) -> list[str]:
    """The names most similar to a mistyped one, at most `limit`; all names if none is similar and there are at most
    `few`; none for a value of more than 200 characters.
    """
    choices = list(dict.fromkeys(among))
    if len(value) > 200:
        return []
    found = process.extract(
        value, choices, scorer=fuzz.WRatio, processor=utils.default_process, limit=limit, score_cutoff=60
    )
    return [name for name, _, _ in found] or (choices if len(choices) <= few else [])
