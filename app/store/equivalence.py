"""Equivalence: which entries say what is stored already, although an older version of this program stored it in other
bytes, such as without a field that did not exist then.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import ValidationError
from sqlalchemy import Connection

from app.records.base_schemas import as_entered
from app.records.registry import RESOURCES
from app.store.documents import decompress
from app.store.entry import Entry
from app.store.quotes.reanchor import digest_of
from app.store.reconciliation.history import last_entered
from app.store.rows import batches, known


def with_stored_digests(connection: Connection, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield the entries; those that are stored with the same meaning get the stored digest, so they are unchanged."""
    for some in batches(entries):
        digests = known(connection, [entry.key for entry in some])
        others = [entry.key for entry in some if digests.get(entry.key, entry.digest) != entry.digest]
        stored = last_entered(connection, others) if others else {}
        for entry in some:
            before = stored.get(entry.key)
            if before is not None and _is_equivalent(entry, before, digests[entry.key]):
                yield replace(entry, stored=digests[entry.key])
            else:
                yield entry


def _is_equivalent(entry: Entry, before: bytes, digest: str) -> bool:
    """Whether a record as it was last entered reads as the entry does today, with its quotes at the same places."""
    if digest_of(before, entry.cited) != digest:
        return False
    try:
        read = RESOURCES[entry.type].entered.model_validate_json(before)
    except ValidationError:
        return False
    return as_entered(read) == decompress(entry.entered)
