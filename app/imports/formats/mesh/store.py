"""Descriptors as they are published, in place of those stored; what a file does not name is left alone."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, select

from app.common.problems import Fault
from app.database.engine import table_of
from app.imports.candidates import Descriptor, Found, Rejection
from app.imports.report import MOST_REFUSALS, Order, Progress, Report, Stopped
from app.records.resource import Row
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


def _term_rows(descriptor: Descriptor) -> Iterator[Row]:
    for position, term in enumerate(descriptor.terms):
        yield {"descriptor_id": descriptor.id, "position": position, "term": term}


def _write(connection: Connection, changed: list[Descriptor]) -> None:
    gone = [descriptor.id for descriptor in changed]
    connection.execute(delete(MeshTerm).where(MeshTerm.descriptor_id.in_(gone)))
    connection.execute(delete(MeshDescriptor).where(MeshDescriptor.id.in_(gone)))
    rows = [{"id": d.id, "heading": d.heading, "tree_numbers": list(d.tree_numbers)} for d in changed]
    connection.execute(table_of(MeshDescriptor).insert(), rows)
    terms = [row for descriptor in changed for row in _term_rows(descriptor)]
    if terms:
        connection.execute(table_of(MeshTerm).insert(), terms)


def import_units(
    connection: Connection, found: Iterable[Found], order: Order, progress: Progress = lambda _: None
) -> Report:
    """As an import of records does, in a transaction of `changing`: see `app.imports.pipeline`."""
    descriptor_import = _DescriptorImport(connection, order)
    for batch in batches(found):
        descriptor_import.process(batch)
        progress(len(batch))
        if order.on_error == "stop" and descriptor_import.report.refusals_total >= MOST_REFUSALS:
            break
    return descriptor_import.end()


class _DescriptorImport:
    def __init__(self, connection: Connection, order: Order) -> None:
        self.report = Report(order.format, order.name)
        self._connection, self._order = connection, order
        self._stored = _stored(connection)
        self._seen: set[str] = set()

    @property
    def _is_stopped(self) -> bool:
        return self._order.on_error == "stop" and self.report.refusals_total > 0

    def process(self, batch: Iterable[Found]) -> None:
        wanted = [each for each in map(self._read, batch) if each]
        changed = [each for each in wanted if self._stored.get(each.id) != each]
        self.report.units.applied += len(changed)
        self.report.units.unchanged += len(wanted) - len(changed)
        if changed and not self._is_stopped:
            self._open()
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

    def _open(self) -> None:
        if self.report.revision is None:
            actor, reason = self._order.who.actor, self._order.reason
            self.report.revision = open_revision(self._connection, actor, reason)

    def end(self) -> Report:
        report = self.report
        report.counts = counts_of(Summary())
        if self._is_stopped:
            report.stopped = True
            raise Stopped(report)
        if report.revision is not None:
            close_revision(self._connection, report.revision)
        return report
