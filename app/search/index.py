"""The search index, a copy of all current documents in Tantivy that follows the database.

Each commit of the index holds the revision that it has seen. Before the index answers for a database state, it brings
in the changes since that revision: few changes within the request, many in a thread beside it. One process writes at a
time, as Tantivy has a lock that ends with its process, and the other processes see what it commits. A missing, outdated
or damaged index is rebuilt in a thread; until then, only requests that need the index are refused.
"""

import shutil
import threading
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, func, or_, select, tuple_
from tantivy import Document as Entry
from tantivy import Index, IndexWriter, Query, Searcher

from app.common.problems import Problem, no_room
from app.database.engine import reading
from app.query import pages
from app.records.vocabularies import RecordType
from app.search.index_entries import entry_of
from app.search.index_folders import Hold, is_disk_full, remove_unused
from app.search.schema import META, digest, open_index, schema
from app.store.documents import Document

log = structlog.get_logger("evidence.search")

HEAP_BYTES = 256_000_000
SMALL_HEAP_BYTES = 32_000_000
FEW = 2_000
"""The largest number of changes that are brought in within a request; more are brought in by a thread."""

PATIENCE = 2.0
"""The seconds that a request waits while a thread builds the index; then it is answered 503 with `Retry-After`."""

BATCH = 1_000
CLOSING_SECONDS = 10

T = TypeVar("T")


class _IndexClosing(Exception):
    """The service ends before the index was built."""


_CURRENT = select(Document.type, Document.id, Document.revision, Document.body).where(Document.until_revision.is_(None))
_ALL = _CURRENT.order_by(Document.type, Document.id)
_CHANGE = (Document.revision, Document.type, Document.id)


def _all_documents(connection: Connection) -> Generator[tuple[RecordType, str, bytes | None], None, None]:
    """All current documents, ordered by type and id, as the database's index of current documents is."""
    with closing(connection.execute(_ALL, execution_options={"yield_per": BATCH})) as rows:
        for type, id, _, body in rows:
            yield type, id, body


_CURRENT_OR_DELETED = select(Document.type, Document.id, Document.revision, Document.body, Document.change).where(
    or_(Document.until_revision.is_(None), Document.change == "deleted")
)


def _changes_since(connection: Connection, seen: int) -> Generator[tuple[RecordType, str, bytes | None], None, None]:
    """The current documents that changed after revision `seen`, in the order of their revisions.

    The body is None for a record that was deleted. A record that was restored since comes with its tombstone first.
    """
    last: tuple[Any, ...] = (seen + 1, "", "")
    while True:
        query = _CURRENT_OR_DELETED.where(tuple_(*_CHANGE) >= last).order_by(*_CHANGE).limit(BATCH + 1)
        rows = connection.execute(query).all()
        yield from ((row.type, row.id, row.body if row.change != "deleted" else None) for row in rows[:BATCH])
        if len(rows) <= BATCH:
            return
        last = (rows[-1].revision, rows[-1].type, rows[-1].id)


