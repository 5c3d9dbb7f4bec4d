"""Writes what is committed of the contract: `examples.json` of the OpenAPI package, and `tests/openapi/`.

`make snapshot` runs it.

Examples are real answers over the seeds. What differs from one load to the next is written as one fixed value.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
from sqlalchemy import Engine

from app.api.http.problems import problem_response
from app.api.openapi import operations
from app.api.openapi.document import openapi_document
from app.auth.models import Role
from app.common.problems import KINDS, Problem
from app.database.engine import open_engine, reading
from app.database.migrations import migrate
from app.editing.service import entered
from app.main import create_app
from app.records.registry import RESOURCES
from app.releases.load import load
from tests.conftest import SEEDS, await_index, keys_of, serving, settings_for

EXAMPLES = Path(operations.__file__).parent / "examples.json"
OPENAPI = Path(__file__).parent / "openapi"
"""The contract, a file for each path, schema and example, so that a diff can be read."""

JSON = {"content-type": "application/json"}

CHANGING = {
    r'"checked_at":"[^"]+"': '"checked_at":"2026-01-31T12:00:00Z"',
    r'"changed_at":"[^"]+"': '"changed_at":"2026-01-31T12:00:00Z"',
    r'"at":"[^"]+"': '"at":"2026-01-31T12:00:00Z"',
    r'"etag":"[^"]+"': '"etag":"4bf92f3577b34da63ce929d0"',
    r'"request_id":"[^"]+"': '"request_id":"4bf92f3577b34da6"',
}

REFUSED = "/v1/studies/preempt-1?reason=An+example"


class Asked(NamedTuple):
    method: str
    path: str
    headers: dict[str, str] = {}
    content: bytes | None = None
    role: Role | None = None


PROBLEM_REQUESTS: dict[str, Asked] = {
    "ambiguous-name": Asked("GET", "/v1/studies/NCT01516892"),
    "malformed-request": Asked("GET", "/v1/studies/%ff"),
    "unexpected-content": Asked("GET", "/v1/studies", {"content-length": "2"}, b"{}"),
    "bad-cursor": Asked("GET", "/v1/studies?cursor=abc"),
    "malformed-content": Asked("POST", "/v1/studies?reason=x", JSON, b'{"id": NaN}', "editor"),
    "unauthorized": Asked("POST", "/v1/studies?reason=x", JSON, b"{}"),
    "forbidden": Asked("POST", "/v1/studies?reason=x", JSON, b"{}", "reader"),
    "not-found": Asked("GET", "/v1/studies/premt-1"),
    "method-not-allowed": Asked("DELETE", "/v1/studies"),
    "not-acceptable": Asked("GET", "/v1/studies", {"accept": "text/html"}),
    "conflict": Asked("POST", "/v1/studies?reason=x", JSON, b'{"id": "preempt-1"}', "editor"),
    "precondition-failed": Asked("DELETE", REFUSED, {"if-match": '"0123456789abcdef"'}, None, "editor"),
    "uri-too-long": Asked("GET", "/v1/studies?title=" + "x" * 34_000),
    "unsupported-media-type": Asked(
        "POST", "/v1/studies?reason=x", {"content-type": "text/xml"}, b"<study/>", "editor"
    ),
    "invalid-record": Asked("POST", "/v1/directions?reason=x", JSON, b'{"id": "new", "titel": "New"}', "editor"),
    "invalid-parameter": Asked("GET", "/v1/studies?desing=randomized-controlled-trial"),
    "range-not-satisfiable": Asked(
        "GET", "/v1/directions?format=csv", {"range": "bytes=900000000-", "accept-encoding": "identity"}
    ),
    "precondition-required": Asked("DELETE", REFUSED, {}, None, "editor"),
}
"""A request for each kind of problem that a request alone can bring about."""

OTHER_PROBLEMS = {
    "content-too-large": "At most 25,000,000 bytes are read.",
    "idempotency-key-reused": "Another request was sent with this Idempotency-Key.",
    "request-timeout": "The request did not come within the time allowed for it.",
    "headers-too-large": "The request line and the headers have more than 131,072 bytes.",
    "too-busy": "Too many answers wait for clients that do not read them.",
    "slow-down": "At most 1000 requests in 10 seconds are answered.",
    "quota-spent": "At most 1000000 requests in 86400 seconds are answered.",
    "gone": "The study 'preempt-1' was deleted; /v1/studies/preempt-1/versions/1 is what it was before.",
    "export-not-ready": "Other exports are being made, and this one had no turn.",
    "search-not-ready": "The search index is being made.",
    "internal-error": "The request could not be answered.",
    "insufficient-storage": "There is no room left to keep it; nothing was changed.",
    "database-unavailable": "The database does not answer just now.",
    "database-read-only": "The service has no permission to write to the database file 'evidence.db', so it can only "
    "be read.",
    "database-not-ready": "There is no migrated database; run `evidence migrate`.",
}


def example_requests() -> Iterator[tuple[str, str]]:
    """Each example's name in OpenAPI, and the path it is the answer of."""
    yield "GET /", "/"
    yield "GET /v1/search", "/v1/search?q=botox+migraine&limit=2"
    yield "GET /v1/studies/{id}/similar", "/v1/studies/preempt-1/similar?limit=1"
    yield "GET /v1/changes", "/v1/changes?type=studies&limit=1"
    yield "GET /v1/conflicts", "/v1/conflicts?type=studies&limit=2"
    yield "GET /v1/{type}/{id}/versions", "/v1/directions/refining-existing-uses/versions"
    yield "GET /v1/{type}/{id}/versions/{version}", "/v1/directions/refining-existing-uses/versions/1"
    yield "GET /v1/{type}/{id}/diff", "/v1/directions/refining-existing-uses/diff?from=1&to=1"
    for resource in RESOURCES.values():
        yield f"GET {resource.path}", f"{resource.path}?limit=1&ids={resource.example}"
        yield f"GET {resource.path}/{{id}}", f"{resource.path}/{resource.example}"


