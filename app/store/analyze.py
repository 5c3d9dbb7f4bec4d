"""ANALYZE after bulk: keeping the planner's statistics right while a long transaction writes."""

from sqlalchemy import Connection

from app.database.engine import table_of
from app.records.base_models import Deletion, Provenance, Record, RecordName
from app.records.sources.models import Source
from app.records.studies.models import Study
from app.store.documents import Document
from app.store.import_models import Imported

_MODELS = (Record, RecordName, Deletion, Document, Provenance, Imported, Source, Study)
LOOKED_UP = ", ".join(table_of(model).name for model in _MODELS)
"""The tables in which every change looks up what it refers to."""


class AnalyzeAfterBulk:
    """Runs ANALYZE on PostgreSQL after 5,000 records of one transaction, after 20,000, after 80,000, and so on.

    PostgreSQL takes a table without statistics for a small one and scans it whole at every look-up; autovacuum's
    ANALYZE does not see rows that are not committed. On SQLite it does nothing.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection, self._next_analyze, self._records = connection, 5_000, 0

    def add(self, records: int) -> None:
        """Count records that were written, and run ANALYZE when the next threshold is reached."""
        self._records += records
        if self._records >= self._next_analyze:
            self._next_analyze *= 4
            if self._connection.dialect.name == "postgresql":
                self._connection.exec_driver_sql(f"ANALYZE {LOOKED_UP}")
