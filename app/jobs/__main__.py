"""`python -m app.jobs FOLDER ID TURN`; whoever reads for it is started from here too, and needs no more."""

if __name__ == "__main__":
    from app.jobs.import_worker import main

    main()
