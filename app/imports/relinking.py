"""Relinking: names in registry records that match nothing yet are resolved when a label brings what they name.

    before a batch of labels is written    provisional products that have one of the labels' names make way: the studies
                                           that link to them lose the link, and they are deleted
    after the last batch                   the stored studies that name what this run has brought are linked anew, as if
                                           they were read now; provisional records that lose all links are deleted

So a registry record and a label give the same records, whichever is imported first.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import orjson
from sqlalchemy import Connection, select

from app.imports.candidates import Candidate, Json, SourceItem
from app.imports.formats.ctgov.linking import Links, relinked
from app.imports.formats.ctgov.notes import Notes
from app.imports.linkage.identifiers import tiers
from app.imports.name_index import Names, read_names
from app.imports.provisional import FORMAT, NOTE, TYPES, is_provisional
from app.records.base_models import Record, RecordName
from app.records.studies.models import STUDY_PRODUCTS, Study
from app.store.reconciliation.contributions import Contribution, bare, by_precedence
from app.store.reconciliation.history import ContributionHistory, contributions_to, last_entered, remember, remembered
from app.store.reconciliation.survivorship import CurrentRecord
from app.store.revision import RevisionWriter
from app.store.rows import batches
from app.store.submission import Submission
from app.store.validation import check, still_referred
from app.store.versions import Key

AT_ONCE = 200
"""The number of studies that are linked in one batch."""

Write = Callable[[Mapping[int, SourceItem]], None]
"""Imports items of registry records within the run."""


def linked_keys(study: Json) -> set[Key]:
    """The products and indications that a study links to."""
    return {(type, id) for type in TYPES for id in study.get(type, ())}


class Relinker:
    """Links the stored studies of registry records anew within one run of labels."""

    def __init__(self, connection: Connection, revising: RevisionWriter, write: Write) -> None:
        self._connection, self._revising, self._write = connection, revising, write
        self._unlinked: set[str] = set()
        """The studies that have lost a link to a product that made way."""
        self._brought: set[Key] = set()

    def note_written(self, keys: Iterable[Key]) -> None:
        """Takes note of the products and indications that the run has written."""
        self._brought |= {key for key in keys if key[0] in TYPES}

    def make_way(self, units: Iterable[SourceItem]) -> None:
        """Deletes the provisional products that have a name of a label's product under another id."""
        products = [each.data for unit in units for each in unit.candidates if each.type == "products"]
        own = {str(data.get("id")) for data in products}
        keys = {name.key for data in products for tier in tiers("products", data) for name in tier}
        waiting = select(RecordName.record_id).join(
            Record, (Record.type == RecordName.record_type) & (Record.id == RecordName.record_id)
        )
        found = self._connection.scalars(
            waiting.where(RecordName.record_type == "products", RecordName.key.in_(keys), Record.note == NOTE)
        )
        gone = frozenset(found) - own
        if gone:
            query = select(STUDY_PRODUCTS.owner).where(STUDY_PRODUCTS.column.in_(gone)).distinct()
            studies = list(self._connection.scalars(query))
            self._unlinked |= set(studies)
            self._link(studies, read_names(self._connection), gone)

    def link_waiting(self) -> None:
        """Links the studies that name what the run has brought, and those that have lost a link."""
        if self._brought or self._unlinked:
            names = read_names(self._connection)
            studies = sorted(self._unlinked | set(self._naming(names)))
            for some in batches(studies, AT_ONCE):
                self._link(some, names, frozenset())

    def _naming(self, names: Names) -> Iterator[str]:
        """Yields the studies whose conditions or interventions name what the run has brought."""
        query = select(Study.id, Study.conditions, Study.interventions).execution_options(yield_per=1000)
        for id, conditions, interventions in self._connection.execute(query):
            links = Links(names, "", Notes())
            after = relinked({"conditions": conditions or [], "interventions": interventions or []}, links)
            if linked_keys(after) & self._brought:
                yield id

    def _link(self, studies: Iterable[str], names: Names, gone: frozenset[str]) -> None:
        """Links some studies anew, and takes back what they contributed to the records that they no longer name."""
        items: dict[int, SourceItem] = {}
        lost: dict[Key, set[str]] = defaultdict(set)
        for number, (item, before) in enumerate(self._changed(studies, names, gone)):
            items[number] = item
            for key in linked_keys(before.values) - linked_keys(item.candidates[-1].data):
                lost[key].add(before.source)
        sources = [item.candidates[0].data["id"] for item in items.values()]
        known = contributions_to(self._connection, [("sources", id) for id in sources])
        self._write({number: _with_source(item, known) for number, item in items.items()})
        self._take_back(lost)

    def _changed(
        self, studies: Iterable[str], names: Names, gone: frozenset[str]
    ) -> Iterator[tuple[SourceItem, Contribution]]:
        """Yields the items of studies whose links change, each with what its registry record states now."""
        for (_, id), history in contributions_to(self._connection, [("studies", id) for id in studies]).items():
            for layer in history.layers:
                if layer.format == FORMAT and not layer.part and (item := _item(id, layer, names, gone)):
                    yield item, layer

    def _take_back(self, lost: Mapping[Key, set[str]]) -> None:
        """Takes back what some sources contributed to provisional records; one without contributions is deleted."""
        if not lost:
            return
        revision = self._revising.opened()
        left: dict[Key, list[Contribution]] = {}
        for key, standing in self._provisional(lost):
            taken_back, left[key] = _parted(standing, lost[key])
            self._empty(key, taken_back, revision)
        self._put(left)

    def _provisional(self, keys: Iterable[Key]) -> Iterator[tuple[Key, CurrentRecord]]:
        """Yields the records that only registry records contributed to, and no person."""
        histories = contributions_to(self._connection, keys)
        for key, entered in last_entered(self._connection, histories).items():
            standing = CurrentRecord(key[0], bare(key[0], orjson.loads(entered)), histories[key].layers)
            if is_provisional(key[0], standing.layers) and not standing.is_touched():
                yield key, standing

    def _empty(self, key: Key, layers: list[Contribution], revision: int) -> None:
        """Stores that some contributions are taken back."""
        empty = [layer._replace(digest="", values={}, revision=revision) for layer in layers]
        rows = [remembered(key, layer, as_entered=True) for layer in empty]
        again = [row for row, layer in zip(rows, layers, strict=True) if layer.revision == revision]
        remember(self._connection, rows, again)

    def _put(self, left: Mapping[Key, list[Contribution]]) -> None:
        """Writes records as they follow from the contributions that are left, and deletes those that have none."""
        bare_keys = [key for key, layers in left.items() if not layers]
        needed = still_referred(self._connection, bare_keys)
        gone = [key for key in bare_keys if key not in needed]
        folded = [(key, _folded(key, layers)) for key, layers in left.items() if layers]
        drafts = [
            Submission(number, key[0], {"id": key[1], **record.record}) for number, (key, record) in enumerate(folded)
        ]
        entries, faults = check(self._connection, drafts, gone)
        if faults:  # what is left was valid with more beside it; the run must not end with half of this written
            raise RuntimeError(f"a record without what was taken back breaks rules: {faults}")
        self._revising.put(entries, gone)


