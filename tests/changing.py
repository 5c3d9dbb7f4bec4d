"""Changes to data for tests: a small world of records, edited, deleted and restored the way every change is made."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from sqlite3 import OperationalError as DriverError
from sqlite3 import connect
from typing import Any

from sqlalchemy import Engine, select, text
from sqlalchemy.exc import OperationalError

from app.records.vocabularies import RecordType
from app.store.documents import State
from app.store.revision import Summary, changing, write
from app.store.submission import Submission
from app.store.validation import check
from app.store.versions import Key

Json = dict[str, Any]
Typed = tuple[RecordType, Json]

CITED: Json = {"provenance": [{"source": "s"}]}
SOURCE: Typed = (
    "sources",
    {"id": "s", "kind": "article", "tier": "primary", "title": "A source", "text": "Pain fell."},
)


def change(engine: Engine, records: Iterable[Typed], gone: Sequence[Key] = (), reason: str = "test") -> Summary | None:
    """One change, or nothing where it would break something."""
    drafts = [Submission(number, type, record) for number, (type, record) in enumerate(records)]
    with changing(engine) as connection:
        entries, faults = check(connection, drafts, gone)
        if faults or still_referred_to(connection, drafts, gone):
            return None
        return write(connection, entries, actor="tester", reason=reason, gone=gone)


def still_referred_to(connection: Any, drafts: Iterable[Submission], gone: Sequence[Key]) -> bool:
    from app.store.validation import still_referred

    return bool(still_referred(connection, gone, but={(draft.type, draft.data["id"]) for draft in drafts}))


def is_locked(engine: Engine) -> bool:
    """Whether a writer is in the middle of its transaction."""
    try:
        if engine.dialect.name == "sqlite":
            with closing(connect(str(engine.url.database), timeout=0, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
        else:
            with engine.connect() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '1ms'"))
                connection.execute(select(State.revision).with_for_update())
    except (OperationalError, DriverError):
        return True
    return False
