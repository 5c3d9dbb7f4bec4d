"""Every format read back by its own readers: nothing lost, nothing run, memory bounded."""

import csv
import io
import json
import threading
import time
from typing import Any

import bibtexparser
import httpx
import pytest
import rispy
from bibtexparser.entrypoint import parse_string
from bibtexparser.middlewares import LatexDecodingMiddleware

from app.api.representations import REPRESENTATIONS, names_of
from app.exports import citations
from app.exports.citations import publications_of, ris
from app.exports.tables import csv_lines, defused
from app.records.registry import RESOURCES
from app.records.studies.resource import STUDIES

Json = dict[str, Any]


def get(api: httpx.Client, path: str, **parameters: Any) -> httpx.Response:
    answer = api.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer


def items(api: httpx.Client, path: str, **parameters: Any) -> list[Json]:
    return get(api, path, limit=1000, **parameters).json()["items"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("type", RESOURCES)
def test_ndjson_is_the_same_documents(api: httpx.Client, type: str) -> None:
    answer = get(api, f"/v1/{type}", format="ndjson")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(line) for line in answer.text.splitlines()] == items(api, f"/v1/{type}")


@pytest.mark.parametrize("type", RESOURCES)
def test_csv_has_a_column_for_every_field_and_a_row_for_every_record(api: httpx.Client, type: str) -> None:
    answer = get(api, f"/v1/{type}", format="csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{type}.csv"'
    assert "\r\n" in answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))
    documents = items(api, f"/v1/{type}")
    assert list(rows[0]) == list(RESOURCES[type].out.model_fields)  # type: ignore[index]
    assert [row["id"] for row in rows] == [document["id"] for document in documents]
    assert all(None not in row and None not in row.values() for row in rows)


def test_csv_takes_filters_sort_fields_and_words(api: httpx.Client) -> None:
    wanted = {"indication": "chronic-migraine", "sort": "-year", "fields": "id,year,products.id,publication.journal"}
    rows = list(csv.DictReader(io.StringIO(get(api, "/v1/studies", format="csv", **wanted).text)))
    documents = items(api, "/v1/studies", indication="chronic-migraine", sort="-year")
    assert [row["id"] for row in rows] == [document["id"] for document in documents]
    assert rows[0]["products.id"] == "; ".join(product["id"] for product in documents[0]["products"])
    found = list(csv.DictReader(io.StringIO(get(api, "/v1/studies", format="csv", q="botox migraine").text)))
    assert [row["id"] for row in found] == [item["id"] for item in items(api, "/v1/studies", q="botox migraine")]


def test_a_spreadsheet_runs_nothing_of_it() -> None:
    titles = ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", "a=b", 'quote " and, comma\nline']
    documents = [json.dumps({"title": title, "enrolled": -5}).encode() for title in titles]
    tree: Any = {"title": None, "enrolled": None}
    cells = list(csv.reader(io.StringIO(csv_lines(STUDIES, tree, documents).decode(), newline="")))
    assert [row[0] for row in cells] == ["'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'\tx", "a=b", titles[-1]]
    assert {row[1] for row in cells} == {"-5"}


FORMULAS = {
    "＝1+1": "'＝1+1",
    "＋1": "'＋1",
    "－1": "'－1",
    "＠x": "'＠x",
    "  =1": "  '=1",
    "\u00a0\u3000=1": "\u00a0\u3000'=1",
    "\ufeff=1": "\ufeff'=1",
    "\u200b\u2060=1": "\u200b\u2060'=1",
    '"=1': "\"'=1",
    "a;=1": "a;'=1",
    "a; =1; b": "a; '=1; b",
    'a;"=1': "a;\"'=1",
    "a\n=1": "a\n'=1",
    "a\r\n-1": "a\r\n'-1",
    "a\t＝1": "a\t'＝1",
    ";;@x": ";;'@x",
    "=1;=2": "'=1;'=2",
}
PLAIN = ["a=b", "a - b; c + d", "5-HT", "from -5 to 3", "'=1", "a, =1", "x;y", "μ ± 3", "-", ""]
"""As they are, but for a lone minus."""


@pytest.mark.parametrize("text", FORMULAS)
def test_no_way_to_begin_a_formula_is_left(text: str) -> None:
    assert defused(text) == FORMULAS[text]


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_is_left_as_it_is(text: str) -> None:
    assert defused(text) == ("'-" if text == "-" else text)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_no_reader_s_cell_begins_with_a_formula(delimiter: str) -> None:
    """Whatever a spreadsheet takes for the end of a cell, as it does by its user's country."""
    documents = [json.dumps({"title": text, "summary": f"x, {text}"}).encode() for text in FORMULAS]
    tree: Any = {"title": None, "summary": None}
    written = csv_lines(STUDIES, tree, documents).decode()
    signs = "=+-@＝＋－＠"
    for row in csv.reader(io.StringIO(written, newline=""), delimiter=delimiter):
        assert not [cell for cell in row if cell.strip(' \u00a0\u3000\ufeff\u200b\u2060"')[:1] in tuple(signs)]


