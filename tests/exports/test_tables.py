"""Lists as csv, workbooks and Parquet: every value as it is, and nothing cut."""

import csv
import io
import sys
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile

import httpx
import orjson
import pytest
from lxml import etree
from pyarrow import parquet

from app.common.problems import Problem
from app.exports import xlsx
from app.exports.content import Content
from app.exports.parquet import write_parquet
from app.exports.tables import csv_lines
from app.query.record_queries import RecordQuery
from app.records.registry import RESOURCES
from app.records.studies.resource import STUDIES
from tests.exports.test_export_formats import get, items

Json = dict[str, Any]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def sheet_of(content: bytes) -> list[dict[str, Any]]:
    """The cells of a workbook by column name; a strict reader of what is written here, without formulas and dates."""
    with ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        root = etree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = [{_column(cell): _value(cell) for cell in row} for row in root.iter(f"{SHEET}row")]
    names = rows[0]
    return [{names[column]: value for column, value in row.items()} for row in rows[1:]]


def _column(cell: Any) -> str:
    return str(cell.get("r")).rstrip("0123456789")


def _value(cell: Any) -> Any:
    assert cell.find(f"{SHEET}f") is None
    if cell.get("t") == "inlineStr":
        return "".join(cell.itertext())
    assert cell.get("t") in (None, "n", "b")
    number = orjson.loads(cell.findtext(f"{SHEET}v"))
    return bool(number) if cell.get("t") == "b" else number


def content_of(*documents: Json, fields: Any = None) -> Content:
    return Content(STUDIES, RecordQuery(fields, (), None), iter([[orjson.dumps(one) for one in documents]]))


def expected_cell(document: Json, name: str, embedded: bool) -> Any:
    value = document[name]
    if value in (None, [], {}):
        return None
    if isinstance(value, dict):
        return value["id"] if embedded else value
    if isinstance(value, list):
        return "; ".join(each["id"] for each in value) if embedded else nested_or_joined(value)
    return value


def nested_or_joined(value: list[Any]) -> Any:
    return value if isinstance(value[0], dict) else "; ".join(map(str, value))


def parsed(cell: Any, wanted: Any) -> Any:
    return orjson.loads(cell) if isinstance(wanted, dict | list) else cell


@pytest.mark.parametrize("type", RESOURCES)
def test_a_workbook_has_every_value_of_every_record(api: httpx.Client, type: str) -> None:
    resource, documents = RESOURCES[type], items(api, f"/v1/{type}")  # type: ignore[index]
    rows = sheet_of(get(api, f"/v1/{type}", format="xlsx").content)
    assert len(rows) == len(documents)
    for row, document in zip(rows, documents, strict=True):
        for name in resource.out.model_fields:
            wanted = expected_cell(document, name, name in resource.includes)
            assert parsed(row.get(name), wanted) == wanted, (document["id"], name)


@pytest.mark.parametrize("type", RESOURCES)
def test_parquet_has_every_value_of_every_record(api: httpx.Client, type: str) -> None:
    resource, documents = RESOURCES[type], items(api, f"/v1/{type}")  # type: ignore[index]
    table = parquet.read_table(io.BytesIO(get(api, f"/v1/{type}", format="parquet").content))
    assert table.column_names == list(resource.out.model_fields)
    for row, document in zip(table.to_pylist(), documents, strict=True):
        for name in resource.out.model_fields:
            wanted = expected_cell(document, name, name in resource.includes)
            assert parsed(row[name], wanted) == wanted, (document["id"], name)
    assert {str(field.type) for field in table.schema} <= {"string", "int64", "double", "bool"}


@pytest.mark.parametrize("type", RESOURCES)
def test_nested_values_of_csv_are_json(api: httpx.Client, type: str) -> None:
    resource, documents = RESOURCES[type], items(api, f"/v1/{type}")  # type: ignore[index]
    body = get(api, f"/v1/{type}", format="csv", raw="true").text
    for row, document in zip(csv.DictReader(io.StringIO(body, newline="")), documents, strict=True):
        for name in resource.out.model_fields:
            wanted = expected_cell(document, name, name in resource.includes)
            if isinstance(wanted, dict | list):
                assert orjson.loads(row[name]) == wanted


