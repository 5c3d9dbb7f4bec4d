"""The process of one job that was requested over HTTP.

It is a process of its own because its work would delay the service's reads. It is started as `python -m app.jobs KIND
JOB DESCRIPTOR`: JOB is the job in JSON (`app.jobs.kinds`), and DESCRIPTOR an open file that is passed on to it, which
for an import holds the lock of the queue and for a release has its content. It ends early when its standard input
closes, which means that the service has ended, and when its job is cancelled: a job is committed as a whole or not at
all.
"""

import multiprocessing
import os
import select
import sys
import threading
from typing import NoReturn

from app import logs
from app.database.engine import existing, open_engine, sqlite_file
from app.jobs.failures import problem_of
from app.jobs.kinds import KINDS, Job
from app.jobs.vocabulary import INTERRUPTED
from app.settings import Settings

NICENESS = 10
"""Lowers the priority of the process, so that reads of the service come first where cores are few."""
CHECK_EVERY = 0.2
"""Seconds between two checks of whether the worker is to stop."""


def _exit() -> NoReturn:
    """End the process at once, with its reader processes."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(INTERRUPTED)


def _exit_when_stopped(job: Job) -> None:
    while not select.select([sys.stdin], [], [], CHECK_EVERY)[0]:
        if job.is_cancelled():
            break
    _exit()


def _output(job: Job, settings: Settings, descriptor: int) -> bytes:
    """Do a job and return its output, which reports its failure if it fails."""
    url = existing(settings.database_url.get_secret_value())
    engine = open_engine(url, lock_timeout_ms=max(job.lock_timeout_ms, settings.lock_timeout_ms), durable=True)
    try:
        return job.run(engine, settings, descriptor)
    except Exception as error:
        return job.fail(problem_of(error, job.kind, sqlite_file(settings.database_url.get_secret_value())))
    finally:
        engine.dispose()


def main() -> None:
    """Do the job that the command line names."""
    kind, text, descriptor = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)  # reader processes must not hold the lock when this one has ended
    os.nice(NICENESS)
    settings = Settings()
    logs.set_up(settings.log_format)
    job: Job = KINDS[kind].validate_json(text)
    threading.Thread(target=_exit_when_stopped, args=(job,), daemon=True).start()
    sys.stdout.buffer.write(_output(job, settings, int(descriptor)))
