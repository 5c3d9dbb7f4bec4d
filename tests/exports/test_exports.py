"""Exports are made once, kept on disk while they are read, and sent whole or in parts to clients of any speed."""

import asyncio
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import IncompleteRead
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from app.common.problems import Problem
from app.database.engine import open_engine
from app.exports.producer_places import ProducerPlaces
from app.main import create_app, spool_path
from app.store.documents import State
from tests.commands import environment, evidence
from tests.conftest import await_index, keys_of, serving, settings_for
from tests.editing.test_editing import WHY, direction
from tests.exporting import client_at, open_reads, spool_folder, spools, stopped_reader, within

LONG = "/v1/studies?format=ndjson"
"""All studies: 844,608 bytes, more than lie between the service and a client that takes nothing."""
OTHERS = [f"{LONG}&sort={sort}" for sort in ("-id", "year", "-year", "title", "-title", "enrolled", "-enrolled")]
SMALL = 16_384
PLAIN = {"accept-encoding": "identity"}


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few records are read at a time that the seeds come in many pieces."""
    monkeypatch.setattr("app.query.pages.EXPORTED", 20)


@contextmanager
def service(url: str, app: FastAPI | None = None, **more: object) -> Iterator[httpx.Client]:
    """A service that takes little from a stopped reader; it does not end before its index is made."""
    with serving(settings_for(url, **more), app, send_buffer=SMALL) as api:
        yield api
        await_index(api)


@pytest.fixture(scope="module")
def other_api(seeded_url: str) -> Iterator[httpx.Client]:
    """A second service over the database that `api` is a client of."""
    with service(seeded_url) as api:
        yield api


def now(engine: Engine) -> str:
    """The moment of the newest change, as `as_of` takes it."""
    with engine.connect().execution_options(reads=True) as connection:
        return f"{connection.scalars(select(State.changed_at)).one():%Y-%m-%dT%H:%M:%S.%fZ}"


def change(engine: Engine) -> None:
    """Let the database be at another revision."""
    with service(engine.url.render_as_string(hide_password=False)) as client:
        client.headers["authorization"] = f"Bearer {keys_of(engine)['editor']}"
        body = {**direction(client), "id": "another-direction", "title": "Another direction"}
        assert client.post("/v1/directions", params=WHY, json=body).status_code == 201


@pytest.mark.parametrize("count", [2, 4, 10])
def test_readers_that_stop_hold_no_one_and_no_transaction(copy_url: str, copy: Engine, count: int) -> None:
    with service(copy_url) as api, ExitStack() as readers:
        for number in range(count):
            reader = stopped_reader(api, [LONG, *OTHERS][number % 8], headers=PLAIN)
            assert readers.enter_context(reader).status == 200
        keys_of(copy)  # a commit, so that an old state is in use where one is held
        for path in ("/v1/studies?format=csv", "/v1/products?format=ndjson", LONG):
            assert api.get(path).status_code == 200
        assert within(10, lambda: open_reads(copy) == 0)


def test_a_reader_that_stopped_gets_all_of_it_in_the_end(copy_url: str, copy: Engine) -> None:
    with service(copy_url) as api:
        whole = api.get(LONG).content
        with stopped_reader(api, LONG, headers=PLAIN) as reader:
            change(copy)
            assert api.get(LONG).status_code == 200
            assert reader.read() == whole


def test_many_who_want_the_same_share_one_production(copy_url: str, statements: list[str]) -> None:
    """Without the cache, which asks PostgreSQL for its revision: what is counted is how exports are made."""
    with service(copy_url, answer_cache_bytes=0) as api:
        await_index(api)
        statements.clear()
        whole = api.get(LONG).content
        alone = len(statements)
        changed = f"{LONG}&sort=-id"
        statements.clear()
        with ThreadPoolExecutor(8) as threads:
            bodies = set(threads.map(lambda _: httpx.get(f"{api.base_url}{changed}").content, range(8)))
        assert len(bodies) == 1
        assert sorted(bodies.pop().splitlines()) == sorted(whole.splitlines())
        assert len(statements) == alone + 7  # each of the others asks for the state


@pytest.mark.parametrize("format", ["csv", "ndjson", "ris", "bibtex", "csl-json"])
@pytest.mark.parametrize("coding", ["identity", "gzip", "br", "zstd"])
def test_an_export_is_the_same_bytes_whoever_makes_it(
    api: httpx.Client, other_api: httpx.Client, format: str, coding: str
) -> None:
    found = set()
    for client in (api, other_api):
        path, headers = f"/v1/studies?format={format}&sort=-year", {"accept-encoding": coding}
        with client.stream("GET", path, headers=headers) as answer:
            found.add((answer.status_code, answer.headers["etag"], b"".join(answer.iter_raw())))
    assert len(found) == 1


RANGES = [
    ("bytes=0-0", slice(0, 1)),
    ("bytes=100-199", slice(100, 200)),
    ("bytes=1000-", slice(1000, None)),
    ("BYTES=1000-", slice(1000, None)),
    ("bytes=-500", slice(-500, None)),
    ("bytes=-99999999", slice(0, None)),
    (f"bytes=5-{'9' * 5000}", slice(5, None)),
]


@pytest.mark.parametrize(("header", "part"), RANGES)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_range_is_that_part_of_the_whole(api: httpx.Client, header: str, part: slice, coding: str) -> None:
    headers = {"accept-encoding": coding}
    with api.stream("GET", LONG, headers=headers) as answer:
        whole = b"".join(answer.iter_raw())
    with api.stream("GET", LONG, headers={**headers, "range": header}) as ranged:
        raw = b"".join(ranged.iter_raw())
    assert (ranged.status_code, raw) == (206, whole[part])
    start, stop, _ = part.indices(len(whole))
    assert ranged.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    assert ranged.headers["content-length"] == str(len(raw))
    for name in ("etag", "vary", "cache-control", "content-type", "content-disposition"):
        assert ranged.headers[name] == answer.headers[name]


@pytest.mark.parametrize(
    "header", ["bytes=0-1,5-9", "bytes=5-3", "bytes=-", "bytes=a-b", "items=0-1", "bytes 0-1", "bytes=²-³", ""]
)
def test_what_is_no_single_range_of_bytes_is_answered_whole(api: httpx.Client, header: str) -> None:
    answer = api.get(LONG, headers=httpx.Headers({"range": header}, encoding="utf-8"))
    assert (answer.status_code, answer.content) == (200, api.get(LONG).content)
    assert answer.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("header", ["bytes=99999999-", "bytes=99999999-99999999", "bytes=-0", f"bytes={'9' * 5000}-"])
def test_a_range_behind_the_end_is_a_416(api: httpx.Client, header: str) -> None:
    size = len(api.get(LONG, headers=PLAIN).content)
    answer = api.get(LONG, headers={**PLAIN, "range": header})
    assert (answer.status_code, answer.json()["type"]) == (416, "/problems/range-not-satisfiable")
    assert answer.headers["content-range"] == f"bytes */{size}"


def test_a_list_without_records_has_no_ranges(api: httpx.Client) -> None:
    empty = "/v1/studies?format=ndjson&phase=early-1&phase=4"
    answer = api.get(empty, headers=PLAIN)
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert api.get(empty, headers={**PLAIN, "range": "bytes=0-"}).status_code == 416


def test_a_search_has_no_ranges_since_its_order_may_change(api: httpx.Client) -> None:
    await_index(api)
    answer = api.get("/v1/studies?format=ndjson&q=botox", headers={"range": "bytes=5-"})
    assert (answer.status_code, answer.headers["accept-ranges"]) == (200, "none")


def test_pages_of_json_have_no_ranges(api: httpx.Client) -> None:
    answer = api.get("/v1/studies", headers={"range": "bytes=5-"})
    assert (answer.status_code, "accept-ranges" in answer.headers) == (200, False)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_head_tells_the_length(api: httpx.Client, coding: str) -> None:
    headers = {"accept-encoding": coding}
    headed = api.head(f"{LONG}&year=2000..", headers=headers)
    with api.stream("GET", f"{LONG}&year=2000..", headers=headers) as answer:
        raw = b"".join(answer.iter_raw())
    assert (headed.status_code, headed.headers["content-length"]) == (200, str(len(raw)))
    assert headed.headers["etag"] == answer.headers["etag"]
    assert "content-range" not in api.head(LONG, headers={"range": "bytes=0-1"}).headers


def test_parts_are_of_one_state_or_none(copy_url: str, copy: Engine) -> None:
    """`If-Range` gives all of the new state, `If-Match` nothing of it (RFC 9110 §13.1.5, §13.1.1)."""
    with service(copy_url) as api:
        old = api.get(LONG, headers=PLAIN)
        tag, half = old.headers["etag"], {**PLAIN, "range": "bytes=1000-"}
        assert api.get(LONG, headers={**half, "if-range": tag}).content == old.content[1000:]
        assert api.get(LONG, headers={**half, "if-match": f'"x", {tag}'}).content == old.content[1000:]
        assert api.get(LONG, headers={**half, "accept-encoding": "gzip", "if-range": tag}).status_code == 200
        weak = api.get(LONG, headers={**half, "if-range": f"W/{tag}"})
        assert (weak.status_code, weak.content) == (200, old.content)
        change(copy)
        new = api.get(LONG, headers={**half, "if-range": tag})
        assert (new.status_code, new.content) == (200, api.get(LONG, headers=PLAIN).content)
        assert new.headers["etag"] != tag
        refused = api.get(LONG, headers={**half, "if-match": tag})
        assert (refused.status_code, refused.json()["type"]) == (412, "/problems/precondition-failed")
        assert api.get(LONG, headers={**half, "if-match": "*"}).status_code == 206


def test_a_range_goes_by_the_date_where_it_is_exactly_that(api: httpx.Client) -> None:
    assert within(5, lambda: "last-modified" in api.get(LONG).headers)
    date = api.get(LONG, headers=PLAIN).headers["last-modified"]
    asked = {**PLAIN, "range": "bytes=0-9", "if-range": date}
    assert api.get(LONG, headers=asked).status_code == 206
    for other in ("Wed, 21 Oct 2015 07:28:00 GMT", "Wed, 21 Oct 2115 07:28:00 GMT", "yesterday"):
        assert api.get(LONG, headers={**asked, "if-range": other}).status_code == 200


def test_what_a_client_has_is_not_sent_again(api: httpx.Client) -> None:
    tag = api.get(LONG, headers=PLAIN).headers["etag"]
    answer = api.get(LONG, headers={**PLAIN, "if-none-match": tag, "range": "bytes=0-9"})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("as_of", [False, True])
def test_curl_goes_on_where_it_stopped(copy_url: str, copy: Engine, tmp_path: Path, as_of: bool) -> None:
    file = tmp_path / "studies.ndjson"
    with service(copy_url) as api:
        moment = "".join(f"&as_of={now(copy)}" for _ in range(as_of))
        path = f"{LONG}{moment}"
        change(copy)
        whole = api.get(path, headers=PLAIN)
        with stopped_reader(api, path, headers=PLAIN) as broken_off:
            file.write_bytes(broken_off.read(300_000))
        command = ["curl", "--silent", "--show-error", "--fail", "--output", str(file), f"{api.base_url}{path}"]
        condition = f"If-Match: {whole.headers['etag']}"
        subprocess.run([*command, "--continue-at", "-", "--header", condition], check=True)
        assert file.read_bytes() == whole.content
        command.remove("--fail")
        subprocess.run([*command, "--continue-at", "-"], check=True)  # there is nothing more, and curl knows that
        assert file.read_bytes() == whole.content


def test_parts_fetched_side_by_side_are_the_whole(copy_url: str) -> None:
    with service(copy_url) as api:
        size = int(api.head(LONG, headers=PLAIN).headers["content-length"])
    with service(copy_url) as api:  # another one, in which nothing is made yet
        cuts = [size * part // 4 for part in range(5)]

        def fetch(part: int) -> bytes:
            asked = {**PLAIN, "range": f"bytes={cuts[part]}-{cuts[part + 1] - 1}"}
            answer = httpx.get(f"{api.base_url}{LONG}", headers=asked)
            assert answer.status_code == 206
            return answer.content

        with ThreadPoolExecutor(4) as threads:
            parts = list(threads.map(fetch, range(4)))
        assert b"".join(parts) == api.get(LONG, headers=PLAIN).content


def test_a_range_that_takes_too_long_is_to_be_asked_for_again(copy_url: str) -> None:
    app = create_app(settings_for(copy_url))
    app.state.service.exports.patience = 0.0
    with service(copy_url, app) as api:
        asked = {**PLAIN, "range": "bytes=1000-"}
        first = api.get(f"{LONG}&include=publications", headers=asked)
        assert (first.status_code, first.json()["type"]) == (503, "/problems/export-not-ready")
        assert int(first.headers["retry-after"]) > 0
        assert within(10, lambda: api.get(f"{LONG}&include=publications", headers=asked).status_code == 206)


def test_the_first_bytes_come_before_the_last_are_made(copy_url: str) -> None:
    with service(copy_url) as api:
        with api.stream("GET", LONG, headers=PLAIN) as first:
            assert "content-length" not in first.headers  # it was not known when the answer began
            body = b"".join(first.iter_raw())
        again = api.get(LONG, headers=PLAIN)
        assert (again.content, again.headers["content-length"]) == (body, str(len(body)))


def test_nobody_left_to_read_ends_the_production(sqlite_copy: Path) -> None:
    url = f"sqlite:///{sqlite_copy}"
    with service(url) as api:
        path = f"{LONG}&include=publications,provenance&fields=id,title,publications,provenance"
        with stopped_reader(api, path, headers=PLAIN):
            pass
        assert within(10, lambda: spools(spool_folder(url)) == [])
        with stopped_reader(api, path, headers=PLAIN) as other, stopped_reader(api, path, headers=PLAIN):
            pass
        with stopped_reader(api, path, headers=PLAIN) as other:
            with stopped_reader(api, path, headers=PLAIN):
                pass
            assert len(other.read().splitlines()) == api.get("/v1/studies?limit=0").json()["total"]


def test_spools_of_other_revisions_are_deleted(sqlite_copy: Path) -> None:
    url = f"sqlite:///{sqlite_copy}"
    engine = open_engine(url)
    with service(url) as api:
        api.get(LONG)
        with stopped_reader(api, OTHERS[0], headers=PLAIN) as old:
            assert within(10, lambda: len(spools(spool_folder(url))) == 2)
            change(engine)
            api.get("/v1/products?format=csv")
            assert within(10, lambda: len(spools(spool_folder(url))) == 2)  # this one, and that of who still reads
            assert len(old.read().splitlines()) == api.get("/v1/studies?limit=0").json()["total"]
        assert within(10, lambda: len(spools(spool_folder(url))) == 1)
    engine.dispose()
    assert list(spool_folder(url).iterdir()) == []


def test_what_was_read_longest_ago_makes_room(sqlite_copy: Path) -> None:
    url = f"sqlite:///{sqlite_copy}"
    with serving(settings_for(url, spool_bytes=2_000_000)) as api:
        for path in (LONG, OTHERS[0], LONG, OTHERS[1]):
            assert api.get(path, headers=PLAIN).status_code == 200
            assert sum(spools(spool_folder(url))) <= 2_000_000
        sizes = [int(api.head(path, headers=PLAIN).headers["content-length"]) for path in (LONG, OTHERS[1])]
        assert within(10, lambda: sorted(spools(spool_folder(url))) == sorted(sizes))


def test_what_does_not_fit_is_a_507_or_broken_off(sqlite_copy: Path) -> None:
    url = f"sqlite:///{sqlite_copy}"
    with serving(settings_for(url, spool_bytes=50_000)) as api:
        refused = api.get(LONG)
        assert (refused.status_code, refused.json()["type"]) == (507, "/problems/insufficient-storage")
        assert api.get(f"{LONG}&phase=4&fields=id").status_code == 200
    with serving(settings_for(url, spool_bytes=500_000)) as api:
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
                api.get(LONG, headers=PLAIN)
        assert api.get(f"{LONG}&phase=4").status_code == 200
        assert within(10, lambda: sum(spools(spool_folder(url))) < 100_000)


def test_who_takes_up_most_makes_room_for_others(sqlite_copy: Path) -> None:
    settings = settings_for(f"sqlite:///{sqlite_copy}", spool_bytes=2_000_000)
    with serving(settings, send_buffer=SMALL) as api, ExitStack() as readers:
        greedy = [
            readers.enter_context(stopped_reader(api, path, headers=PLAIN, address="127.0.0.2")) for path in OTHERS[:2]
        ]
        with client_at(api, "127.0.0.3") as other:
            whole = other.get(LONG, headers=PLAIN)
        assert whole.status_code == 200
        lengths = []
        for reader in greedy:
            try:
                lengths.append(len(reader.read().splitlines()))
            except IncompleteRead:
                lengths.append(0)
        assert sorted(lengths) == [0, len(whole.text.splitlines())]


@pytest.mark.parametrize("who", ["address", "key"])
def test_one_party_has_so_many_answers_at_a_time(sqlite_copy: Path, who: str) -> None:
    engine = open_engine(f"sqlite:///{sqlite_copy}")
    key = {"authorization": f"Bearer {keys_of(engine)['reader']}"} if who == "key" else {}
    engine.dispose()
    settings = settings_for(f"sqlite:///{sqlite_copy}", limits=True, address_exports=2)
    with serving(settings, send_buffer=SMALL) as api, client_at(api, "127.0.0.2") as mine, ExitStack() as readers:
        first = stopped_reader(api, LONG, headers={**PLAIN, **key}, address="127.0.0.2")
        for reader in (first, stopped_reader(api, OTHERS[0], headers={**PLAIN, **key}, address="127.0.0.2")):
            assert readers.enter_context(reader).status == 200
        refused = mine.get(LONG, headers=key)
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/slow-down")
        assert int(refused.headers["retry-after"]) > 0
        assert mine.get("/v1/studies", headers=key).status_code == 200
        assert mine.get(LONG).status_code == (200 if who == "key" else 429)
        with client_at(api, "127.0.0.3") as other:
            assert other.get(LONG).status_code == 200
        readers.close()
        assert within(10, lambda: mine.get(LONG, headers=key).status_code == 200)


@pytest.mark.usefixtures("own_interpreters")
def test_a_full_disk_is_a_507(sqlite_copy: Path) -> None:
    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    command = [*evidence(), "serve", "--port", "0"]
    env = environment(sqlite_copy, EVIDENCE_SEARCH_PATH=":memory:")
    service = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, preexec_fn=small_disk)
    try:
        assert service.stdout is not None
        line = next(line for line in service.stdout if " on http" in line)
        with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=20) as client:
            for _ in range(2):
                answer = client.get("/v1/studies?format=csv", headers=PLAIN)
                assert (answer.status_code, answer.json()["type"]) == (507, "/problems/insufficient-storage")
            assert client.get("/v1/studies?format=csv&phase=4", headers=PLAIN).status_code == 200
    finally:
        service.kill()
        service.communicate()


def test_a_folder_that_cannot_be_written_is_a_507(sqlite_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(settings_for(f"sqlite:///{sqlite_copy}", spool_path=str(tmp_path / "file" / "spool"))) as api:
        assert api.get(LONG).status_code == 507
        assert api.get("/v1/studies").status_code == 200


@pytest.mark.usefixtures("own_interpreters")
def test_a_service_that_is_killed_leaves_nothing_on_disk(sqlite_copy: Path) -> None:
    url = f"sqlite:///{sqlite_copy}"
    command, env = [*evidence(), "serve", "--port", "0"], environment(sqlite_copy, EVIDENCE_SEARCH_PATH=":memory:")
    service = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        assert service.stdout is not None
        line = next(line for line in service.stdout if " on http" in line)
        with httpx.Client(base_url=line.split(" on ")[1].strip(), timeout=20) as client:
            client.get(LONG, headers=PLAIN)
            assert max(spools(spool_folder(url), service.pid)) > 500_000
    finally:
        service.kill()
        service.communicate()
    assert service.returncode == -signal.SIGKILL
    assert list(spool_folder(url).iterdir()) == []


def test_exports_are_kept_where_it_is_said(tmp_path: Path) -> None:
    assert spool_path(settings_for("sqlite:////data/evidence.db")) == Path("/data/evidence.db.spool")
    assert spool_path(settings_for("postgresql+psycopg://x@/y")) == Path("evidence.spool")
    assert spool_path(settings_for("sqlite:////data/evidence.db", spool_path="/spool")) == Path("/spool")


async def holds_a_place(places: ProducerPlaces, party: str, begun: list[str], end: asyncio.Event) -> None:
    async with places.place(party, 10):
        begun.append(party)
        await end.wait()


def test_places_of_production_are_divided_fairly() -> None:
    async def run() -> None:
        begun: list[str] = []
        places, end = ProducerPlaces(4), asyncio.Event()
        asked = ["greedy"] * 5 + ["other"] + ["greedy"] * 3 + ["third"]
        tasks = [asyncio.create_task(holds_a_place(places, party, begun, end)) for party in asked]
        await asyncio.sleep(0.01)
        assert sorted(begun) == ["greedy", "greedy", "other", "third"]
        with pytest.raises(Problem, match="had no turn"):
            async with places.place("fourth", 0.01):
                pass
        tasks[-2].cancel()
        end.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert sorted(begun) == ["greedy"] * 7 + ["other", "third"]
        async with asyncio.timeout(1), places.place("a", 1), places.place("a", 1), places.place("b", 1):
            pass

    asyncio.run(run())


def test_small_exports_do_not_use_up_all_files(sqlite_copy: Path) -> None:
    url = f"sqlite:///{sqlite_copy}"
    with service(url) as api:
        for number in range(140):
            assert api.get(f"/v1/directions?format=csv&title=not:{number}").status_code == 200
        assert len(spools(spool_folder(url))) <= 128
