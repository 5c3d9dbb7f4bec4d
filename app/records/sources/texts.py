"""The stored text of a source, from which records quote."""

from sqlalchemy import Connection, select

from app.common.problems import Problem
from app.records.sources.models import Source


def stored_text(connection: Connection, id: str) -> tuple[str, str]:
    """A source's text and its SHA-256; raises a `Problem` (404) if no text is stored."""
    row = connection.execute(select(Source.text, Source.sha256).where(Source.id == id)).one_or_none()
    if row is None or row.text is None or row.sha256 is None:
        raise Problem("not-found", f"No text is stored for the source {id!r}.")
    return row.text, row.sha256