def steady(answer: httpx.Response | bytes) -> Any:
    text = answer.decode() if isinstance(answer, bytes) else answer.text
    for pattern, value in CHANGING.items():
        text = re.sub(pattern, value, text)
    return orjson.loads(text)


Keys = Mapping[Role, str]
"""A key of each role."""


def problem_answer(api: httpx.Client, kind: str, keys: Keys) -> Any:
    asked = PROBLEM_REQUESTS[kind]
    key = {"authorization": f"Bearer {keys[asked.role]}"} if asked.role else {}
    return steady(api.request(asked.method, asked.path, headers={**asked.headers, **key}, content=asked.content))


def collect(api: httpx.Client, engine: Engine, keys: Keys) -> dict[str, Any]:
    found = {name: {"request": path, "body": steady(api.get(path))} for name, path in example_requests()}
    with reading(engine) as connection:
        for resource in RESOURCES.values():
            found[f"entered {resource.type}"] = {"body": entered(connection, resource, resource.example)}
    for kind in KINDS:
        if kind in PROBLEM_REQUESTS:
            body = problem_answer(api, kind, keys)
        else:
            problem = Problem(kind, OTHER_PROBLEMS.get(kind, KINDS[kind].meaning))
            body = steady(bytes(problem_response(problem, "x").body))
        found[f"problem {kind}"] = {"body": body}
    return found


def pretty(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def contract(url: str) -> dict[str, bytes]:
    """Return the OpenAPI document in parts: the content of each file of the snapshot by its name."""
    document = openapi_document(create_app(settings_for(url)))
    paths, components = document.pop("paths"), document["components"]
    parts = {f"paths/{_file_name(path)}": {path: item} for path, item in paths.items()}
    for kind in ("schemas", "examples", "parameters", "responses"):
        parts |= {f"{kind}/{_file_name(name)}": {name: part} for name, part in components.pop(kind).items()}
    return {f"{name}.json": pretty(part) for name, part in {"document": document, **parts}.items()}


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "root"


def kept_contract() -> dict[str, bytes]:
    """Return the files of the snapshot as they are committed."""
    return {file.relative_to(OPENAPI).as_posix(): file.read_bytes() for file in OPENAPI.rglob("*.json")}


def whole(parts: Mapping[str, bytes]) -> dict[str, Any]:
    """Put the OpenAPI document together again."""
    document: dict[str, Any] = orjson.loads(parts["document.json"])
    document["paths"] = {}
    for name, content in sorted(parts.items()):
        kind = name.partition("/")[0]
        if kind == "paths":
            document["paths"] |= orjson.loads(content)
        elif kind != name:
            document["components"].setdefault(kind, {}).update(orjson.loads(content))
    return document


def write_contract(url: str) -> None:
    shutil.rmtree(OPENAPI, ignore_errors=True)
    for name, content in contract(url).items():
        (OPENAPI / name).parent.mkdir(parents=True, exist_ok=True)
        (OPENAPI / name).write_bytes(content)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/evidence.db"
        engine = open_engine(url)
        migrate(engine)
        load(engine, SEEDS)
        with serving(settings_for(url)) as api:
            await_index(api)
            EXAMPLES.write_bytes(pretty(collect(api, engine, keys_of(engine))))
        engine.dispose()
        # In a process of its own: this one read the examples before there were any.
        subprocess.run([sys.executable, "-m", "tests.snapshot", url], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write_contract(sys.argv[1])
    else:
        main()
