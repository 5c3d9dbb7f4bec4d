"""Matching: finds the record that a candidate belongs to. Where several fit equally well, none is chosen."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from app.imports.candidates import Json
from app.imports.linkage.identifiers import Identifier, pmid_of, registry_prefix, reported_publications, texts, tiers
from app.imports.linkage.prefetch import NameKey, Prefetched
from app.records.base_models import fold
from app.records.vocabularies import RecordType
from app.store.reconciliation.history import ContributionHistory
from app.store.versions import Key


class Ambiguous(Exception):
    """Several records match a candidate equally well."""

    def __init__(self, type: RecordType, ids: Iterable[str]) -> None:
        super().__init__(", ".join(f"{type}/{id}" for id in sorted(ids)))


class Matcher:
    """Matches candidates to stored records, and to the records that the batch has created so far."""

    def __init__(self, prefetched: Prefetched) -> None:
        self._prefetched = prefetched
        self._new_names: dict[NameKey, list[tuple[str, str]]] = defaultdict(list)
        self._own_names: dict[Key, dict[str, set[str]]] = {}
        self._registrations: dict[str, list[str]] = {}
        self.created: set[Key] = set()

    def register(self, type: RecordType, id: str, data: Json) -> None:
        """Adds the names of a candidate to the record that it is assigned to, so that later candidates find it."""
        own = {kind: set(keys) for kind, keys in self._names_of((type, id)).items()}
        for identifier in (each for tier in tiers(type, data) for each in tier):
            for kind in identifier.kinds:
                self._new_names[type, identifier.key].append((kind, id))
                own.setdefault(kind, set()).add(identifier.key)
        self._own_names[type, id] = own
        if type in ("studies", "publications"):
            self._register_registrations(type, id, data)
        if not self.exists((type, id)):
            self.created.add((type, id))

    def _register_registrations(self, type: RecordType, id: str, data: Json) -> None:
        """Adds registration numbers: a publication is found by them; a study keeps them in order, known ones first."""
        numbers = [fold(type, name) for name in texts(data, "registry_ids")]
        if type == "studies":
            self._registrations[id] = list(dict.fromkeys([*self._registrations_of(id), *numbers]))
            return
        for number in numbers:
            self._new_names[type, number].append(("registry-id", id))

    def exists(self, key: Key) -> bool:
        """Whether the record is stored, or created by this batch."""
        return key in self._prefetched.existing or key in self.created

    def ids_named(self, type: RecordType, key: str, kinds: frozenset[str] | None = None) -> set[str]:
        """The ids of the records that have a folded name, of some kinds of names or of any."""
        found = (*self._prefetched.names.get((type, key), ()), *self._new_names.get((type, key), ()))
        return {id for kind, id in found if kinds is None or kind in kinds}

    def find_by_name(self, type: RecordType, name: str) -> str | None:
        """The id of the one record that a name of any kind identifies; `None` if there are none or several."""
        if self.exists((type, name)):
            return name
        found = self.ids_named(type, fold(type, name))
        return found.pop() if len(found) == 1 else None

    def find_publication(self, id: str) -> str | None:
        """The id of the stored publication for an id that a study proposes, by the PMID in it if need be."""
        if self.exists(("publications", id)):
            return id
        pmid = pmid_of(id)
        return next(iter(self.ids_named("publications", pmid, frozenset({"pmid"}))), None) if pmid else None

    def find(self, type: RecordType, data: Json, source: str) -> str | None:
        """The id of the record that a candidate belongs to, or `None` if it is new; raises `Ambiguous`."""
        for id in texts(data, "id"):
            if self.exists((type, id)) and self._may_match(type, id, data, source):
                return id
        for tier in tiers(type, data):
            found = self._match_tier(type, tier, data)
            if len(found) > 1:
                raise Ambiguous(type, found)
            if found:
                return found.pop()
        return self._match_by_publications(data) if type == "studies" else None

    def _match_tier(self, type: RecordType, tier: list[Identifier], data: Json) -> set[str]:
        """The ids of the records that the identifiers of one tier match and that nothing tells apart from the
        candidate.
        """
        found = {id for identifier in tier for id in self.ids_named(type, identifier.key, identifier.kinds)}
        if type == "publications":
            return {id for id in found if not self.is_other_publication(id, data)}
        if type == "studies":
            found = {id for id in found if not self._is_other_trial(id, data)}
            return self._narrow_studies(found, data) if len(found) > 1 else found
        return found

    def _may_match(self, type: RecordType, id: str, data: Json, source: str) -> bool:
        """Whether the record that has the proposed id can be the candidate's.

        Ids of products and indications are slugs of names, and two names can have one slug. Such a record must share a
        name with the candidate or have a contribution of the same source.
        """
        if type == "publications":
            return not self.is_other_publication(id, data)
        if type not in ("products", "indications"):
            return True
        known = {layer.source for layer in self._prefetched.layers.get((type, id), ContributionHistory()).layers}
        own = set().union(*self._names_of((type, id)).values())
        names = {identifier.key for tier in tiers(type, data) for identifier in tier}
        return source in known or not names or bool(own & names)

    def _registrations_of(self, id: str) -> list[str]:
        return self._registrations.get(id) or self._prefetched.registrations.get(id, [])

    def _is_other_trial(self, id: str, data: Json) -> bool:
        """Whether a study is a pooled one, or its first number in the same registry is another one.

        Registrations also name related trials: an extension names its parent, and two trials of a programme share one
        EudraCT number.
        """
        for number in texts(data, "registry_ids")[:1]:
            own = fold("studies", number)
            alike = [name for name in self._registrations_of(id) if registry_prefix(name) == registry_prefix(own)]
            return id in self._prefetched.pooled or alike[:1] not in ([], [own])
        return False

    def _names_of(self, key: Key) -> dict[str, set[str]]:
        return self._own_names.get(key) or self._prefetched.own_names.get(key, {})

    def is_other_publication(self, id: str, data: Json) -> bool:
        """Whether a publication has another PMID than the candidate or, if one of them has none, another DOI."""
        own = self._names_of(("publications", id))
        for kind in ("pmid", "doi"):
            stated = {fold("publications", text) for text in texts(data, kind)}
            if stated and own.get(kind):
                return not stated & own[kind]
        return False

    def _narrow_studies(self, found: set[str], data: Json) -> set[str]:
        """Narrows down several studies that share a registration number.

        The study of the same title is preferred, then the one without registrations that the candidate lacks, then the
        one that shares no participants with others. All that still fit are returned if these tests leave more than one.
        """
        stated = {fold("studies", id) for id in texts(data, "registry_ids")}
        titles = {fold("studies", title) for title in texts(data, "title")}
        prefetched = self._prefetched
        tests: tuple[Callable[[str], bool], ...] = (
            lambda id: prefetched.study_titles.get(id) in titles,
            lambda id: self._names_of(("studies", id)).get("registry-id", set()) <= stated,
            lambda id: id not in prefetched.overlapping_studies,
        )
        for fits in tests:
            fitting = {id for id in found if fits(id)}
            if len(fitting) == 1:
                return fitting
            found = fitting or found
        return found

    def _match_by_publications(self, data: Json) -> str | None:
        """The one unregistered study that the candidate's publications report.

        Pooled studies do not count, nor do publications that report several studies.
        """
        publications = [id for id in map(self.find_publication, reported_publications(data)) if id]
        found = {study for id in publications for study in self._prefetched.studies_by_publication.get(id, ())}
        one = found.pop() if len(found) == 1 else None
        registered = one and self._names_of(("studies", one)).get("registry-id")
        return one if one in self._prefetched.study_titles.keys() - self._prefetched.pooled and not registered else None

    def sharing_registration(self, type: RecordType, data: Json) -> list[str]:
        """The ids of records of another type that state one of the candidate's registration numbers.

        A number that several studies share links to none of them.
        """
        kinds, found = frozenset({"registry-id"}), []
        for name in texts(data, "registry_ids"):
            ids = self.ids_named(type, fold(type, name), kinds)
            if type == "publications":
                found += sorted(ids)
            elif len(ids) == 1:
                found += ids
        return list(dict.fromkeys(found))

    def reported_by(self, data: Json) -> list[str]:
        """The ids of the stored studies whose registry records name a publication, by its PMID."""
        kinds = frozenset({"reported-pmid"})
        return sorted(id for pmid in texts(data, "pmid") for id in self.ids_named("studies", pmid, kinds))
