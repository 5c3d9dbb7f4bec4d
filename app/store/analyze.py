"""What a database is told of tables that grow while it is written to."""

from sqlalchemy import Connection

from app.database.engine import table_of
from app.records.base_models import Deletion, Provenance, Record, RecordName
from app.records.sources.models import Source
from app.records.studies.models import Study
from app.store.documents import Document
from app.store.import_models import Imported

_MODELS = (Record, RecordName, Deletion, Document, Provenance, Imported, Source, Study)
LOOKED_UP = ", ".join(table_of(model).name for model in _MODELS)
"""Tables in which every change looks for what it refers to."""


class AnalyzeAfterBulk:
    """PostgreSQL takes what was never counted for small, and goes through all of it: what a long transaction brings is
    counted now and then, each time four times as much."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._next_analyze, self._rows_added = connection, 5_000, 0

    def by(self, rows: int) -> None:
        self._rows_added += rows
        if self._rows_added >= self._next_analyze:
            self._next_analyze *= 4
            if self._connection.dialect.name == "postgresql":
                self._connection.exec_driver_sql(f"ANALYZE {LOOKED_UP}")
