"""A list as a workbook of Excel (Office Open XML) with one sheet, written by XlsxWriter in constant memory.

Every text is a cell of text and no formula, number or date, whatever it looks like. The workbook is made whole, in the
system's folder for temporary files, before its first byte is sent, so that what has no place in one is a `Problem` and
nothing is cut. Equal lists make equal bytes, which a range of a workbook that was made again depends on.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from xlsxwriter import Workbook
from xlsxwriter.exceptions import XlsxFileError
from xlsxwriter.worksheet import Worksheet

from app.common.problems import Problem, invalid_parameter
from app.exports.cells import Scalar, columns, joined, shown_by_id, values_of
from app.exports.content import Content

MOST_ROWS = 1_048_576
"""The rows of a sheet, with that of the column names (Excel specifications and limits)."""
MOST_CHARACTERS = 32_767
"""The characters of a cell, in units of UTF-16."""
MADE = datetime(2000, 1, 1)  # noqa: DTZ001 - Excel knows no time zones
PIECE = 65_536


def _write(sheet: Worksheet, row: int, column: int, value: Scalar) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, value)


def _require_room(text: str, id: str, path: str) -> None:
    """Raise a `Problem` if a text is too long for a cell."""
    if 2 * len(text) > MOST_CHARACTERS and len(text.encode("utf-16-le")) // 2 > MOST_CHARACTERS:
        detail = f"{path} of {id} has more than the {MOST_CHARACTERS:,} characters of a cell; format=csv has no bound."
        raise invalid_parameter("format", detail)


def _rows(content: Content) -> Iterator[list[Scalar | None]]:
    """Yield the cells of each record; raise a `Problem` for more than a cell or a sheet can hold."""
    resource = content.of_type()
    paths, by_id = columns(resource, content.fields), shown_by_id(resource, content.include)
    documents = (orjson.loads(body) for batch in content.batches for body in batch)
    for number, document in enumerate(documents, start=2):
        if number > MOST_ROWS:
            detail = f"The list has more than the {MOST_ROWS:,} rows of a sheet; format=csv has no bound."
            raise invalid_parameter("format", detail)
        row = [_cell(values_of(document, path, by_id)) for path in paths]
        for path, cell in zip(paths, row, strict=True):
            if isinstance(cell, str):
                _require_room(cell, document["id"], path)
        yield row


def _cell(values: list[Scalar]) -> Scalar | None:
    if len(values) == 1:
        return values[0]
    return joined(values) if values else None


def _make(content: Content, file: Path) -> None:
    """Write the workbook to a file; its rows wait beside it until they are compressed."""
    resource = content.of_type()
    with Workbook(str(file), {"constant_memory": True, "tmpdir": str(file.parent)}) as workbook:
        workbook.set_properties({"created": MADE})
        sheet = workbook.add_worksheet(resource.title)
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(columns(resource, content.fields)):
            sheet.write_string(0, column, name)
        for row, cells in enumerate(_rows(content), start=1):
            for column, cell in enumerate(cells):
                if cell is not None:
                    _write(sheet, row, column, cell)


def write_xlsx(content: Content) -> Iterator[bytes]:
    """Write a row of column names and a row for each record.

    Raise a `Problem`: 422 for a text or a list that is too long for a workbook, 507 if the disk is full.
    """
    with TemporaryDirectory(prefix="evidence-xlsx-") as folder:
        path = Path(folder) / "list.xlsx"
        try:
            _make(content, path)
        except (OSError, XlsxFileError) as error:
            raise Problem("insufficient-storage", "There is no room on the disk for the workbook.") from error
        with path.open("rb") as file:
            yield from iter(lambda: file.read(PIECE), b"")
