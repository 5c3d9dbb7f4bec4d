"""Writes what is committed of the contract: `app/web/examples.json` and `tests/openapi.json`. `make snapshot` runs it.

Examples are real answers over the seeds. What differs from one load to the next is written as one fixed value.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson

from app.catalogue import RESOURCES
from app.db import open_engine
from app.errors import KINDS, Problem
from app.loading.service import load
from app.main import create_app
from app.migrating import migrate
from app.web import operations
from app.web.openapi import openapi_document
from app.web.problems import problem_response
from tests.conftest import SEEDS, await_index, serving, settings_for

EXAMPLES = Path(operations.__file__).parent / "examples.json"
OPENAPI = Path(__file__).parent / "openapi.json"

CHANGING = {
    r'"checked_at":"[^"]+"': '"checked_at":"2026-01-31T12:00:00Z"',
    r'"changed_at":"[^"]+"': '"changed_at":"2026-01-31T12:00:00Z"',
    r'"request_id":"[^"]+"': '"request_id":"4bf92f3577b34da6"',
}

PROBLEM_REQUESTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "ambiguous-name": ("GET", "/v1/studies/NCT01516892", {}),
    "malformed-request": ("GET", "/v1/studies/%ff", {}),
    "unexpected-content": ("GET", "/v1/studies", {"content-length": "2"}),
    "bad-cursor": ("GET", "/v1/studies?cursor=abc", {}),
    "unauthorized": ("GET", "/v1/webhooks", {}),
    "not-found": ("GET", "/v1/studies/premt-1", {}),
    "method-not-allowed": ("DELETE", "/v1/studies", {}),
    "not-acceptable": ("GET", "/v1/studies", {"accept": "text/html"}),
    "uri-too-long": ("GET", "/v1/studies?title=" + "x" * 34_000, {}),
    "invalid-parameter": ("GET", "/v1/studies?desing=randomized-controlled-trial", {}),
}
"""A request for each kind of problem that a request alone can bring about."""

OTHER_PROBLEMS = {
    "search-not-ready": "The search index is being made.",
    "internal-error": "The request could not be answered.",
    "database-unavailable": "The database does not answer just now.",
    "database-not-ready": "There is no migrated database; run `evidence migrate`.",
}


def example_requests() -> Iterator[tuple[str, str]]:
    """Each example's name in OpenAPI, and the path it is the answer of."""
    yield "GET /", "/"
    yield "GET /v1/search", "/v1/search?q=botox+migraine&limit=2"
    yield "GET /v1/studies/{id}/similar", "/v1/studies/preempt-1/similar?limit=1"
    for resource in RESOURCES.values():
        yield f"GET {resource.path}", f"{resource.path}?limit=1&ids={resource.example}"
        yield f"GET {resource.path}/{{id}}", f"{resource.path}/{resource.example}"


def steady(answer: httpx.Response | bytes) -> Any:
    text = answer.decode() if isinstance(answer, bytes) else answer.text
    for pattern, value in CHANGING.items():
        text = re.sub(pattern, value, text)
    return orjson.loads(text)


def problem_answer(api: httpx.Client, kind: str) -> Any:
    method, path, headers = PROBLEM_REQUESTS[kind]
    content = b"{}" if "content-length" in headers else None
    return steady(api.request(method, path, headers=headers, content=content))


def collect(api: httpx.Client) -> dict[str, Any]:
    found = {name: {"request": path, "body": steady(api.get(path))} for name, path in example_requests()}
    for kind in KINDS:
        if kind in PROBLEM_REQUESTS:
            body = problem_answer(api, kind)
        else:
            problem = Problem(kind, OTHER_PROBLEMS.get(kind, KINDS[kind].meaning))
            body = steady(bytes(problem_response(problem, "x").body))
        found[f"problem {kind}"] = {"body": body}
    return found


def pretty(content: Any) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def contract(url: str) -> bytes:
    return pretty(openapi_document(create_app(settings_for(url))))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/evidence.db"
        engine = open_engine(url)
        migrate(engine)
        load(engine, SEEDS)
        engine.dispose()
        with serving(settings_for(url)) as api:
            await_index(api)
            EXAMPLES.write_bytes(pretty(collect(api)))
        # In a process of its own: this one read the examples before there were any.
        subprocess.run([sys.executable, "-m", "tests.snapshot", url], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        OPENAPI.write_bytes(contract(sys.argv[1]))
    else:
        main()
