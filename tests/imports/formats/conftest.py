"""The names of the seeds, by which readers link records."""

from pathlib import Path

import pytest

from app.database.engine import open_engine, reading
from app.imports.name_index import Names, read_names


@pytest.fixture
def seeded_names(sqlite_copy: Path) -> Names:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    with reading(engine) as connection:
        names = read_names(connection)
    engine.dispose()
    return names
