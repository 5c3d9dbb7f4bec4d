"""Run an import: `python -m app.jobs FOLDER ID LOCK`.

The import is inside the guard because `multiprocessing` loads this module again in each reader process, which does not
need the worker.
"""

if __name__ == "__main__":
    from app.jobs.import_worker import main

    main()
