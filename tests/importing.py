"""Source items as readers yield them, and imports of them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from app.auth.audit import Who
from app.imports.candidates import Candidate, Found, PartialUpdate, SourceItem, Withdrawal
from app.imports.pipeline import import_units
from app.imports.preparation import prebuild
from app.imports.report import ImportRequest, OnError, Report, Stopped
from app.imports.run import open_writer
from app.releases.revert import revert
from app.releases.service import ReleaseRequest
from tests.changing import Json

WHO = Who("tester")


def never() -> bool:
    return False


is_ready: Callable[[], bool] = never
"""Whether the next item is prebuilt, as in a reader process with time to spare. Tests replace the function."""


def trial(number: str = "NCT00000001", *, read_on: str = "2026-11-25", sha: str = "a", **fields: Any) -> SourceItem:
    """A registry record of one study."""
    source = f"ctgov-{number.lower()}"
    place = {"id": source, "kind": "registry-record", "tier": "primary", "title": f"{number} on ClinicalTrials.gov"}
    where = {"url": f"https://clinicaltrials.gov/study/{number}", "retrieved_on": read_on, "sha256": sha * 64}
    study = {"id": number.lower(), "title": f"Trial {number}", "registry_ids": [number]} | fields
    return SourceItem(
        number,
        (Candidate("sources", place | where), Candidate("studies", study | {"provenance": [{"source": source}]})),
    )


def paper(pmid: str = "1", *, partial_updates: tuple[PartialUpdate, ...] = (), **fields: Any) -> SourceItem:
    """A bibliographic record of one publication."""
    source = f"pubmed-{pmid}"
    place = {"id": source, "kind": "bibliographic-record", "tier": "primary", "title": f"PubMed {pmid}"}
    where = {"url": f"https://pubmed.ncbi.nlm.nih.gov/{pmid}/", "retrieved_on": "2026-11-25", "sha256": "b" * 64}
    publication = {"id": f"pmid-{pmid}", "pmid": pmid, "title": f"Paper {pmid}"} | fields
    offered = Candidate("publications", publication | {"provenance": [{"source": source}]})
    return SourceItem(f"PMID {pmid}", (Candidate("sources", place | where), offered), partial_updates)


def taken_back(pmid: str) -> SourceItem:
    return SourceItem(f"PMID {pmid}", (), withdrawals=(Withdrawal("publications", pmid),))


def take(
    engine: Engine,
    *found: Found,
    format: str = "ctgov",
    name: str = "one",
    on_error: OnError = "stop",
    dry_run: bool = False,
    allow_older: bool = False,
) -> Report:
    """Imports items as a reader yields them; returns the report, also if rejections stopped the import."""
    items = [prebuild(each) if is_ready() else each for each in found]
    request = ImportRequest(format, name, "an import", WHO, on_error, allow_older)
    try:
        with open_writer(engine, iter(items), dry_run=dry_run) as (connection, units):
            return import_units(connection, units, request)
    except Stopped as stopped:
        return stopped.report


def undo(engine: Engine, name: str) -> Json:
    return revert(engine, ReleaseRequest(f"revert-{name}", "undo", WHO, reverts=name))


__all__ = ["ImportWarning", "paper", "take", "taken_back", "trial", "undo"]
