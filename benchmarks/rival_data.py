"""Large databases in little time, for comparisons only: 5,000 studies are written, and then multiplied by SQL.

The documents, names and parts of the copies are those that the write path would have made; the digests are not.
"""

import re
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from random import Random

from app.search.analysis import terms
from app.store.rendering import etag_of
from benchmarks.data import KEPT, SEED, database
from benchmarks.rival_tables import TABLES

BASE = 5_000
"""The number of studies that the write path writes."""

OWNERS = ("id", "record_id", "study_id", "publication_id")
"""The columns that may hold the id of a row's record; the first one that a table has counts."""

_COPIED = "*-000[0-9][0-9][0-9]"
_ROUND = re.compile(rb"-000([0-9]{3})(?![0-9])")
_PMID = re.compile(rb"(?<![0-9])9000([0-9]{4})(?![0-9])")
_REWRITTEN = {"pmid", "doi", "key", "name", "body"}


def _content_of_copy(content: bytes, copy: int) -> bytes:
    """Replace the ids, DOIs and PubMed ids in a text by those of a copy; a copy only refers to records of its round."""
    content = _ROUND.sub(b"-%03d\\1" % copy, content)
    return _PMID.sub(lambda found: b"%d" % (90_000_000 + copy * 10_000 + int(found[1])), content)


def _rewritten(content: str | bytes | None, copy: int) -> str | bytes | None:
    if isinstance(content, str):
        return _content_of_copy(content.encode(), copy).decode()
    return content if content is None else _content_of_copy(content, copy)


def _etag(body: bytes, copy: int) -> str:
    return etag_of(_content_of_copy(body, copy))


def _expression(table: str, column: str) -> str:
    if column == "etag":
        return "etag(body, :copy)"
    if column in _REWRITTEN and table in ("names", "documents", "publications"):
        return f'rewritten("{column}", :copy)'
    if column == "id" or column.endswith("_id"):
        moved = f"substr({column}, 1, length({column}) - 6) || :digits || substr({column}, -3)"
        return f"CASE WHEN {column} GLOB '{_COPIED}' THEN {moved} ELSE {column} END"
    return f'"{column}"'


def _statements(connection: sqlite3.Connection) -> list[str]:
    """One INSERT for each table with rows of copied records. The rows to multiply are put into temporary tables."""
    statements = []
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        owner = next((column for column in OWNERS if column in columns), None)
        if owner is None or table in ("database_state", "alembic_version"):
            continue
        connection.execute(f"CREATE TEMP TABLE copied_{table} AS SELECT * FROM {table} WHERE {owner} GLOB '{_COPIED}'")
        expressions = ", ".join(_expression(table, column) for column in columns)
        names = ", ".join(f'"{column}"' for column in columns)
        statements.append(f"INSERT INTO {table} ({names}) SELECT {expressions} FROM temp.copied_{table}")
    return statements


def _counted(connection: sqlite3.Connection, condition: str = "TRUE") -> int:
    (studies,) = connection.execute(f"SELECT count(*) FROM studies WHERE {condition}").fetchone()
    return int(studies)


