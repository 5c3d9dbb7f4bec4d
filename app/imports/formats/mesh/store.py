"""Stores descriptors in place of those with the same ids. Descriptors that a file does not hold stay as they are."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete, select

from app.common.problems import Fault
from app.database.engine import table_of
from app.imports.candidates import Descriptor, Found, Rejection
from app.imports.report import MOST_REFUSALS, ImportRequest, Progress, Report, Stopped
from app.releases.service import counts_of
from app.search.mesh_models import MeshDescriptor, MeshTerm
from app.store.revision import Summary, close_revision, open_revision
from app.store.rows import batches


def _stored(connection: Connection) -> dict[str, Descriptor]:
    terms: dict[str, list[str]] = {}
    ordered = select(MeshTerm.descriptor_id, MeshTerm.term).order_by(MeshTerm.descriptor_id, MeshTerm.position)
    for id, term in connection.execute(ordered):
        terms.setdefault(id, []).append(term)
    rows = connection.execute(select(MeshDescriptor.id, MeshDescriptor.heading, MeshDescriptor.tree_numbers))
    return {r.id: Descriptor(r.id, r.heading, tuple(terms.get(r.id, ())), tuple(r.tree_numbers)) for r in rows}


def _write(connection: Connection, changed: list[Descriptor]) -> None:
    ids = [descriptor.id for descriptor in changed]
    connection.execute(delete(MeshTerm).where(MeshTerm.descriptor_id.in_(ids)))
    connection.execute(delete(MeshDescriptor).where(MeshDescriptor.id.in_(ids)))
    rows = [{"id": d.id, "heading": d.heading, "tree_numbers": list(d.tree_numbers)} for d in changed]
    connection.execute(table_of(MeshDescriptor).insert(), rows)
    terms = [{"descriptor_id": d.id, "position": at, "term": term} for d in changed for at, term in enumerate(d.terms)]
    if terms:
        connection.execute(table_of(MeshTerm).insert(), terms)


def import_units(
    connection: Connection, found: Iterable[Found], request: ImportRequest, progress: Progress = lambda _: None
) -> Report:
    """Imports descriptors in a transaction of `changing`, as `app.imports.pipeline` imports records."""
    descriptor_import = _DescriptorImport(connection, request)
    for batch in batches(found):
        descriptor_import.process(batch)
        progress(len(batch))
        if request.on_error == "stop" and descriptor_import.report.refusals_total >= MOST_REFUSALS:
            break
    return descriptor_import.end()


class _DescriptorImport:
    """One import of descriptors: its revision and its report."""

    def __init__(self, connection: Connection, request: ImportRequest) -> None:
        self.report = Report(request.format, request.name)
        self._connection, self._request = connection, request
        self._stored = _stored(connection)
        self._seen: set[str] = set()

    @property
    def _is_stopped(self) -> bool:
        return self._request.on_error == "stop" and self.report.refusals_total > 0

    def process(self, batch: Iterable[Found]) -> None:
        wanted = [each for each in map(self._read, batch) if each]
        changed = [each for each in wanted if self._stored.get(each.id) != each]
        self.report.units.applied += len(changed)
        self.report.units.unchanged += len(wanted) - len(changed)
        if changed and not self._is_stopped:
            if self.report.revision is None:
                self.report.revision = open_revision(self._connection, self._request.who.actor, self._request.reason)
            _write(self._connection, changed)

    def _read(self, found: Found) -> Descriptor | None:
        if isinstance(found, Rejection):
            self.report.reject_unreadable(found)
            return None
        self.report.units.read += 1
        descriptor = found.descriptor
        if descriptor is None or descriptor.id in self._seen:
            self.report.reject(found.place, "", [Fault(f"{found.place} stands here twice")])
            return None
        self._seen.add(descriptor.id)
        return descriptor

    def end(self) -> Report:
        report = self.report
        report.counts = counts_of(Summary())
        if self._is_stopped:
            report.stopped = True
            raise Stopped(report)
        if report.revision is not None:
            close_revision(self._connection, report.revision)
        return report
