"""What somebody may have meant."""

from collections.abc import Iterable

from rapidfuzz import fuzz, process, utils


def nearest(value: str, among: Iterable[str], limit: int = 3, few: int = 12) -> list[str]:
    """The names most like a mistyped one; all of them where there are few and none is like it."""
    choices = list(among)
    if len(value) > 200:
        return []
    found = process.extract(
        value, choices, scorer=fuzz.WRatio, processor=utils.default_process, limit=limit, score_cutoff=60
    )
    return [name for name, _, _ in found] or (choices if len(choices) <= few else [])
