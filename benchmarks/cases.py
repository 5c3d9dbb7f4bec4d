"""What is asked of both servers; no two cases share a target, so that the bare one need look at nothing else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPConnection
from itertools import islice

import orjson

from benchmarks.exchanges import Answer, Target, ask
from benchmarks.load import Failed

PAGE = 50
RECORDS, PAGES = 2000, 100
"""Different targets a case cycles over, spread over all there are: one alone would always be at hand."""


NOW_AND_THEN = ("one record", "one record as of a moment")
"""Cases that are held against each other: the past may cost twice what now does."""


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    least: float | None
    """The ratio to reach; none where a case is for information."""
    answers: dict[Target, Answer]


def _json(connection: HTTPConnection, path: str) -> dict[str, object]:
    answer = ask(connection, Target(path))
    if answer.status != 200:
        raise Failed(f"{path} was answered {answer.status}: {answer.body.decode()}")
    found: dict[str, object] = orjson.loads(answer.body)
    return found


def _walk(connection: HTTPConnection, path: str) -> Iterator[tuple[str, dict[str, object]]]:
    following: object = path
    while following:
        path = str(following)
        page = _json(connection, path)
        yield path, page
        following = page["next"]


def _record_paths(connection: HTTPConnection, studies: int) -> list[str]:
    pages = (page["items"] for _, page in _walk(connection, "/v1/studies?fields=id&limit=1000"))
    ids = [item["id"] for items in pages if isinstance(items, list) for item in items]
    return [f"/v1/studies/{id}" for id in ids[:studies]]


def _page_paths(connection: HTTPConnection, query: str, most: int) -> list[str]:
    return [path for path, _ in islice(_walk(connection, f"/v1/studies?{query}limit={PAGE}"), most)]


def _spread(paths: list[str], number: int, first: int) -> list[str]:
    """Every so-manyth path; `first` tells two such selections apart."""
    step = max(2, len(paths) // number)
    return paths[first::step][:number]


def _plain(connection: HTTPConnection, paths: list[str]) -> dict[Target, Answer]:
    return {(target := Target(path)): ask(connection, target) for path in paths}


def _held(connection: HTTPConnection, paths: list[str]) -> dict[Target, Answer]:
    """Answers to a client that has each of them already."""
    targets = [Target(path, ask(connection, Target(path)).header(b"etag")) for path in paths]
    return {target: ask(connection, target) for target in targets}


def _case(name: str, least: float | None, status: int, answers: dict[Target, Answer]) -> Case:
    wrong = {answer.status for answer in answers.values()} - {status}
    if wrong or not answers:
        raise Failed(f"{name}: expected only {status}, got {wrong or 'nothing'}")
    return Case(name, least, answers)


def capture(connection: HTTPConnection, studies: int) -> list[Case]:
    """The cases with the real server's answers."""
    records = _record_paths(connection, studies)
    pages = _page_paths(connection, "", studies // PAGE)
    newest = _page_paths(connection, "sort=-year&", PAGES)
    filtered = _page_paths(connection, "indication=chronic-migraine&sort=-year&", PAGES)
    plain: Callable[[list[str]], dict[Target, Answer]] = partial(_plain, connection)
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    now, then = NOW_AND_THEN
    return [
        _case(now, 0.20, 200, plain(_spread(records, RECORDS, 0))),
        _case(then, 0.10, 200, plain([f"{path}?as_of={moment}" for path in _spread(records, RECORDS, 0)])),
        _case("a page of 50", 0.08, 200, plain(_spread(pages, PAGES, 0))),
        _case("a 304 of a record", 0.22, 304, _held(connection, _spread(records, RECORDS, 1))),
        _case("a page of 50, sort=-year", None, 200, plain(newest)),
        _case("a page of 50, one indication, sort=-year", None, 200, plain(filtered)),
        _case("a 304 of a page", None, 304, _held(connection, _spread(pages, PAGES, 1))),
    ]


KEPT = 200
"""Few enough to be all in memory."""


def capture_kept(connection: HTTPConnection, studies: int) -> list[Case]:
    """The cases of answers that are at hand: each was asked for before."""
    records = _record_paths(connection, studies)
    plain = partial(_plain, connection)
    plain(_spread(records, KEPT, 0))
    return [
        _case("a kept record", 0.50, 200, plain(_spread(records, KEPT, 0))),
        _case("a kept 304", 0.75, 304, _held(connection, _spread(records, KEPT, 1))),
    ]
