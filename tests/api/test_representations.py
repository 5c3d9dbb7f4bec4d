"""The table of representations: a row and a writer are all that a new one needs."""

from collections.abc import Iterator

import httpx
import orjson
import pytest

from app.api.openapi.operations import list_operation, record_operation
from app.api.openapi.search import search_operation
from app.api.representations import EVERYTHING, REPRESENTATIONS, Representation, names_of
from app.exports.content import Content
from app.records.registry import RESOURCES

MEDIA = "text/x-outline"


def write_outline(content: Content) -> Iterator[bytes]:
    """Write the ids of records, and of a page its total."""
    for batch in content.batches:
        for document in batch:
            yield b"- %b\n" % orjson.loads(document)["id"].encode()
    if content.page:
        yield b"of %d\n" % content.page.total


@pytest.fixture
def outline(monkeypatch: pytest.MonkeyPatch) -> Iterator[Representation]:
    row = Representation("outline", MEDIA, write_outline, EVERYTHING, ending="txt")
    monkeypatch.setitem(REPRESENTATIONS, row.name, row)
    names_of.cache_clear()
    yield row
    names_of.cache_clear()


@pytest.mark.parametrize(
    "path",
    ["/v1/directions", "/v1/search?q=migraine&limit=3", "/v1/studies/preempt-1/similar", "/v1/directions?limit=2"],
)
def test_a_page_comes_in_a_new_representation(api: httpx.Client, outline: Representation, path: str) -> None:
    whole = api.get(path)
    page = whole.json()
    for headers, more in (({"accept": f"{MEDIA}, application/json;q=0.5"}, ""), ({}, "format=outline")):
        target = path if not more else f"{path}{'&' if '?' in path else '?'}{more}"
        answer = api.get(target, headers=headers)
        assert answer.headers["content-type"] == f"{MEDIA}; charset=utf-8"
        assert answer.text == "".join(f"- {item['id']}\n" for item in page["items"]) + f"of {page['total']}\n"
        assert ("next" in answer.links) == ("next" in whole.links) == (page["next"] is not None)
        assert answer.headers["etag"] != whole.headers["etag"]
        assert "Accept" in answer.headers["vary"]
        again = api.get(target, headers={**headers, "if-none-match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")


def test_a_record_comes_in_a_new_representation(api: httpx.Client, outline: Representation) -> None:
    for name in ("preempt-1", "PREEMPT%201"):
        answer = api.get(f"/v1/studies/{name}", headers={"accept": MEDIA})
        assert answer.text == "- preempt-1\n"
        assert answer.headers["content-disposition"] == 'attachment; filename="preempt-1.txt"'
    assert answer.headers["content-location"] == "/v1/studies/preempt-1"


def test_the_next_page_of_a_new_representation_is_one_too(api: httpx.Client, outline: Representation) -> None:
    first = api.get("/v1/directions?format=outline&limit=1")
    second = api.get(first.links["next"]["url"])
    assert second.headers["content-type"] == f"{MEDIA}; charset=utf-8"
    assert second.text.startswith("- ")
    assert second.text != first.text


def test_openapi_names_a_new_representation(outline: Representation) -> None:
    for documented in (
        list_operation(RESOURCES["studies"]),
        record_operation(RESOURCES["studies"]),
        search_operation(),
    ):
        shown = documented["openapi_extra"]
        assert shown["responses"]["200"]["content"][MEDIA] == {"schema": {"type": "string"}}
        (format,) = (p for p in shown["parameters"] if p["name"] == "format")
        assert "outline" in format["schema"]["enum"]
        assert MEDIA not in shown["responses"].get("206", {"content": {}})["content"]


def test_a_refusal_names_what_can_be_sent(api: httpx.Client, outline: Representation) -> None:
    refused = api.get("/v1/search?q=migraine", headers={"accept": "image/png"})
    assert refused.status_code == 406
    assert refused.json()["detail"] == f"This can be sent as application/json or {MEDIA}, not as 'image/png'."
    wrong = api.get("/v1/studies/preempt-1/similar?format=csv")
    assert (wrong.status_code, wrong.json()["errors"][0]["nearest"]) == (422, ["json", "outline"])
    raw = api.get("/v1/studies?format=outline&raw=true")
    assert (raw.status_code, raw.json()["detail"]) == (422, "raw belongs to csv; the format here is outline.")
