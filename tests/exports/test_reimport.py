"""What was exported as a file of references is imported again: nothing is to do, unless it was corrected meanwhile."""

from io import BytesIO

import pytest
from sqlalchemy import Engine, text

from app.imports.formats import references
from app.imports.name_index import NO_NAMES
from tests.conftest import serving, settings_for
from tests.exports.test_export_formats import get
from tests.importing import take


def publications(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT id FROM publications")).scalars())


@pytest.mark.parametrize("path", ["/v1/studies", "/v1/publications"])
@pytest.mark.parametrize("format", ["ris", "bibtex", "csl-json"])
def test_an_export_that_is_imported_again_changes_nothing(copy: Engine, copy_url: str, path: str, format: str) -> None:
    with serving(settings_for(copy_url)) as api:
        exported = get(api, path, format=format).content
    before = publications(copy)
    found = list(references.units(BytesIO(exported), f"export.{format}", NO_NAMES))
    report = take(copy, *found, format="references", on_error="skip")
    assert (report.units.refused, report.units.applied) == (0, 0)
    assert publications(copy) == before
    with copy.connect() as connection:
        assert connection.execute(text("SELECT field, current, proposed FROM conflicts")).all() == []


@pytest.mark.parametrize("format", ["ris", "bibtex", "csl-json"])
def test_what_was_corrected_in_an_export_is_imported(copy: Engine, copy_url: str, format: str) -> None:
    with serving(settings_for(copy_url)) as api:
        exported = get(api, "/v1/publications", ids="pmid-20647170", format=format).content
    corrected = exported.replace(b"2010", b"2011")
    assert corrected != exported
    found = list(references.units(BytesIO(corrected), f"export.{format}", NO_NAMES))
    report = take(copy, *found, format="references")
    assert (report.units.read, report.units.applied) == (1, 1)
