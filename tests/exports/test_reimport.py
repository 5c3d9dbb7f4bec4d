"""What was exported as a file of references is imported again: no new record, and no value that contradicts."""

from importlib.util import find_spec
from io import BytesIO

import orjson
import pytest
from sqlalchemy import Engine, text

from app.exports.ris import page_range
from app.imports.formats import references
from app.imports.name_index import NO_NAMES
from tests.conftest import serving, settings_for
from tests.exports.test_export_formats import get
from tests.importing import take

RECOGNISES_OWN = find_spec(f"{references.__name__}.own_records") is not None
"""Whether the reader skips what this service exported of records that are no publications; before, it makes
publications of those of them that have a title."""
READABLE = ["ris"] + [name for name in ("bibtex", "csl_json") if find_spec(f"{references.__name__}.{name}")]
"""The formats of citations that the reader reads."""


def publications(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT id FROM publications")).scalars())


@pytest.mark.parametrize("path", ["/v1/studies", "/v1/publications"])
@pytest.mark.parametrize("format", READABLE)
def test_an_export_that_is_imported_again_makes_no_record_and_no_conflict(
    copy: Engine, copy_url: str, path: str, format: str
) -> None:
    with serving(settings_for(copy_url)) as api:
        exported = get(api, path, format=format.replace("_", "-")).content
    before = publications(copy)
    found = list(references.units(BytesIO(exported), f"export.{format}", NO_NAMES))
    take(copy, *found, format="references", on_error="skip")
    made = publications(copy) - before
    with copy.connect() as connection:
        # An article with neither identifiers nor a year is only found by its title and a year.
        unfindable = "SELECT title FROM publications WHERE pmid IS NULL AND doi IS NULL AND year IS NULL"
        titles = set(connection.execute(text(unfindable)).scalars())
        named = {row.id: row.title for row in connection.execute(text("SELECT id, title FROM publications"))}
        found_again = {id for id in made if RECOGNISES_OWN or not id.startswith("reference-")}
        assert {id for id in found_again if named[id] not in titles} == set()
        assert len(found_again) <= 1
        conflicts = connection.execute(text("SELECT field, current, proposed FROM conflicts")).all()
    for field, current, proposed in conflicts:
        if field == "title_kind":  # that a title is truncated stands in a note, which no reader takes for more
            assert orjson.loads(current) == "truncated"
            continue
        assert field == "pages"  # the same ones, with the last one written out
        assert page_range(orjson.loads(current)) == page_range(orjson.loads(proposed))