class SearchIndex:
    """An index that follows the database of `engine`; `path` is its folder, or None for an index in memory."""

    def __init__(self, path: Path | None, engine: Engine) -> None:
        self.path, self.engine = path, engine
        self._index: Index | None = None
        self._epoch = ""
        self._newest: tuple[Searcher, int] | None = None
        """The newest searcher with the revision that it has seen."""
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._closing = False
        self._hold = Hold()
        self._full = False
        """Whether the last write failed because the disk was full."""

    def current(self, connection: Connection, at: pages.DatabaseState) -> Searcher:
        """A searcher that has seen the state `at` or a later one.

        Raises a `Problem`: search-not-ready while the index is being built, or another one where the disk is full.
        """
        searcher = self.seen(at)
        if searcher is not None:
            return searcher
        if not self._idle.wait(PATIENCE):
            raise _not_ready()
        try:
            with self._lock:
                searcher = self.seen(at)
                if searcher is not None or self._behind(connection, at) <= FEW:
                    return searcher or self._catch_up(connection, at)
        except (OSError, ValueError) as error:  # no directory, no room, or unreadable files
            log.warning("the index cannot be used", error=str(error))
            self._full = self._full or is_disk_full(error, self.path)
            raise (no_room() if self._full else _not_ready()) from None
        full = self._full
        self.build_beside()
        raise no_room() if full else _not_ready()

    def seen(self, at: pages.DatabaseState) -> Searcher | None:
        """A searcher that has seen the state `at` or a later one if there is one already, else None."""
        if self._index is None or self._epoch != at.epoch:
            return None
        if self._newest is None or self._newest[1] < at.revision:
            self._reload(self._index)
        searcher, revision = self._newest or (None, -1)
        return searcher if revision >= at.revision else None

    def _reload(self, index: Index) -> Searcher:
        index.reload()
        searcher = index.searcher()
        self._full = False
        self._newest = searcher, _revision(searcher)
        return searcher

    def _behind(self, connection: Connection, at: pages.DatabaseState) -> int:
        seen = self._open(at)
        query = select(func.count()).where(Document.until_revision.is_(None), Document.revision > seen)
        return connection.scalars(query).one()

    def _directory(self, epoch: str) -> Path | None:
        return self.path / f"{digest()}-{epoch}" if self.path else None

    def _open(self, at: pages.DatabaseState) -> int:
        """Open the index of the database's epoch, emptied if it is damaged; returns the revision that it has seen."""
        if self._index is None or self._epoch != at.epoch:
            directory = self._directory(at.epoch)
            try:
                self._index = _open_folder(directory, self._hold)
            except ValueError as error:
                if is_disk_full(error, self.path):
                    raise
                log.warning("the index is damaged and is made anew", error=str(error))
                shutil.rmtree(str(directory), ignore_errors=True)
                self._index = _open_folder(directory, self._hold)
            self._epoch, self._newest = at.epoch, None
        return _revision(self._index.searcher())

    def _catch_up(self, connection: Connection, at: pages.DatabaseState) -> Searcher:
        seen = self._open(at)
        assert self._index is not None
        self._fill(self._index, connection, seen, at.revision, SMALL_HEAP_BYTES)
        return self._reload(self._index)

    def _fill(self, index: Index, connection: Connection, seen: int, until: int, heap: int) -> int:
        writer = _writer(index, heap)
        try:
            changed: Generator[tuple[RecordType, str, bytes | None], None, None]
            changed = _changes_since(connection, seen) if seen else _all_documents(connection)
            with closing(changed):  # a server-side cursor must end before its connection does
                count = _write(writer, self._unless_closing(changed), fresh=seen == 0)
            _commit(writer, until)
        except BaseException:
            writer.rollback()
            raise
        finally:
            writer.wait_merging_threads()
        return count

    def _unless_closing(self, changed: Iterable[T]) -> Iterator[T]:
        for one in changed:
            if self._closing:
                raise _IndexClosing
            yield one

    def close(self) -> None:
        """Stop a build that is under way, and release the folder. The next start continues from the last commit."""
        self._closing = True
        self._idle.wait(CLOSING_SECONDS)
        self._hold.release()

    def build_beside(self) -> None:
        """Start a thread that brings in what is missing, unless one runs already."""
        if self._idle.is_set():
            self._idle.clear()
            threading.Thread(target=self._build_beside, name="index", daemon=True).start()

    def _build_beside(self) -> None:
        try:
            with reading(self.engine) as connection:
                at = pages.now(connection)
                self.build(connection, at)
            remove_unused(self._directory(at.epoch))
        except _IndexClosing:
            log.info("the index was not finished")
        except Exception as error:
            self._full = is_disk_full(error, self.path)
            log.warning("the index could not be built", error=str(error))
        finally:
            self._idle.set()

    def build(self, connection: Connection, at: pages.DatabaseState) -> int:
        """Bring in all changes up to the state `at`; returns the number of entries written."""
        started = time.monotonic()
        with self._lock:
            seen = self._open(at)
            assert self._index is not None
            count = 0 if seen >= at.revision else self._fill(self._index, connection, seen, at.revision, HEAP_BYTES)
            self._reload(self._index)
        log.info("index built", entries=count, revision=at.revision, seconds=round(time.monotonic() - started, 2))
        return count


def _open_folder(directory: Path | None, hold: Hold) -> Index:
    hold.take(directory)
    if directory:
        directory.mkdir(parents=True, exist_ok=True)
    index = open_index(str(directory) if directory else None)
    index.reload()
    return index


def _not_ready() -> Problem:
    return Problem("search-not-ready", "The search index is being made.", headers={"retry-after": "5"})


def _writer(index: Index, heap: int) -> IndexWriter:
    """The index's only writer; waits up to ten seconds for another process that has it, then raises a `Problem`."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return index.writer(heap, 2 if heap == HEAP_BYTES else 1)
        except ValueError:
            if time.monotonic() > deadline:
                raise _not_ready() from None
            time.sleep(0.02)


def _write(writer: IndexWriter, changed: Iterable[tuple[RecordType, str, bytes | None]], *, fresh: bool) -> int:
    count = 0
    for count, (type, id, body) in enumerate(changed, 1):
        if not fresh:
            writer.delete_documents_by_term("key", f"{type}/{id}")
        if body is not None:
            writer.add_json(entry_of(type, id, body))
        if count % 50_000 == 0:
            log.info("indexing", entries=count)
    return count


def _commit(writer: IndexWriter, revision: int) -> None:
    """Commit the entries together with their revision: after a crash, either both or neither are there."""
    writer.delete_documents_by_term("key", META)
    meta = Entry()
    meta.add_text("key", META)
    meta.add_unsigned("revision", revision)
    writer.add_document(meta)
    writer.commit()


_META_QUERY = Query.term_query(schema(), "key", META)


def _revision(searcher: Searcher) -> int:
    hits = searcher.search(_META_QUERY, 1, count=False).hits
    return int(searcher.doc(hits[0][1])["revision"][0]) if hits else 0
