"""Assignment: decides to which record each part of a unit belongs, before anything is merged.

Unit -> LinkedCandidate for each candidate, partial update and study-publication link
     -> keys of withdrawn records, warnings, and the partial updates of unknown records
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import orjson

from app.common.problems import Fault
from app.imports.candidates import (
    Candidate,
    ImportWarning,
    Json,
    PartialUpdate,
    PrebuiltCandidate,
    SourceItem,
)
from app.imports.editions import Outdated, StoredEditions, edition_of
from app.imports.linkage.identifiers import tiers
from app.imports.linkage.matching import Ambiguous, Matcher
from app.imports.linkage.prefetch import Prefetched
from app.imports.linkage.references import (
    with_resolved_ids,
    without_left_out,
    without_missing_links,
    without_optional_links,
)
from app.imports.provisional import TYPES
from app.records.base_models import fold
from app.records.registry import RESOURCES
from app.records.vocabularies import RecordType
from app.store.reconciliation.history import ContributionHistory
from app.store.rendering import etag_of
from app.store.versions import Key

LONGEST_ID = 110
"""The length to which an id is cut before a suffix is added to it."""


class LinkedCandidate(NamedTuple):
    """A candidate or partial update together with the record that it belongs to."""

    unit: int
    """The number of its unit in the batch."""
    key: Key
    source: str
    """The id of the source that states it."""
    part: str
    """Empty for a candidate; else it tells the partial updates of one source apart, such as `mention`."""
    data: Json
    digest: str
    is_whole: bool
    """Whether it is a whole candidate. A partial update holds only some fields, and changes only an existing record."""
    prebuilt: PrebuiltCandidate | None = None
    """What the reader process made of it, if that is right in this form. If it has a record, `data` holds only the
    fields that record linkage needs.
    """

    @property
    def full_data(self) -> Json:
        """All data of the candidate, under the id of the record that it belongs to."""
        if self.prebuilt is None or self.prebuilt.record is None:
            return self.data
        return without_optional_links(self.key[0], orjson.loads(self.prebuilt.json)) | {"id": self.key[1]}


class Assignments(NamedTuple):
    """The result of assigning one unit."""

    linked: list[LinkedCandidate]
    withdrawn: list[Key]
    warnings: list[ImportWarning]
    dropped_links: int
    """The number of links to publications that are not stored and were left out."""
    is_skipped: bool
    """Whether the unit has candidates besides sources, and none of them could be assigned."""
    unassigned: tuple[PartialUpdate, ...] = ()
    """Partial updates of records that are not stored so far."""
    supersedes: bool = False
    """Whether the unit replaces an older edition that this same run has imported."""


class Unassignable(Exception):
    """A candidate lacks the id that assignment needs."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(detail, "/id")


def digest_of(type: RecordType, data: Json, json: bytes | None = None) -> str:
    """The digest of a candidate's data; `json` is the data as JSON with sorted keys, if it is at hand.

    The day on which a source was retrieved is left out, because its content is known by its hash.
    """
    if json is None or type == "sources":
        lasting = {name: value for name, value in data.items() if type != "sources" or name != "retrieved_on"}
        json = orjson.dumps(lasting, option=orjson.OPT_SORT_KEYS)
    return etag_of(json)


class Assigner:
    """Assigns units in their order. Each unit may refer to records that earlier units of the batch create."""

    def __init__(self, prefetched: Prefetched, format: str, editions: StoredEditions) -> None:
        self._prefetched, self.format, self.editions = prefetched, format, editions
        self.matcher = Matcher(prefetched)

    def assign(self, units: Mapping[int, SourceItem]) -> tuple[dict[int, list[Assignments]], dict[int, Fault]]:
        """Assigns all units; returns the assignments and, for units that cannot be assigned, the fault.

        Partial updates are assigned after all candidates, because they may belong to records of later units.
        """
        assigned: dict[int, list[Assignments]] = {}
        faults: dict[int, Fault] = {}
        unit_assigners = {number: _UnitAssigner(self, number, unit) for number, unit in units.items()}
        for number, unit in unit_assigners.items():
            try:
                assigned[number] = [unit.assign_candidates()]
            except Unassignable as error:
                faults[number] = error.fault
            except Outdated as outdated:
                assigned[number] = [Assignments([], [], [outdated.warning], 0, is_skipped=True)]
        for number, found in assigned.items():
            if not found[0].is_skipped:
                found.append(unit_assigners[number].assign_partial_updates())
        return assigned, faults

    def may_restore(self, key: Key) -> bool:
        """Whether a deleted record was deleted by an import or by a reverted import, and not by a person."""
        known = self._prefetched.layers.get(key, ContributionHistory())
        return known.ever and all(layer.part for layer in known.layers)

    def is_deleted(self, key: Key) -> bool:
        """Whether the record was deleted and the batch has not created it again."""
        return key in self._prefetched.deleted_keys and not self.matcher.exists(key)


