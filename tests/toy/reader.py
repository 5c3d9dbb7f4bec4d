"""A format for tests of imports: NDJSON, in which each line states the item that the reader yields for it.

`{"offers": [["sources", {...}], ...]}`, `{"refusal": "why"}`, `{"unreadable": "why"}`, `{"die": true}`; each may
have `"seconds"` to wait before it. A line may also be a page of ClinicalTrials.gov's API with such items as studies.
"""

import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import orjson

from app.imports import registry as formats
from app.imports.candidates import Candidate, Found, Rejection, SourceItem, Unreadable
from app.imports.clients import registry as servers
from app.imports.name_index import Names
from app.imports.registry import Format

ROOT = Path(__file__).parents[2]
PYTHONPATH = os.pathsep.join((str(Path(__file__).parent), str(ROOT)))

Json = dict[str, Any]


def _found(place: str, said: Json) -> Found:
    if "unreadable" in said:
        raise Unreadable(said["unreadable"])
    if "refusal" in said:
        return Rejection(place, "", said["refusal"])
    return SourceItem(place, tuple(Candidate(type, record) for type, record in said["offers"]))


def _said(file: IO[bytes]) -> Iterator[Json]:
    for line in file:
        said = orjson.loads(line)
        yield from said.get("studies", (said,))


def units(file: IO[bytes], name: str, names: Names) -> Iterator[Found]:
    for number, said in enumerate(_said(file), 1):
        time.sleep(said.get("seconds", 0))
        if "die" in said:
            sys.stdout.flush()
            os._exit(1)
        yield _found(f"line {number}", said)


def _updated(unit: SourceItem) -> str | None:
    return next((offer.data["note"] for offer in unit.candidates if offer.data.get("note")), None)


TOY = Format("toy", "tests.toy.reader", (".ndjson",), partial(servers.live, "ctgov"), _updated)


def make_known() -> None:
    known: Any = formats.FORMATS
    known["toy"] = TOY