def test_a_sign_in_json_is_defused_and_read_back_as_it_was() -> None:
    arms = [{"key": "a", "dose": "x;=1+1; -2"}]
    written = csv_lines(STUDIES, {"arms": None}, [orjson.dumps({"arms": arms})]).decode()
    (cell,) = next(csv.reader(io.StringIO(written, newline="")))
    assert orjson.loads(cell) == arms
    assert ";=" not in cell
    assert "; -" not in cell


def test_what_looks_like_a_number_a_date_or_a_formula_stays_text() -> None:
    texts = ["7-8", "2010-07-30", "00123", "1e5", "=1+1", " spaced ", "_x0041_", "a\nb", "true", "\x08"]
    for text in texts:
        body = b"".join(xlsx.write_xlsx(content_of({"id": "a", "title": text, "enrolled": 5}, fields=FIELDS)))
        assert sheet_of(body) == [{"title": text, "enrolled": 5}] or text in ("_x0041_", "\x08")  # escaped by rule
    assert "_x0008_" in str(sheet_of(body))


FIELDS: Any = {"title": None, "enrolled": None}


def test_equal_lists_make_equal_workbooks() -> None:
    one, other = (b"".join(xlsx.write_xlsx(content_of({"id": "a", "title": "T"}, fields=FIELDS))) for _ in range(2))
    assert one == other


def test_a_text_too_long_for_a_cell_is_refused_and_not_cut() -> None:
    longest = "😀" * (xlsx.MOST_CHARACTERS // 2)
    assert sheet_of(b"".join(xlsx.write_xlsx(content_of({"id": "a", "title": longest}, fields=FIELDS))))
    with pytest.raises(Problem, match="csv") as refused:
        list(xlsx.write_xlsx(content_of({"id": "a", "title": longest + "😀"}, fields=FIELDS)))
    assert "title of a" in str(refused.value)


def test_a_list_too_long_for_a_sheet_is_refused(api: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 4)
    assert len(sheet_of(get(api, "/v1/studies", format="xlsx", ids="preempt-1,preempt-2").content)) == 2
    answer = api.get("/v1/studies?format=xlsx&phase=3&fields=id")
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "format=csv" in answer.json()["errors"][0]["detail"]


def test_a_workbook_has_a_length_and_comes_in_ranges(api: httpx.Client) -> None:
    plain = {"accept-encoding": "identity"}
    whole = api.get("/v1/studies?format=xlsx&phase=3", headers=plain)
    again = api.get("/v1/studies?format=xlsx&phase=3", headers=plain)
    assert again.headers["content-length"] == str(len(whole.content))
    part = api.get("/v1/studies?format=xlsx&phase=3", headers={**plain, "range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert 'filename="studies.xlsx"' in whole.headers["content-disposition"]


def test_csv_begins_with_a_mark_if_that_is_asked_for(api: httpx.Client) -> None:
    for path in ("/v1/studies", "/v1/studies/preempt-1"):
        plain = get(api, path, format="csv").content
        assert get(api, path, format="csv", bom="true").content == b"\xef\xbb\xbf" + plain
        assert get(api, path, format="csv", bom="false").content == plain
        refused = api.get(f"{path}?format=xlsx&bom=true")
        assert [fault["parameter"] for fault in refused.json()["errors"]] == ["bom"]


def test_without_pyarrow_parquet_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(Problem, match=r"\[parquet\]") as refused:
        next(write_parquet(content_of({"id": "a"})))
    assert refused.value.status == 406


def test_the_documents_are_read_as_they_are_written() -> None:
    """A workbook and a Parquet file take one batch after the other."""
    taken: list[int] = []

    def batches() -> Iterator[list[bytes]]:
        for number in range(3):
            taken.append(number)
            yield [orjson.dumps({"id": f"s-{number}", "title": "T"})]

    writer = write_parquet(Content(STUDIES, RecordQuery(FIELDS, (), None), batches()))
    next(writer)
    assert taken == [0]
