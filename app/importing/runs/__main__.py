"""`python -m app.importing.runs FOLDER ID TURN`; whoever reads for it is started from here too, and needs no more."""

if __name__ == "__main__":
    from app.importing.runs.worker import main

    main()
