"""The requests of `benchmarks.serve`. No two cases share a target, so the bare server finds answers by target alone."""

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
"""The number of different targets of a case. They are spread over all data, as a single one would stay in caches."""


RECORD_CASES = ("one record", "one record as of a moment")
"""Two cases that are compared: a record as of a moment may cost twice as much as a current one."""


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of request with the answers that both servers must give."""

    name: str
    least: float | None
    """The ratio of rates to reach; None for a case that is only for information."""
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
    """About `number` paths at equal distances; a different `first` gives a selection without common paths."""
    step = max(2, len(paths) // number)
    return paths[first::step][:number]


def _plain(connection: HTTPConnection, paths: list[str]) -> dict[Target, Answer]:
    return {(target := Target(path)): ask(connection, target) for path in paths}


def _revalidated(connection: HTTPConnection, paths: list[str]) -> dict[Target, Answer]:
    """The answers to conditional requests of a client that has the current entity tags."""
    targets = [Target(path, ask(connection, Target(path)).header(b"etag")) for path in paths]
    return {target: ask(connection, target) for target in targets}


def _case(name: str, least: float | None, status: int, answers: dict[Target, Answer]) -> Case:
    wrong = {answer.status for answer in answers.values()} - {status}
    if wrong or not answers:
        raise Failed(f"{name}: expected only {status}, got {wrong or 'nothing'}")
    return Case(name, least, answers)


def capture(connection: HTTPConnection, studies: int) -> list[Case]:
    """Capture the cases with the answers of the real server."""
    records = _record_paths(connection, studies)
    pages = _page_paths(connection, "", studies // PAGE)
    newest = _page_paths(connection, "sort=-year&", PAGES)
    filtered = _page_paths(connection, "indication=chronic-migraine&sort=-year&", PAGES)
    plain: Callable[[list[str]], dict[Target, Answer]] = partial(_plain, connection)
    moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
    now, then = RECORD_CASES
    return [
        _case(now, 0.20, 200, plain(_spread(records, RECORDS, 0))),
        _case(then, 0.10, 200, plain([f"{path}?as_of={moment}" for path in _spread(records, RECORDS, 0)])),
        _case("a page of 50", 0.08, 200, plain(_spread(pages, PAGES, 0))),
        _case("a 304 of a record", 0.22, 304, _revalidated(connection, _spread(records, RECORDS, 1))),
        _case("a page of 50, sort=-year", None, 200, plain(newest)),
        _case("a page of 50, one indication, sort=-year", None, 200, plain(filtered)),
        _case("a 304 of a page", None, 304, _revalidated(connection, _spread(pages, PAGES, 1))),
    ]


CACHED = 200
"""The number of targets whose answers all fit into the response cache."""


def capture_cached(connection: HTTPConnection, studies: int) -> list[Case]:
    """Capture the cases whose answers are in the response cache, because each was requested before."""
    records = _record_paths(connection, studies)
    plain = partial(_plain, connection)
    plain(_spread(records, CACHED, 0))
    return [
        _case("a kept record", 0.50, 200, plain(_spread(records, CACHED, 0))),
        _case("a kept 304", 0.75, 304, _revalidated(connection, _spread(records, CACHED, 1))),
    ]
