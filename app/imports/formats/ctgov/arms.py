"""The arms of a study: those registered, and the groups in its results.

Each table of results names its groups anew. A group whose title is that of one registered arm is that arm. Any other
group is an arm of its own, the same one in all tables. A title of two registered arms identifies neither.
"""

import re
import unicodedata
from collections import Counter

from app.imports.candidates import Json
from app.imports.formats.ctgov.notes import NAME, Notes, present
from app.imports.formats.ctgov.vocabularies import ARM_TYPES

MOST = 500
_NO_SLUG = re.compile("[^a-z0-9]+")


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    return _NO_SLUG.sub("-", plain).strip("-")[:40].strip("-") or "arm"


class Arms:
    """Collects the arms of one study."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self.by_key: dict[str, Json] = {}
        """The arms by key, in order."""
        self._registered: dict[str, str | None] = {}
        self._reported: dict[str, str] = {}

    def register(self, groups: list[Json], *place: int | str) -> None:
        """Adds the registered arms."""
        for index, group in enumerate(groups):
            label = group.get("label") or f"Arm {index + 1}"
            key = self._add(label, group, *place, index)
            title = _folded(label)
            self._registered[title] = None if title in self._registered else key

    def of_label(self, label: str) -> str | None:
        """The key of the registered arm with a label."""
        return self._registered.get(_folded(label))

    def of_groups(self, groups: list[Json] | None, *place: int | str) -> dict[str, str]:
        """The key of the arm of each group in a table, by the group's id. An id of two groups identifies neither."""
        groups = groups or []
        titles = [_folded(group.get("title") or "") for group in groups]
        often, ids = Counter(titles), Counter(group.get("id") for group in groups)
        found: dict[str, str] = {}
        for index, (title, group) in enumerate(zip(titles, groups, strict=True)):
            key = self._of_group(title, group, often[title] > 1, *place, index)
            if key and "id" in group and ids[group["id"]] == 1:
                found[group["id"]] = key
        return found

    def _of_group(self, title: str, group: Json, is_twin: bool, *place: int | str) -> str | None:
        """The key of a group's arm. Groups of one table that share a title are separate arms, in each table anew."""
        if is_twin or not title:
            return self._add(group.get("title") or str(group.get("id")), group, *place)
        known = self._registered.get(title) or self._reported.get(title)
        if known is None and (added := self._add(group["title"], group, *place)):
            self._reported[title] = known = added
        return known

    def _add(self, name: str, group: Json, *place: int | str) -> str | None:
        if len(self.by_key) >= MOST:
            self.notes.warn("too-many-arms", place, f"{name[:80]}, and all that is told of it")
            return None
        key = self._free(_slug(name))
        self.by_key[key] = {"key": key} | present(
            name=self.notes.line(name, NAME, *place) or "Arm",
            type=self.notes.words(group.get("type"), ARM_TYPES, *place, "type"),
            description=self.notes.prose(group.get("description"), *place, "description"),
        )
        return key

    def _free(self, slug: str) -> str:
        key, number = slug, 1
        while key in self.by_key:
            number += 1
            key = f"{slug}-{number}"
        return key