def _multiply(file: Path, wanted: int) -> int:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.create_function("rewritten", 2, _rewritten, deterministic=True)
        connection.create_function("etag", 2, _etag, deterministic=True)
        connection.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -2000000; PRAGMA temp_store = MEMORY;")
        connection.execute("BEGIN IMMEDIATE")
        statements = _statements(connection)
        grown = _counted(connection, f"id GLOB '{_COPIED}'")
        missing = wanted - _counted(connection)
        for copy in range(1, 1 - (-missing // grown)):
            for statement in statements:
                connection.execute(statement, {"copy": copy, "digits": f"{copy:03}"})
        connection.execute("COMMIT")
        connection.execute("PRAGMA optimize")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return _counted(connection)


def multiplied_database(studies: int) -> Path:
    """A database file with at least `studies` studies, kept between runs like those of `benchmarks.data.database`."""
    base = database(min(BASE, studies))
    kept = KEPT / f"many-{studies}-{base.stem}.db"
    if not kept.exists():
        for outdated in KEPT.glob(f"many-{studies}-*"):
            outdated.unlink()
        unfinished = kept.with_suffix(".unfinished.db")
        shutil.copyfile(base, unfinished)
        started = time.perf_counter()
        there = _multiply(unfinished, studies)
        print(f"multiplied to {there:,} studies in {time.perf_counter() - started:.1f} s", flush=True)
        unfinished.replace(kept)
    return kept


RIVAL = """
CREATE TABLE studies (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT, acronym TEXT, summary TEXT, conclusion TEXT,
    population TEXT, design TEXT, phase TEXT, year INTEGER, indication TEXT, product TEXT, enrolled INTEGER,
    follow_up_weeks REAL, status TEXT
);
INSERT INTO studies
SELECT NULL, id, title, acronym, summary, conclusion, population, design, phase, year,
    (SELECT indication_id FROM ours.study_indications WHERE study_id = id ORDER BY position LIMIT 1),
    (SELECT product_id FROM ours.study_products WHERE study_id = id ORDER BY position LIMIT 1),
    enrolled, follow_up_weeks, status
FROM ours.studies ORDER BY id;
CREATE INDEX studies_design ON studies (design);
CREATE INDEX studies_phase ON studies (phase);
CREATE INDEX studies_year ON studies (year);
CREATE INDEX studies_indication ON studies (indication, year);
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, year INTEGER, indication TEXT, document TEXT NOT NULL
);
INSERT INTO documents
SELECT number, id, year, indication, (
    SELECT CAST(body AS TEXT) FROM ours.documents AS shown
    WHERE shown.type = 'studies' AND shown.id = studies.id AND until_revision IS NULL
)
FROM studies ORDER BY number;
CREATE INDEX documents_indication ON documents (indication, year);
CREATE VIRTUAL TABLE studies_fts USING fts5 (
    title, acronym, summary, conclusion, population,
    content = 'studies', content_rowid = 'number', tokenize = 'porter unicode61'
);
INSERT INTO studies_fts (studies_fts) VALUES ('rebuild');
INSERT INTO studies_fts (studies_fts) VALUES ('optimize');
"""


def rival_database(ours: Path, file: Path) -> None:
    """Write the same studies for the rivals: as one plain table with a full-text index (FTS5), and as Django's tables.

    Another table holds the whole public JSON of each study, so that Datasette too can answer with the same content
    while it still counts on narrow rows.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;")
        connection.execute("ATTACH ? AS ours", [f"{ours}"])
        connection.executescript(RIVAL + TABLES)
        connection.execute("DETACH ours")
        connection.executescript("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);")


def search_phrases(file: Path, number: int) -> list[str]:
    """Phrases of one to three words from the titles and conclusions of studies, rare and frequent ones.

    Each has at least one word that is not a stop word of our index.
    """
    with closing(sqlite3.connect(file)) as connection:
        rows = connection.execute("SELECT DISTINCT title, conclusion FROM studies WHERE title IS NOT NULL").fetchall()
    random, found = Random(SEED), dict[str, None]()
    while len(found) < number:
        words = re.findall("[A-Za-z]{4,}", " ".join(filter(None, random.choice(rows))))
        place, length = random.randrange(max(1, len(words) - 3)), random.randint(1, 3)
        some = " ".join(words[place : place + length]).lower()
        if terms(some):
            found[some] = None
    return list(found)


def indications(file: Path) -> list[str]:
    """The indications of the studies, the most frequent first."""
    with closing(sqlite3.connect(file)) as connection:
        counted = "SELECT indication FROM studies WHERE indication <> '' GROUP BY 1 ORDER BY count(*) DESC, 1"
        return [indication for (indication,) in connection.execute(counted)]
