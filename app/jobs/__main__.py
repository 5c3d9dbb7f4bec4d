"""Run one job: `python -m app.jobs KIND JOB DESCRIPTOR` (see `app.jobs.worker`).

The job is inside the guard because `multiprocessing` loads this module again in each reader process of an import, which
does not need the worker.
"""

if __name__ == "__main__":
    from app.jobs.worker import main

    main()
