"""Reading inputs item by item."""

from pathlib import Path

from app.imports.candidates import SourceItem
from app.imports.name_index import NO_NAMES
from app.imports.reader_process import Input, ReadRequest, read_items
from app.imports.registry import DEFAULT_READ_SETTINGS
from tests.imports.formats.ctgov_trial import TRIAL


def test_pages_that_are_read_with_the_next_ones_do_not_warn_of_more(tmp_path: Path) -> None:
    page = tmp_path / "page"
    page.write_bytes(b'{"studies": [' + TRIAL + b'], "nextPageToken": "x"}')
    kinds = {}
    for is_followed in (False, True):
        input = Input(str(page), "page 1", is_followed=is_followed)
        [found] = read_items(ReadRequest("ctgov", (input,), NO_NAMES, None, DEFAULT_READ_SETTINGS))
        assert isinstance(found, SourceItem)
        kinds[is_followed] = [warning.kind for warning in found.warnings if warning.kind == "more-pages"]
    assert kinds == {False: ["more-pages"], True: []}
