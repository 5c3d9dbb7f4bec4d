"""Databases of any size: the seeds are copied until there are enough studies, and written like every record.

The databases are kept between runs.
"""

import time
from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, func, select

from app.database.engine import open_engine
from app.database.migrations import migrate
from app.records.studies.models import Study
from app.records.vocabularies import RecordType
from app.releases.load import files_of, load
from app.releases.yaml_source import read
from app.store.revision import changing, write
from app.store.submission import Submission
from app.store.validation import check

ROOT = Path(__file__).parent.parent
SEEDS, KEPT = ROOT / "seeds", ROOT / "build" / "benchmarks"

READING = [
    ROOT / "app" / name
    for name in ("api", "exports", "query", "search", "database/lookup.py", "records/document_paths.py")
]
"""The code that only reads: a change of it does not change the data."""

SEED = 20_000
"""The seed of the random numbers, so that the data is the same on every machine."""

Json = dict[str, Any]


def _seeds(type: RecordType) -> list[Json]:
    return [item.data for file in files_of(SEEDS) if file.name.split(".")[0] == type for item in read(file)[0]]


def _single_studies() -> list[Json]:
    return [study for study in _seeds("studies") if study.get("scope", "study") == "study"]


def _of(studies: Iterable[Json]) -> set[str]:
    return {report["publication"] for study in studies for report in study.get("publications", [])}


def _study(study: Json, suffix: str, random: Random) -> Json:
    """A copy of a study that refers to copies of the same round, so that a round is linked like the seeds."""
    changed: Json = {"id": study["id"] + suffix}
    if "enrolled" in study:
        arms = [arm["n"] for arm in study.get("arms", ()) if "n" in arm]
        changed["enrolled"] = max(random.randint(8, 4000), sum(arms))
    if "publications" in study:
        reports = study["publications"]
        changed["publications"] = [report | {"publication": report["publication"] + suffix} for report in reports]
    if "overlaps_with" in study:
        changed["overlaps_with"] = [id + suffix for id in study["overlaps_with"]]
    return study | changed


def _publication(publication: Json, suffix: str, number: int, random: Random) -> Json:
    changed: Json = {"id": publication["id"] + suffix}
    if "pmid" in publication:
        changed["pmid"] = str(90_000_000 + number)
    if "doi" in publication:
        changed["doi"] = publication["doi"] + suffix
    if "year" in publication:
        changed["year"] = random.randint(1985, 2026)
    return publication | changed


def _rounds(wanted: int) -> Iterator[list[Submission]]:
    """Batches of copies: each holds all single studies with their publications, until there are enough."""
    studies, random = _single_studies(), Random(SEED)
    reports = [publication for publication in _seeds("publications") if publication["id"] in _of(studies)]
    for number in range(-(-wanted // len(studies))):
        suffix = f"-{number + 1:06}"
        first = number * len(reports)
        copied = [_publication(report, suffix, first + place, random) for place, report in enumerate(reports)]
        some = [_study(study, suffix, random) for study in studies]
        yield _drafts(copied, _complete(some, wanted - number * len(studies)))


def _complete(studies: list[Json], wanted: int) -> list[Json]:
    """The first studies of a round, with only those of their `overlaps_with` that are among them."""
    some = studies[:wanted]
    ids = {study["id"] for study in some}
    return [
        study | {"overlaps_with": [id for id in study["overlaps_with"] if id in ids]}
        if "overlaps_with" in study
        else study
        for study in some
    ]


def _drafts(publications: list[Json], studies: list[Json]) -> list[Submission]:
    typed: list[tuple[RecordType, Json]] = [("publications", record) for record in publications]
    typed += [("studies", record) for record in studies]
    return [Submission(number, type, record) for number, (type, record) in enumerate(typed)]


def drafts_of_copies(wanted: int) -> Iterator[Submission]:
    """At most `wanted` copies of publications and studies; each study comes after the publications that it cites."""
    yield from islice((draft for some in _rounds(wanted) for draft in some), wanted)


def grow(engine: Engine, studies: int) -> None:
    """Write copies of the single studies until the database has `studies` studies."""
    with engine.connect().execution_options(reads=True) as connection:
        there = connection.scalars(select(func.count()).select_from(Study)).one()
    wanted, started = max(0, studies - there), time.perf_counter()
    for drafts in _rounds(wanted):
        with changing(engine) as connection:
            entries, faults = check(connection, drafts)
            if faults:
                raise RuntimeError(f"a copy of the seeds has faults: {faults[:3]}")
            write(connection, entries, actor="benchmark", reason="copies of the seeds")
    seconds = time.perf_counter() - started
    print(f"{wanted:,} studies written in {seconds:.1f} s, {wanted / seconds:.0f} a second", flush=True)


def _digest() -> str:
    """A digest of everything that the data depends on. Code that only reads is left out, so it can be tuned freely."""
    digest = sha256()
    sources = [*SEEDS.rglob("*"), *(ROOT / "app").rglob("*.py"), *(ROOT / "migrations").rglob("*.py"), Path(__file__)]
    for file in sorted(file for file in sources if file.is_file() and not any(map(file.is_relative_to, READING))):
        digest.update(f"{file.relative_to(ROOT)}\0".encode() + sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def database(studies: int) -> Path:
    """A database file with `studies` studies: the one of an earlier run, if nothing has changed since, or a new one."""
    kept = KEPT / f"{studies}-{_digest()}.db"
    if not kept.exists():
        KEPT.mkdir(parents=True, exist_ok=True)
        for outdated in KEPT.glob(f"{studies}-*"):
            outdated.unlink()
        print(f"Growing the seeds to {studies:,} studies; they are kept for later runs ...", flush=True)
        unfinished = kept.with_suffix(".unfinished.db")
        engine = open_engine(f"sqlite:///{unfinished}")
        migrate(engine)
        load(engine, SEEDS, actor="benchmark")
        grow(engine, studies)
        engine.dispose()
        unfinished.replace(kept)
    return kept
