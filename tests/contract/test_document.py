"""The OpenAPI document as generators read it: valid examples, one name for each thing, defaults that are accepted."""

from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.api.test_openapi import DOCUMENT, OPERATIONS, followed, part_at

VERBS = [
    (verb, path, operation)
    for kind in ("paths", "webhooks")
    for path, item in DOCUMENT[kind].items()
    for verb, operation in item.items()
]
SCHEMAS = DOCUMENT["components"]["schemas"]


def inside(part: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object of a part of the document with the names that lead to it, except what examples hold."""
    if isinstance(part, dict):
        yield names, part
        for name, inner in part.items():
            if name not in ("example", "examples") or names[-1:] == ("properties",):
                yield from inside(inner, (*names, name))
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from inside(inner, (*names, str(number)))


def contents() -> Iterator[Any]:
    """Every media type's content, of requests and of responses, and every parameter: with its schema and examples."""
    for verb, path, operation in VERBS:
        places = {"request": operation.get("requestBody", {}), **operation["responses"]}
        for place, holder in places.items():
            for media, content in followed(holder).get("content", {}).items():
                yield pytest.param(content, id=f"{verb} {path} {place} {media}")
        for parameter in map(followed, operation.get("parameters", [])):
            yield pytest.param(parameter, id=f"{verb} {path} {parameter['name']}")


def test_every_example_is_valid() -> None:
    count = 0
    for shown in contents():
        content, *_ = shown.values
        examples = [followed(one)["value"] for one in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **content["schema"]}
        validator = jsonschema_rs.validator_for(schema | {"components": {"schemas": SCHEMAS}})
        for example in examples:
            faults = [str(fault) for fault in validator.iter_errors(example)]
            assert not faults, (shown.id, faults[:3])
            count += 1
    assert count > 1000


def test_schemas_have_json_schema_s_own_words() -> None:
    for names, part in inside({"paths": DOCUMENT["paths"], "components": DOCUMENT["components"]}):
        if names[-1:] != ("properties",):
            assert not {"ge", "le", "gt", "lt"} & part.keys(), names
    for name, schema in SCHEMAS.items():
        assert schema.get("title", name) == name
        assert not [field for field in schema.get("properties", {}).values() if "default" in field], name


def test_enumerations_have_names_and_meanings() -> None:
    for name, schema in SCHEMAS.items():
        for names, part in inside(schema):
            assert not names or "enum" not in part or names[-1] == "properties", (name, names)
        if "enum" in schema:
            assert [*schema["x-enumDescriptions"]] == schema["enum"], name
            assert all(text.endswith(".") for text in schema["x-enumDescriptions"].values()), name


def test_every_record_has_one_schema_and_says_its_type() -> None:
    found = SCHEMAS["SearchPage"]["properties"]["items"]["items"]
    for type, reference in found["discriminator"]["mapping"].items():
        assert {"$ref": reference} in found["oneOf"]
        record = part_at(reference)
        assert record["properties"]["type"]["const"] == type
        assert "required" not in record, "`fields=` may leave out any field"
    for path, operation in OPERATIONS:
        schema = operation["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
        assert not {"anyOf", "oneOf"} & schema.keys(), path


def test_patches_may_leave_out_and_take_away_each_field() -> None:
    patches = [name for name in SCHEMAS if name.endswith("Patch")]
    assert {"StudyPatch", "SafetyNotePatch", "MeshPatch"} <= {*patches}
    for name in patches:
        assert "required" not in SCHEMAS[name]
        assert all({"type": "null"} in field["anyOf"] for field in SCHEMAS[name]["properties"].values()), name


def test_what_is_answered_by_428_is_required() -> None:
    for verb, path, operation in VERBS:
        parameters = {one["name"]: one for one in map(followed, operation.get("parameters", []))}
        assert parameters.get("If-Match", {}).get("required", False) is ("428" in operation["responses"]), (verb, path)


def test_references_lead_somewhere_and_tags_are_described() -> None:
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    for _, part in inside(DOCUMENT):
        if isinstance(part.get("$ref"), str):
            assert part_at(part["$ref"])
    for _, path, operation in VERBS:
        assert {*operation["tags"]} <= tags, path


@pytest.mark.parametrize(
    ("path", "operation"), [(path, operation) for path, operation in OPERATIONS if "security" not in operation]
)
def test_documented_defaults_are_accepted(api: httpx.Client, path: str, operation: dict[str, Any]) -> None:
    parameters = operation["parameters"]
    where = path.format(**{one["name"]: one["example"] for one in parameters if one["in"] == "path"})
    queries = [one for one in parameters if one["in"] == "query"]
    needed = {one["name"]: one["example"] for one in queries if one.get("required")}
    defaults = {one["name"]: one["schema"]["default"] for one in queries if "default" in one["schema"]}
    answer = api.get(where, params=needed | defaults)
    assert answer.status_code == 200, answer.text


def test_other_values_than_defaults_need_what_they_belong_to(api: httpx.Client) -> None:
    for query in ("match=all", "expand=false", "raw=true", "match=best&match=best", "match=nonsense"):
        assert api.get(f"/v1/studies?{query}").status_code == 422, query
    for query in ("match=best", "facet_limit=100"):
        assert api.get(f"/v1/studies?as_of=2026-01-31T12:00:00Z&{query}").status_code == 200, query


def test_what_is_included_is_given_in_either_way(api: httpx.Client) -> None:
    path = "/v1/studies/preempt-1"
    comma = api.get(f"{path}?include=products,provenance").json()
    assert comma == api.get(f"{path}?include=products&include=provenance").json()
    assert comma["provenance"][0]["source_record"]["id"]
    assert api.get(f"{path}?include=products&include=nothing").status_code == 422
    two = api.get("/v1/search?q=botox&type=studies&type=products").json()
    assert two == api.get("/v1/search?q=botox&type=studies,products").json() | {"next": two["next"]}


def test_nearest_names_are_told_once(api: httpx.Client) -> None:
    for path in ("/v1/studies?desing=x", "/v1/studies/premt-1", "/v1/studies?sort=yaer"):
        for fault in api.get(path).json()["errors"]:
            assert len(fault["nearest"]) == len({*fault["nearest"]}) > 0, path


def test_the_public_document_has_nothing_for_admins(api: httpx.Client) -> None:
    public = api.get("/openapi.json?audience=public").json()
    assert "/v1/imports" in DOCUMENT["paths"]
    assert not [path for path in public["paths"] if path.startswith(("/v1/imports", "/v1/releases", "/v1/webhooks"))]
    assert "webhooks" not in public
    assert "ImportOut" not in public["components"]["schemas"]
    assert {"/v1/studies", "/v1/studies/{id}"} <= {*public["paths"]}
    assert api.get("/openapi.json?audience=nobody").status_code == 422


def test_pages_have_an_icon_and_times_end_in_z(api: httpx.Client) -> None:
    assert api.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    assert api.get("/").json()["changed_at"].endswith("Z")
    assert "Content-Disposition" in api.get("/v1/studies").headers["access-control-expose-headers"]
