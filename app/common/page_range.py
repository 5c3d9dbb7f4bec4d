"""Pages of a publication as journals and databases print them: `737-8`, `e1-e9`, `A-1-A-9`."""

import re

_DASHES = str.maketrans("‐‑‒–—−", "------")
_RANGE = re.compile(r"([A-Za-z]*)([0-9]+)-([A-Za-z]*)([0-9]+)")
_SPELLED = re.compile(r"([A-Za-z]+[0-9]*)-([0-9]+)-(\1)-([0-9]+)")
"""A range of pages that have hyphens themselves, such as `A-1-A-9`."""


def page_range(pages: str) -> tuple[str, str | None]:
    """Divide printed pages into the first and the last one, which is written out: `737-8` is 737 and 738.

    What is no single range, such as `12, 15-17`, is returned whole, with None.
    """
    plain = "".join(pages.translate(_DASHES).split())
    if spelled := _SPELLED.fullmatch(plain):
        return f"{spelled[1]}-{spelled[2]}", f"{spelled[3]}-{spelled[4]}"
    found = _RANGE.fullmatch(plain)
    if not found:
        return pages, None
    letters, first, last_letters, printed = found.groups()
    last = first[: max(0, len(first) - len(printed))] + printed
    if last_letters not in ("", letters) or int(last) < int(first):
        return pages, None
    return letters + first, letters + last