class _UnitAssigner:
    """Assigns the parts of one unit."""

    def __init__(self, assigner: Assigner, number: int, unit: SourceItem) -> None:
        self._assigner, self._number, self._unit = assigner, number, unit
        self._matcher = assigner.matcher
        self._ids: dict[Key, str | None] = {}
        """The id of the stored record for each id that the unit proposes; `None` if the record is left out."""
        self._warnings: list[ImportWarning] = []
        self._dropped_links = 0
        self._source = fold("sources", assigner.format)
        self._supersedes = False

    def assign_candidates(self) -> Assignments:
        linked = [one for candidate in self._unit.candidates for one in self._assign_candidate(candidate)]
        main = [one for one in linked if one.is_whole and one.key[0] != "sources"]
        candidates = [candidate for candidate in self._unit.candidates if candidate.type != "sources"]
        if candidates and not main:
            return Assignments([], [], self._warnings, self._dropped_links, is_skipped=True)
        superseding, dropped = self._supersedes, self._dropped_links
        return Assignments(linked, [], self._warnings, dropped, is_skipped=False, supersedes=superseding)

    def assign_partial_updates(self) -> Assignments:
        """Assigns partial updates and withdrawals, once all candidates of the batch are assigned."""
        linked, unassigned, find = [], [], self._matcher.find_by_name
        for update in self._unit.partial_updates:
            id = find(update.type, update.name)
            if id is None:
                unassigned.append(update)
            else:
                linked.append(self._linked((update.type, id), update.data, "mention", is_whole=False))
        withdrawn = [(each.type, id) for each in self._unit.withdrawals if (id := find(each.type, each.name))]
        return Assignments(linked, withdrawn, [], 0, is_skipped=False, unassigned=tuple(unassigned))

    def _resolve(self, type: RecordType, id: str) -> str | None:
        if (type, id) in self._ids:
            return self._ids[type, id]
        return self._matcher.find_publication(id) if type == "publications" else id

    def _assign_candidate(self, candidate: Candidate) -> Iterator[LinkedCandidate]:
        proposed = candidate.data.get("id") if isinstance(candidate.data, dict) else None
        if not isinstance(proposed, str):
            raise Unassignable("what is offered needs an id")
        data = self._without_foreign_doi(candidate.type, self._with_local_ids(candidate))
        id = self._find_id(candidate.type, proposed, data)
        self._ids[candidate.type, proposed] = id
        if id is None:
            return
        if candidate.type == "sources" and self._unit.candidates[0] is candidate:
            self._source, superseded = id, self._assigner.editions.superseded(id, edition_of(data))
            self._supersedes = superseded is not None
            self._warnings += [superseded] if superseded else []
        self._matcher.register(candidate.type, id, data)
        yield self._linked_candidate(candidate, (candidate.type, id), data)
        yield from self._registration_links((candidate.type, id), data)

    def _linked_candidate(self, candidate: Candidate, key: Key, found: Json) -> LinkedCandidate:
        """Links a candidate to a record.

        `found` are the fields by which the record was found, with the ids of stored records. A prebuilt candidate can
        be used as it is only if these are what it was built with; else its full data is restored and its ids are
        replaced.
        """
        data, made = found | {"id": key[1]}, candidate.prebuilt or PrebuiltCandidate(None)
        if made.record is None:
            one = self._linked(key, data, "", is_whole=True)
            return one._replace(prebuilt=made) if made.entered and data == candidate.data else one
        if data == without_optional_links(candidate.type, candidate.data):
            return LinkedCandidate(self._number, key, self._source, "", data, made.digest, is_whole=True, prebuilt=made)
        return self._restored_candidate(candidate, key, data, made.entered)

    def _restored_candidate(self, candidate: Candidate, key: Key, data: Json, entered: bytes | None) -> LinkedCandidate:
        """Links a candidate with its full data, because its prebuilt rows refer to other ids."""
        whole = candidate.full_data
        kept, _ = self._resolved(candidate.type, whole)
        data |= {name: value for name, value in kept.items() if name not in candidate.data or name == "provenance"}
        one = self._linked(key, data, "", is_whole=True)
        return one._replace(prebuilt=PrebuiltCandidate(entered)) if entered and data == whole else one

    def _linked(self, key: Key, data: Json, part: str, *, is_whole: bool) -> LinkedCandidate:
        return LinkedCandidate(self._number, key, self._source, part, data, digest_of(key[0], data), is_whole)

    def _with_local_ids(self, candidate: Candidate) -> Json:
        """A candidate's data with the ids of stored records; other links are dropped with a warning."""
        left_out = {key for key, id in self._ids.items() if id is None and key[0] in TYPES}
        stated = candidate.data
        if left_out and candidate.type == "studies":
            stated = without_left_out(candidate.full_data, left_out)
        data, missing = self._resolved(candidate.type, stated)
        self._dropped_links += len(missing)
        self._warnings += [ImportWarning("publication-not-here", id) for id in missing]
        return data

    def _resolved(self, type: RecordType, data: Json) -> tuple[Json, list[str]]:
        kept, missing = without_missing_links(type, data, self._resolve)
        return with_resolved_ids(RESOURCES[type].entered, kept, self._resolve), missing

    def _without_foreign_doi(self, type: RecordType, data: Json) -> Json:
        """Removes a publication's DOI, with a warning, if a publication with another PMID has it already."""
        doi = data.get("doi")
        if type != "publications" or not isinstance(doi, str):
            return data
        owners = self._matcher.ids_named(type, fold(type, doi), frozenset({"doi"}))
        others = sorted(id for id in owners if self._matcher.is_other_publication(id, data))
        if not others:
            return data
        self._warnings.append(ImportWarning("doi-of-another", f"{doi} is the DOI of {others[0]}"))
        return {name: value for name, value in data.items() if name != "doi"}

    def _find_id(self, type: RecordType, proposed: str, data: Json) -> str | None:
        """The id of the record that a candidate belongs to: an existing one, or the id of the new record.

        Returns `None`, with a warning, if several records match or if a person has deleted the record.
        """
        try:
            found = self._matcher.find(type, data, self._source)
        except Ambiguous as ambiguous:
            self._warnings.append(
                ImportWarning(f"ambiguous-{RESOURCES[type].singular}", f"{proposed} may be {ambiguous}")
            )
            return None
        key = (type, proposed)
        if found is None and self._assigner.is_deleted(key) and not self._assigner.may_restore(key):
            self._warnings.append(ImportWarning("deleted-here", f"{type}/{proposed}"))
            return None
        return found or self._free_id(type, proposed, data)

    def _free_id(self, type: RecordType, proposed: str, data: Json) -> str:
        """The proposed id, or, if another record has that id, one with a suffix made from the candidate's names."""
        if not self._matcher.exists((type, proposed)):
            return proposed
        names = sorted(identifier.key for tier in tiers(type, data) for identifier in tier)
        return f"{proposed[:LONGEST_ID]}-{etag_of(orjson.dumps(names))[:8]}"

    def _registration_links(self, key: Key, data: Json) -> Iterator[LinkedCandidate]:
        """Yields links between studies and publications: of those that state the same registration number, and of a
        publication that comes after the study that names its PMID.
        """
        if key[0] == "publications":
            studies = [*self._matcher.sharing_registration("studies", data), *self._matcher.reported_by(data)]
            for study in dict.fromkeys(studies):
                yield self._publication_link(study, key[1])
        elif key[0] == "studies":
            for publication in self._matcher.sharing_registration("publications", data):
                yield self._publication_link(key[1], publication)

    def _publication_link(self, study: str, publication: str) -> LinkedCandidate:
        data = {"publications": [{"publication": publication, "reports_pooled_data": None}]}
        return self._linked(("studies", study), data, f"publications/{publication}", is_whole=False)