def test_a_text_of_blanks_takes_no_longer_than_another() -> None:
    started = time.perf_counter()
    assert defused("a" + "\n" * 3_000_000) == "a" + "\n" * 3_000_000
    assert defused(" " * 3_000_000) == " " * 3_000_000
    assert time.perf_counter() - started < 3


def test_raw_csv_is_left_as_it_is_and_belongs_to_csv(api: httpx.Client) -> None:
    documents = [json.dumps({"title": text, "enrolled": -5}).encode() for text in FORMULAS]
    tree: Any = {"title": None, "enrolled": None}
    rows = list(csv.reader(io.StringIO(csv_lines(STUDIES, tree, documents, raw=True).decode(), newline="")))
    assert [row[0] for row in rows] == list(FORMULAS)
    for path in ("/v1/studies", "/v1/studies/preempt-1"):
        asked = {"fields": "id,title"}
        left, marked = (get(api, path, format="csv", raw=raw, **asked) for raw in ("true", "false"))
        assert left.text == marked.text  # of these none begins like a formula
        assert path.endswith("-1") or left.headers["etag"] != marked.headers["etag"]
        accepted = api.get(path, params={"raw": "true", **asked}, headers={"accept": "text/csv"})
        assert (accepted.status_code, accepted.text) == (200, left.text)
        assert api.get(path, params={"raw": "false", "format": "ndjson"}).status_code == 200  # a default is no fault
        for refused in ({"raw": "true"}, {"raw": "true", "format": "ndjson"}, {"raw": "yes", "format": "csv"}):
            answer = api.get(path, params=refused)
            assert answer.status_code == 422
            assert [fault["parameter"] for fault in answer.json()["errors"]] == ["raw"]
    assert api.get("/v1/search?q=botox&raw=true").status_code == 422


def test_raw_is_honoured_for_what_is_stored(editor: httpx.Client) -> None:
    body = {"id": "formula", "kind": "article", "tier": "primary", "title": "＝1;=2"}
    body["url"] = "https://example.org/formula"
    assert editor.post("/v1/sources?reason=x", json=body).status_code == 201
    for path in ("/v1/sources?ids=formula&", "/v1/sources/formula?"):
        assert editor.get(f"{path}format=csv&fields=title").text == "title\r\n'＝1;'=2\r\n"
        assert editor.get(f"{path}format=csv&fields=title&raw=true").text == "title\r\n＝1;=2\r\n"


def cited(api: httpx.Client) -> dict[str, Json]:
    """The publications of all studies, and the studies that have none."""
    whole = items(api, "/v1/studies", include="publications")
    return {record["id"]: record for study in whole for record in publications_of(study) or [study]}


def printed_title(record: Json) -> str | None:
    """The title of a record, unless it is our own words."""
    is_placeholder = record.get("title_kind") == "descriptive" or record["scope"].startswith("body-of")
    return None if is_placeholder else record["title"]


@pytest.mark.parametrize("path", ["/v1/studies", "/v1/publications"])
def test_ris_is_read_back_with_each_publication_once(api: httpx.Client, path: str) -> None:
    entries = rispy.loads(get(api, path, format="ris").text)
    expected = cited(api) if path == "/v1/studies" else {p["id"]: p for p in items(api, path)}
    assert {entry["id"] for entry in entries} == set(expected)
    assert len(entries) == len(expected)
    for entry in entries:
        publication = expected[entry["id"]]
        authors = publication.get("authors") or []
        assert entry.get("title") == printed_title(publication)
        assert entry.get("doi") == publication.get("doi")
        assert entry.get("year") == (str(publication["year"]) if publication["year"] else None)
        others = [] if publication.get("authors_complete") is not False or not authors else ["et al."]
        assert entry.get("authors", [])[len(authors) :] == others


def test_bibtex_is_read_back(api: httpx.Client) -> None:
    text = get(api, "/v1/publications", format="bibtex").text
    library = parse_string(text, append_middleware=[LatexDecodingMiddleware()])
    expected = {p["id"]: p for p in items(api, "/v1/publications")}
    assert not library.failed_blocks
    assert {entry.key for entry in library.entries} == set(expected)
    for entry in library.entries:
        title = entry.fields_dict.get("title")
        assert (title.value if title else None) == printed_title(expected[entry.key])
    assert bibtexparser.__version__.startswith("2.")


def test_csl_json_is_read_back(api: httpx.Client) -> None:
    answer = get(api, "/v1/publications", format="csl-json")
    expected = {p["id"]: p for p in items(api, "/v1/publications")}
    assert {item["id"] for item in answer.json()} == set(expected)
    for item in answer.json():
        publication = expected[item["id"]]
        year = publication["year"]
        assert item.get("issued") == ({"date-parts": [[year]]} if year else None)
        assert item.get("title") == printed_title(publication)
        is_registration = publication["title_kind"] == "registry-record"
        assert (item["type"] == "dataset") == is_registration
        assert item["type"] in ("article-journal", "document", "dataset", "webpage")


