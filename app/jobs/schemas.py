"""The models of imports over HTTP: the request, the status, and the form of both that the queue folder keeps."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.auth.audit import Who
from app.common.problems import KINDS, Problem
from app.editing.idempotency import Asked, Given
from app.jobs.vocabulary import OVER, STOPPED, OnError, RunState
from app.records.fields import SLUG
from app.releases.service import LONGEST_NAME

LONGEST_QUERY, LONGEST_REASON = 1000, 1000
MOST_ERRORS = 1000
"""The most errors of a problem that a job reports."""


def _day(value: str) -> str:
    date.fromisoformat(value)
    return value


def _printable(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("it has printable characters and no others")
    return value.strip()


Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_day)]
Query = Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY), AfterValidator(_printable)]
Reason = Annotated[str, Field(min_length=1, max_length=LONGEST_REASON), AfterValidator(_printable)]


class ImportIn(BaseModel):
    """An import of what a registry or a service says now, to a query."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: str = Field(description="Whose records these are.")
    query: Query | None = Field(None, description="What is asked of the service; without one a file is sent.")
    since: Day | None = Field(None, description="Only what was updated on this day or later.")
    on_error: OnError = Field(
        "stop", description="`stop`: one refusal, and nothing is changed; `skip`: the others are."
    )
    allow_older: bool = Field(
        False, description="Take records that are older than what is stored of them, instead of skipping them."
    )
    dry_run: bool = Field(False, description="Say what would be done, and change nothing.")
    name: Annotated[str, Field(pattern=SLUG, max_length=LONGEST_NAME)] | None = Field(
        None,
        description="What its release is called for good; else `import-FORMAT-YYYY-MM-DD[-n]`.",
    )
    reason: Reason | None = Field(None, description="Why; kept with every version.")


class Upload(BaseModel):
    """A file that was sent."""

    bytes: int
    sha256: str


class RunProblem(BaseModel):
    """Why an import failed, as a problem would say it."""

    type: str
    title: str
    detail: str
    errors: list[dict[str, Any]]

    @classmethod
    def of(cls, problem: Problem) -> "RunProblem":
        """Return a problem as the status of an import shows it."""
        kind, errors = problem.kind, [fault.as_json() for fault in problem.errors[:MOST_ERRORS]]
        return cls(type=f"/problems/{kind}", title=KINDS[kind].title, detail=problem.detail, errors=errors)


class Progress(BaseModel):
    """How far an import is, in numbers."""

    pages: int = Field(0, description="Pages that the service has answered with.")
    expected: int | None = Field(None, description="How many records it says there are.")
    units: int = Field(0, description="Units read, such as one registry record each.")
    refused: int = Field(0, description="Units that cannot be taken.")
    applied: int = Field(0, description="Units gone through: written, found to be so already, or refused.")


class RunStatus(BaseModel):
    """Where an import is: what changes of it."""

    state: RunState = "queued"
    attempt: int = Field(1, description="How often it was begun.")
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: Progress | None = Field(None, description="Null where this service cannot see it.")
    problem: RunProblem | None = None
    release: str | None = Field(None, description="The release that it made; null where nothing was changed.")


class ImportSubmission(ImportIn):
    """A request for an import, with its id, its sender and its time."""

    model_config = ConfigDict(extra="ignore", strict=False)

    id: str
    upload: Upload | None = None
    created_at: datetime
    created_by: str = Field(description="Name of the key that it was asked for with.")


class StoredRequest(ImportSubmission):
    """A request for an import as the queue folder keeps it, with its origin for the audit."""

    address: str | None
    request_id: str | None

    @property
    def who(self) -> Who:
        """The actor of the request, for the audit."""
        return Who(self.created_by, self.address, self.request_id)


class KeptAnswer(BaseModel):
    """The answer to a request with an `Idempotency-Key`, as the queue folder keeps it until the database has it."""

    asked: Asked
    at: datetime
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def given(self) -> Given:
        """The answer as it is sent again."""
        return Given(self.status, self.headers, self.body)


class ImportSummary(ImportSubmission, RunStatus):
    """An import without its report."""

    resumable: bool = Field(description="Whether what it needs to go on is still kept.")


class ImportOut(ImportSummary):
    """An import, and what came of it."""

    report: dict[str, Any] | None = Field(description="What was done, or would be; null until then.")

    @property
    def is_over(self) -> bool:
        """Whether the import has ended, also if it can be resumed."""
        return self.state in (*OVER, *STOPPED)


class ImportPage(BaseModel):
    """Imports, the newest first."""

    items: Sequence[ImportSummary]
    total: int
    next: str | None = Field(description="Path of the next page; null on the last.")