def _parted(standing: CurrentRecord, sources: set[str]) -> tuple[list[Contribution], list[Contribution]]:
    """The contributions of some sources to a record, and those of the others."""
    theirs = [layer for layer in standing.layers if layer.source in sources]
    return theirs, [layer for layer in standing.layers if layer.source not in sources]


def _folded(key: Key, layers: Iterable[Contribution]) -> CurrentRecord:
    """The record that follows from contributions alone."""
    record = CurrentRecord(key[0], {}, ())
    for layer in by_precedence(key[0], layers):
        record = record.with_contribution(layer)
    return record


def _links(study: Json) -> list[Any]:
    """The links of a study and of its interventions, in order."""
    items = study.get("interventions", ())
    return [study.get("products", []), study.get("indications", []), [item.get("product") for item in items]]


def _item(id: str, layer: Contribution, names: Names, gone: frozenset[str]) -> SourceItem | None:
    """The item of a study with the links that its names have now; `None` if they are the same."""
    links = Links(names, layer.source, Notes(), gone)
    values = relinked(layer.values, links)
    if _links(values) == _links(layer.values):
        return None
    study = Candidate("studies", {"id": id, **values})
    return SourceItem(id, (Candidate("sources", {"id": layer.source}), *links.candidates, study))


def _with_source(item: SourceItem, known: Mapping[Key, ContributionHistory]) -> SourceItem:
    """The item with what its source states of itself."""
    source = item.candidates[0].data["id"]
    history = known[("sources", source)]
    values = next(layer.values for layer in history.layers if layer.source == source)
    return item._replace(candidates=(Candidate("sources", {"id": source, **values}), *item.candidates[1:]))