def test_text_with_line_breaks_stays_one_ris_value() -> None:
    entry = {"id": "x", "title": "A: B - C", "authors": ["Consortium for Trials", "Aurora SK"], "pages": "e12"}
    (read,) = rispy.loads(ris([entry]))
    assert (read["title"], read["authors"], read["start_page"]) == (
        "A: B - C",
        ["Consortium for Trials", "Aurora, S K"],
        "e12",
    )


@pytest.mark.parametrize("format", [name for name in REPRESENTATIONS if name != "json"])
def test_one_record_comes_in_every_format(api: httpx.Client, format: str) -> None:
    answer = get(api, "/v1/studies/PREEMPT%201", format=format)
    assert answer.headers["content-type"].split(";")[0] == REPRESENTATIONS[format].media_type
    assert answer.headers["content-location"] == "/v1/studies/preempt-1"
    assert "preempt" in answer.headers["content-disposition"]
    if format in ("xlsx", "parquet"):  # they are read in tests/exports/test_tables.py
        assert answer.content.startswith(b"PK" if format == "xlsx" else b"PAR1")
    else:
        assert ("{PREEMPT} 1 trial" if format == "bibtex" else "PREEMPT 1 trial") in answer.text


@pytest.mark.parametrize("format", REPRESENTATIONS)
def test_accept_chooses_and_the_address_decides(api: httpx.Client, format: str) -> None:
    media = REPRESENTATIONS[format].media_type
    by_header = api.get("/v1/studies?phase=4", headers={"accept": f"text/html, {media};q=0.9, */*;q=0.1"})
    by_address = api.get(f"/v1/studies?phase=4&format={format}", headers={"accept": "text/html"})
    assert by_header.headers["content-type"].split(";")[0] == media
    assert by_header.content == by_address.content
    assert "Accept" in by_header.headers["vary"]


def test_each_variant_has_its_own_entity_tag(api: httpx.Client) -> None:
    tags = set()
    for media in (format.media_type for format in REPRESENTATIONS.values()):
        for coding in ("identity", "gzip"):
            headers = {"accept": media, "accept-encoding": coding}
            answer = api.get("/v1/studies?year=2010..", headers=headers)
            tags.add(answer.headers["etag"])
            again = api.get("/v1/studies?year=2010..", headers=headers | {"if-none-match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
    assert len(tags) == 2 * len(REPRESENTATIONS)


def test_every_type_comes_in_every_format(api: httpx.Client) -> None:
    for type in RESOURCES:
        assert names_of("list", type) == tuple(REPRESENTATIONS)
        for format in REPRESENTATIONS:
            answer = get(api, f"/v1/{type}", format=format)
            assert answer.content


def test_the_whole_list_has_no_place_for_pages(api: httpx.Client) -> None:
    assert api.get("/v1/studies?format=csv&limit=3").status_code == 422


@pytest.mark.parametrize("format", [name for name in REPRESENTATIONS if name != "json"])
def test_what_is_wrong_with_an_export_shows_before_it_begins(api: httpx.Client, format: str) -> None:
    for wrong in ("ids=none-such", "product=none-such", "q=the", "q=*", "include=publications&fields=id"):
        answer = api.get(f"/v1/studies?{wrong}&format={format}")
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), wrong
    assert api.get(f"/v1/studies?q=quantum+chromodynamics&match=all&format={format}").status_code == 200
    assert api.get(f"/v1/studies?phase=early-1&format={format}").status_code == 200


def test_a_client_that_goes_away_leaves_nothing_open(api: httpx.Client) -> None:
    for _ in range(12):
        with api.stream("GET", "/v1/studies?format=ndjson") as answer:
            next(answer.iter_raw())
    done: list[int] = []

    def export() -> None:
        done.append(httpx.get(f"{api.base_url}/v1/studies?format=csv", timeout=30).status_code)

    threads = [threading.Thread(target=export) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [200, 200, 200]


def test_groups_and_suffixes_are_no_part_of_a_persons_name() -> None:
    names = {"authors": ["King ML Jr", "Trial Group EORTC"], "collective_authors": ["Trial Group EORTC"]}
    publication = {"id": "x", "type": "publications", "title": "T", **names}
    assert citations.csl([publication])[0]["author"] == [
        {"family": "King", "given": "M L", "suffix": "Jr"},
        {"literal": "Trial Group EORTC"},
    ]
    assert "AU  - King, M L, Jr\nAU  - Trial Group EORTC,\n" in citations.ris([publication])
    assert "King, Jr, M L and {Trial Group EORTC}" in citations.bibtex([publication])
