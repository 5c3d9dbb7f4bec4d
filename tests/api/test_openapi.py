"""OpenAPI is what is promised: the snapshot, every example, and answers that keep to it."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import reduce
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.api.openapi import operations
from app.common.problems import KINDS
from app.database.engine import open_engine
from tests.conftest import keys_of, serving, settings_for
from tests.snapshot import (
    EXAMPLES,
    PROBLEM_REQUESTS,
    Keys,
    contract,
    example_requests,
    kept_contract,
    pretty,
    problem_answer,
    steady,
    whole,
)

DOCUMENT = whole(kept_contract())


def part_at(reference: str) -> Any:
    """The part of the document that a `$ref` names."""
    _, *names = reference.split("/")
    return reduce(lambda part, name: part[name], names, DOCUMENT)


def followed(part: Any) -> Any:
    """A part of the document, or that to which it refers."""
    return part_at(part["$ref"]) if "$ref" in part else part


def plain(operation: dict[str, Any]) -> dict[str, Any]:
    """An operation with its parameters and responses in place of references to them."""
    parameters = [followed(parameter) for parameter in operation.get("parameters", [])]
    shown = [{**parameter, "example": parameter["examples"]["example"]["value"]} for parameter in parameters]
    responses = {status: followed(response) for status, response in operation["responses"].items()}
    return {**operation, "parameters": shown, "responses": responses}


OPERATIONS = [(path, plain(verbs["get"])) for path, verbs in DOCUMENT["paths"].items() if "get" in verbs]
QUESTIONS = {("/v1/synthesis", "post")}
"""What is asked by content because an address could not hold it; nothing is stored, and no key is needed."""
WRITES = [
    pytest.param(path, verb, plain(operation), id=f"{verb} {path}")
    for path, verbs in DOCUMENT["paths"].items()
    for verb, operation in verbs.items()
    if verb != "get" and (path, verb) not in QUESTIONS
]
PARAMETERS = [
    pytest.param(path, operation, parameter, id=f"{path} {parameter['name']}")
    for path, operation in OPERATIONS
    for parameter in operation.get("parameters", [])
    if parameter["in"] == "query"
]
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_contract_is_the_committed_one() -> None:
    assert contract("sqlite:///none.db") == kept_contract(), "run `make snapshot` and read the diff"


@pytest.mark.parametrize(("name", "path"), list(example_requests()))
def test_every_example_is_the_real_answer(api: httpx.Client, name: str, path: str) -> None:
    assert steady(api.get(path)) == operations.examples()[name]["body"]


@pytest.mark.parametrize("kind", PROBLEM_REQUESTS)
def test_every_problem_example_is_the_real_answer(api: httpx.Client, keys: Keys, kind: str) -> None:
    assert problem_answer(api, kind, keys) == operations.examples()[f"problem {kind}"]["body"]


def test_every_kind_of_problem_has_an_example() -> None:
    shown = {name.removeprefix("problem ") for name in operations.examples() if name.startswith("problem ")}
    assert shown == set(KINDS)
    assert pretty(operations.examples()) == EXAMPLES.read_bytes()


@pytest.mark.parametrize(("path", "operation", "parameter"), PARAMETERS)
def test_every_parameter_s_example_works(
    api: httpx.Client, keys: Keys, path: str, operation: dict[str, Any], parameter: dict[str, Any]
) -> None:
    key = {"authorization": f"Bearer {keys['admin']}"} if "security" in operation else {}
    where = path.format(**{p["name"]: p["example"] for p in operation["parameters"] if p["in"] == "path"})
    needed = {p["name"]: p["example"] for p in operation["parameters"] if p.get("required") and p["in"] == "query"}
    if parameter["name"] in ("match", "expand"):
        needed["q"] = "botox"
    if parameter["name"] in ("raw", "bom"):
        needed["format"] = "csv"
    example = parameter["example"]
    if parameter["name"] == "as_of":  # the seeds were loaded just now
        example = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    answer = api.get(where, params={**needed, parameter["name"]: example}, headers=key)
    assert answer.status_code == 200, answer.text
    assert parameter["description"].endswith(".") or parameter["name"] == "fields"


def test_every_operation_declares_answers_problems_and_examples() -> None:
    for path, operation in OPERATIONS:
        answers = operation["responses"]
        assert {"200", "414", "422", "500", "503"} <= set(answers), path
        for status, answer in answers.items():
            media = "application/problem+json"
            if status >= "4" or status == "300":
                assert answer["content"][media]["examples"], (path, status)
        if path.startswith("/v1") and not path.endswith(("/text", "/events")):
            assert "examples" in answers["200"]["content"]["application/json"], path


def test_operation_ids_are_unique_words() -> None:
    names = [operation["operationId"] for verbs in DOCUMENT["paths"].values() for operation in verbs.values()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


@pytest.fixture(scope="module")
def contract_server(sqlite_seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service that may be changed, and a client that may change it."""
    url = f"sqlite:///{shutil.copy(sqlite_seeds, tmp_path_factory.mktemp('contract') / 'evidence.db')}"
    engine = open_engine(url)
    key = keys_of(engine)["admin"]
    engine.dispose()
    with serving(settings_for(url, answer_cache_bytes=64_000_000)) as client:
        client.headers["authorization"] = f"Bearer {key}"
        yield client


@schemathesis.serializer("application/x-ndjson", "application/zip", "application/gzip", "application/x-gzip")
def as_it_is(_: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
def test_answers_keep_to_the_contract(contract_server: httpx.Client, case: Any) -> None:
    key = {"authorization": contract_server.headers["authorization"]}
    case.call_and_validate(base_url=str(contract_server.base_url), checks=CHECKS, headers=key, timeout=60)
