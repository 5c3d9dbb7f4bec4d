"""The kinds of jobs: a class for each says how a job is run and how its failure is reported.

After a kill, an import is recovered from the queue folder (`app.jobs.recovery`). A release is rolled back; its client
may send it again.
"""

from typing import Any, ClassVar, Protocol

from pydantic import TypeAdapter
from sqlalchemy import Engine

from app.common.problems import Problem
from app.jobs.import_job import ImportJob
from app.jobs.release_job import ReleaseJob
from app.settings import Settings


class Job(Protocol):
    """A job as its process gets it on the command line, in JSON."""

    kind: ClassVar[str]
    writes_output: ClassVar[bool]
    """Whether the service reads the standard output of the process; other jobs report elsewhere."""
    lock_timeout_ms: ClassVar[int]
    """The least number of milliseconds that the job waits for other writers."""

    def is_cancelled(self) -> bool:
        """Return whether the process is to end early."""

    def run(self, engine: Engine, settings: Settings, descriptor: int) -> bytes:
        """Do the job and return its output; `descriptor` is the open file that the supervisor passed on."""

    def fail(self, problem: Problem) -> bytes:
        """Report the problem that ended the job and return its output."""


KINDS: dict[str, TypeAdapter[Any]] = {job.kind: TypeAdapter(job) for job in (ImportJob, ReleaseJob)}
"""The classes of jobs by kind, as they are written to a command line and read from it."""
