"""Releases: told beforehand, made in one transaction, undone as new versions; whatever is sent, whenever it stops."""

import io
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from sqlite3 import OperationalError as DriverError
from sqlite3 import connect
from typing import Any

import httpx
import orjson
import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import OperationalError

from app.auth.audit import Who
from app.auth.models import AuditEntry
from app.common.problems import Problem
from app.database.engine import Base, reading
from app.releases import archive as archives
from app.releases.archive_reader import opened
from app.releases.content import Change, Drafts, Gone
from app.releases.differences import differences
from app.releases.load import InvalidContent, load
from app.releases.revert import revert, revert_name
from app.releases.service import Order, apply, preview
from app.releases.staging import staged
from app.releases.summary import found, listed
from app.store import integrity as maintaining
from app.store.documents import Document, State
from tests.commands import EVIDENCE, environment, run
from tests.conftest import SEEDED, SEEDS, keys_of, serving, settings_for

WHO = Who("tester")
Json = dict[str, Any]
Lines = Callable[..., Path]


def source(id: str, **more: Any) -> Json:
    record = {"id": id, "kind": "web-page", "tier": "other", "url": f"https://example.org/{id}", **more}
    return {"type": "sources", "record": record}


def product(id: str, cites: str, **more: Any) -> Json:
    return {"type": "products", "record": {"id": id, "name": id, "provenance": [{"source": cites}], **more}}


def gone(type: str, id: str) -> Json:
    return {"type": type, "id": id, "deleted": True}


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    """A file of NDJSON; text and bytes are written as they are."""

    def write(*items: Json | str | bytes) -> Path:
        path = tmp_path / "release.ndjson"
        raw = (
            item if isinstance(item, bytes) else item.encode() if isinstance(item, str) else orjson.dumps(item)
            for item in items
        )
        path.write_bytes(b"".join(line + b"\n" for line in raw))
        return path

    return write


def made(engine: Engine, name: str, path: Path) -> Json:
    with opened(path) as content, staged(content) as read:
        return apply(engine, read, Order(name, f"release {name}", WHO))


def previewed(engine: Engine, path: Path) -> Json:
    with opened(path) as content, staged(content) as read:
        return preview(engine, read, Order("preview", "preview", WHO))


def undone(engine: Engine, name: str, new_name: str | None = None) -> Json:
    return revert(engine, Order(new_name or revert_name(name), "wrong", WHO, reverts=name))


def counts(report: Json) -> Json:
    return {name: number for name, number in report["counts"].items() if number}


def faults_of(engine: Engine, path: Path) -> list[str]:
    before = everything(engine)
    with pytest.raises(InvalidContent) as caught:
        made(engine, "faulty", path)
    assert everything(engine) == before
    return [str(fault).removeprefix(f"{path}:") for fault in caught.value.faults]


def everything(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    with reading(engine) as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)))) for table in Base.metadata.sorted_tables
        }


def documents(engine: Engine) -> dict[tuple[str, str], bytes]:
    """What readers get."""
    with reading(engine) as connection:
        query = select(Document.type, Document.id, Document.body).where(Document.until_revision.is_(None))
        return {(type, id): body for type, id, body in connection.execute(query)}


FIRST = (source("a"), source("b"), product("p", "a"), product("q", "b"))
SECOND = (
    source("a", publisher="Somebody"),
    source("c"),
    product("p", "c", brand_names=["Pe"], manufacturer="Maker"),
    gone("products", "q"),
    gone("sources", "b"),
    product("r", "a"),
)


@pytest.fixture
def first(engine: Engine, lines: Lines) -> Engine:
    made(engine, "first", lines(*FIRST))
    return engine


def test_a_release_creates_updates_and_deletes_at_once(first: Engine, lines: Lines) -> None:
    report = made(first, "second", lines(*SECOND))
    assert counts(report) == {"created": 2, "updated": 2, "deleted": 2}
    assert report["revision"] == 2
    changed = {(record["type"], record["id"]): record for record in report["records"]}
    assert changed["products", "p"]["fields"] == [
        {"pointer": "/provenance/0/source", "before": "a", "after": "c"},
        {"pointer": "/brand_names/0", "after": "Pe"},
        {"pointer": "/manufacturer", "before": None, "after": "Maker"},
    ]
    assert changed["sources", "b"]["change"] == "deleted"
    assert list(maintaining.check(first)) == []


def test_a_preview_says_what_happens_and_changes_nothing(first: Engine, lines: Lines) -> None:
    path, before = lines(*SECOND), everything(first)
    said = previewed(first, path)
    assert everything(first) == before
    done = made(first, "second", path)
    same = ("counts", "records", "records_total")
    assert {name: said[name] for name in same} == {name: done[name] for name in same}
    assert said["revision"] is None


def test_what_shows_a_changed_record_is_refreshed_and_told(first: Engine, lines: Lines) -> None:
    report = previewed(first, lines(source("a", url="https://example.org/elsewhere")))
    assert counts(report) == {"updated": 1, "refreshed": 1}
    assert [(record["id"], record["change"]) for record in report["records"]] == [("p", "refreshed"), ("a", "updated")]


def test_nothing_to_do_makes_no_release(first: Engine, lines: Lines) -> None:
    before = everything(first)
    report = made(first, "again", lines(*FIRST))
    assert (report["revision"], counts(report)) == (None, {"unchanged": 4})
    assert everything(first) == before


def test_a_name_is_given_once(first: Engine, lines: Lines) -> None:
    with pytest.raises(Problem) as caught:
        made(first, "first", lines(source("new")))
    assert (caught.value.kind, caught.value.errors[0]["detail"]) == ("conflict", "/v1/releases/first")


def test_a_release_is_in_the_audit_and_in_the_list(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(*SECOND))
    with reading(first) as connection:
        noted = connection.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.revision, AuditEntry.detail))
        assert noted.all()[-1] == ("tester", "apply release", 2, "second: release second")
        assert [release["name"] for release in listed(connection)] == ["second", "first"]
        assert [release["name"] for release in listed(connection, before=2)] == ["first"]


def test_a_revert_restores_every_document_byte_by_byte(first: Engine, lines: Lines) -> None:
    before = documents(first)
    made(first, "second", lines(*SECOND))
    after = documents(first)
    report = undone(first, "second")
    assert (report["name"], counts(report)) == ("revert-second", {"updated": 2, "restored": 2, "deleted": 2})
    assert documents(first) == before
    undone(first, "revert-second", new_name="third")
    assert documents(first) == after
    assert list(maintaining.check(first)) == []
    with reading(first) as connection:
        release = found(connection, "second")
        assert release is not None
        assert release["reverted_by"] == "revert-second"


def test_a_release_is_reverted_once(first: Engine) -> None:
    undone(first, "first")
    with pytest.raises(Problem, match="reverted already") as caught:
        undone(first, "first", new_name="again")
    assert caught.value.kind == "conflict"


def test_reverting_what_is_not_there_names_the_nearest(first: Engine) -> None:
    with pytest.raises(Problem) as caught:
        undone(first, "frist")
    assert (caught.value.kind, caught.value.errors[0]["nearest"]) == ("not-found", ["first"])


def test_a_revert_never_loses_a_later_change(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(*SECOND))
    made(first, "third", lines(product("p", "a")))
    before = everything(first)
    with pytest.raises(Problem) as caught:
        undone(first, "second")
    assert [error["detail"] for error in caught.value.errors] == ["/v1/products/p"]
    assert everything(first) == before


def test_a_revert_never_takes_what_others_refer_to_now(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(source("c")))
    made(first, "third", lines(product("s", "c")))
    with pytest.raises(Problem) as caught:
        undone(first, "second")
    assert [error["detail"] for error in caught.value.errors] == ["/v1/products/s"]


def test_a_refreshed_record_does_not_keep_a_release_from_being_reverted(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(product("p", "a", manufacturer="Maker")))
    made(first, "third", lines(source("a", url="https://example.org/elsewhere")))
    assert counts(undone(first, "second")) == {"updated": 1}


def test_deleting_what_others_refer_to_is_a_fault(first: Engine, lines: Lines) -> None:
    assert faults_of(first, lines(gone("sources", "a"))) == [
        "1: a /id 1 records still refer to 'a' (nearest: products/p)"
    ]
    again = faults_of(first, lines(gone("sources", "a"), product("p", "a", manufacturer="M")))
    assert again == ["2: p /record/provenance/0/source there is no 'a' among the sources (nearest: b)"]


def test_who_lets_go_of_a_record_frees_it_to_be_deleted(first: Engine, lines: Lines) -> None:
    report = made(first, "second", lines(gone("sources", "a"), product("p", "b")))
    assert counts(report) == {"updated": 1, "deleted": 1}
    assert list(maintaining.check(first)) == []


def test_a_deleted_record_s_name_can_be_taken_at_once(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(product("p", "a", brand_names=["Brand"])))
    report = made(first, "third", lines(gone("products", "p"), product("t", "a", brand_names=["Brand"])))
    assert counts(report) == {"created": 1, "deleted": 1}


FAULTS: dict[str, tuple[list[Any], list[str]]] = {
    "deleted-but-absent": ([gone("sources", "zz")], ["1: zz /id there is no 'zz' among the sources to delete"]),
    "deleted-twice": (
        [gone("products", "p"), gone("products", "p")],
        ["2: p /id 'p' is deleted twice"],
    ),
    "entered-and-deleted": ([source("a"), gone("sources", "a")], ["2: a /id 'a' is both entered and deleted"]),
    "entered-twice": ([source("x"), source("x")], ["2: x /id the id 'x' is taken by another of the sources"]),
    "no-type": ([{"record": {}}], ["1: /type None is no record type (nearest: safety-notes)"]),
    "misspelt": (
        [{"type": "surces", "record": {}}],
        ["1: /type 'surces' is no record type (nearest: sources, studies)"],
    ),
    "more": (
        [{**source("x"), "id": "x"}],
        ['1: a line has type and record, or type, id and "deleted": true, and nothing else'],
    ),
    "deleted-false": (
        [{**gone("sources", "a"), "deleted": False}],
        ['1: a line has type and record, or type, id and "deleted": true, and nothing else'],
    ),
    "list": (["[1]"], ["1: a line is one object"]),
    "every-line": (
        [source("x", tier="primry"), "", "{", b'{"a": "\xff"}'],
        [
            "1: x /record/tier 'primry' is not one of the known values (nearest: primary)",
            "3: this is no JSON that can be read: Expecting property name enclosed in double quotes: line 2 column 1 "
            "(char 2)",
            "4: this is no JSON that can be read: 'utf-8' codec can't decode byte 0xff in position 7: invalid start "
            "byte",
        ],
    ),
    "repeated-name": (
        ['{"type": "sources", "type": "sources"}'],
        ["1: this is no JSON that can be read: the name 'type' stands twice in one object"],
    ),
    "deep": (["[" * 100_000], ["1: this is no JSON that can be read: it is nested more than 64 deep"]),
    "nul": (
        [source("x", title="a\0b")],
        ["1: x /record/title there is a NUL character or half a surrogate pair in this text"],
    ),
}


@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_told_with_their_line_and_pointer(first: Engine, lines: Lines, case: str) -> None:
    items, expected = FAULTS[case]
    assert faults_of(first, lines(*items)) == expected


def test_a_cut_file_changes_nothing(first: Engine, lines: Lines) -> None:
    path = lines(source("x"), source("y"))
    path.write_bytes(path.read_bytes()[:-20])
    assert faults_of(first, path)[0].startswith("2: this is no JSON that can be read: ")


def test_an_empty_file_is_nothing_to_do(first: Engine, lines: Lines) -> None:
    assert made(first, "nothing", lines())["revision"] is None


def test_a_directory_deletes_as_well(first: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "yaml"
    folder.mkdir()
    (folder / "products.yaml").write_text("- id: p\n  deleted: true\n- {id: q, deleted: true}\n")
    assert counts(previewed(first, folder)) == {"deleted": 2}
    (folder / "products.yaml").write_text("- id: p\n  deleted: true\n  name: x\n- id: zz\n  deleted: true\n")
    assert faults_of(first, folder) == [
        f"{folder}/products.yaml:2: p /deleted what is deleted has its id and `deleted: true`, and nothing else",
    ]
    (folder / "products.yaml").write_text("- id: p\n  deleted: true\n- id: zz\n  deleted: true\n")
    assert faults_of(first, folder) == [
        f"{folder}/products.yaml:3: zz /id there is no 'zz' among the products to delete"
    ]


def test_the_seeds_are_a_release_like_a_load(engine: Engine) -> None:
    report = made(engine, "seeds", SEEDS)
    assert report["counts"]["created"] == SEEDED
    assert report["records_total"] == SEEDED
    assert load(engine, SEEDS).unchanged == SEEDED
    assert list(maintaining.check(engine)) == []


def test_any_drafts_can_be_a_release(first: Engine) -> None:
    changes: Iterable[Change] = (Gone(number, "products", id) for number, id in enumerate("pq"))
    with staged(Drafts("import", changes)) as read:
        assert counts(apply(first, read, Order("imported", "import", WHO))) == {"deleted": 2}


def zipped(path: Path, members: Mapping[str, str | bytes], **how: Any) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_a_zip_is_a_directory(engine: Engine, tmp_path: Path) -> None:
    files = {file.name: file.read_bytes() for file in SEEDS.iterdir() if file.is_file()}
    report = made(engine, "seeds", zipped(tmp_path / "seeds.zip", files))
    assert report["counts"]["created"] == SEEDED
    faulty = zipped(tmp_path / "faulty.zip", {"products.yaml": "- id: x\n  nam: X\n"})
    assert faults_of(engine, faulty)[0].startswith(f"{faulty}/products.yaml:1: x /name")


SOURCES = "- {id: z, kind: web-page, tier: other, url: 'https://example.org/z'}\n"
ATTACKS: dict[str, Callable[[zipfile.ZipFile], None]] = {
    "parent": lambda archive: archive.writestr("../sources.yaml", SOURCES),
    "absolute": lambda archive: archive.writestr("/tmp/sources.yaml", SOURCES),
    "nested": lambda archive: archive.writestr("folder/sources.yaml", SOURCES),
    "folder": lambda archive: archive.mkdir("folder"),
    "backslash": lambda archive: archive.writestr("..\\sources.yaml", SOURCES),
    "bomb": lambda archive: archive.writestr("sources.yaml", b"#" * 50_000_000),
    "many": lambda archive: _many(archive),
    "method": lambda archive: archive.writestr("sources.yaml", SOURCES * 100, zipfile.ZIP_BZIP2),
    "link": lambda archive: archive.writestr(_link("sources.yaml"), "/etc/passwd"),
}


def _many(archive: zipfile.ZipFile) -> None:
    for number in range(1001):
        archive.writestr(f"sources.{number}.yaml", "")


def _link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_zip_that_is_odd_is_refused_as_a_whole(first: Engine, tmp_path: Path, attack: str) -> None:
    path = tmp_path / "attack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sources.good.yaml", SOURCES)
        ATTACKS[attack](archive)
    assert len(faults_of(first, path)) == 1
    assert {file.name for file in tmp_path.iterdir()} == {"attack.zip", "release.ndjson"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_and_encrypted_ones_are_refused(first: Engine, tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sources.yaml", SOURCES)
        archive.writestr("sources.yaml", SOURCES)
    assert "two files of this name" in faults_of(first, path)[0]
    raw = bytearray(zipped(tmp_path / "locked.zip", {"sources.yaml": SOURCES}).read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(raw)
    assert "it is encrypted" in faults_of(first, tmp_path / "locked.zip")[0]


def test_a_zip_that_says_it_is_smaller_than_it_is_unpacks_no_further(first: Engine, tmp_path: Path) -> None:
    raw = bytearray(zipped(tmp_path / "liar.zip", {"sources.yaml": "#" * 900_000}).read_bytes())
    for sign, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = raw.index(sign) + offset
        raw[at : at + 4] = (1000).to_bytes(4, "little")
    (tmp_path / "liar.zip").write_bytes(raw)
    assert "no zip that can be read" in faults_of(first, tmp_path / "liar.zip")[0]


def test_a_broken_zip_is_refused_wherever_it_breaks(first: Engine, tmp_path: Path) -> None:
    raw = zipped(tmp_path / "whole.zip", {"sources.yaml": SOURCES * 50}).read_bytes()
    path = tmp_path / "cut.zip"
    for length in range(4, len(raw), 7):
        path.write_bytes(raw[:length])
        assert len(faults_of(first, path)) == 1
    for place in range(4, len(raw), 5):
        path.write_bytes(raw[:place] + bytes([raw[place] ^ 0xFF]) + raw[place + 1 :])
        with opened_or_faulty(path):
            pass


class opened_or_faulty:
    """A zip may be read or refused, and nothing else."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        try:
            with opened(self.path) as content, staged(content):
                pass
        except InvalidContent:
            pass

    def __exit__(self, *_: object) -> None: ...


def test_the_bound_of_all_files_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_BYTES", 1000)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(3):
            archive.writestr(f"sources.{number}.yaml", "#" * 400)
    with pytest.raises(InvalidContent, match="1 faults"), archives.unpacked("x.zip", buffer):
        pass


def test_two_releases_at_once_follow_each_other(first: Engine, tmp_path: Path) -> None:
    done: list[Json] = []

    def work(number: int) -> None:
        path = tmp_path / f"{number}.ndjson"
        path.write_bytes(b"".join(orjson.dumps(source(f"s-{number}-{n}")) + b"\n" for n in range(300)))
        done.append(made(first, f"at-once-{number}", path))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report["revision"] for report in done) == [2, 3]
    assert [report["counts"]["created"] for report in done] == [300, 300]


def test_a_thousand_faults_are_enough(first: Engine, tmp_path: Path) -> None:
    path = tmp_path / "faulty.ndjson"
    path.write_bytes(b"".join(orjson.dumps(product(f"p-{n}", "nowhere")) + b"\n" for n in range(5000)))
    assert 1000 <= len(faults_of(first, path)) < 2000


def test_references_go_forward_and_back_over_batches(engine: Engine, tmp_path: Path) -> None:
    """Studies that share participants with studies that come much later, and cite what comes last."""
    path = tmp_path / "forward.ndjson"
    items = [
        {
            "type": "studies",
            "record": {
                "id": f"s-{number}",
                "title": "T",
                "design": "cohort",
                "overlaps_with": [f"s-{1200 - 1 - number}"],
                "provenance": [{"source": "last"}],
            },
        }
        for number in range(1200)
    ]
    path.write_bytes(b"\n".join(map(orjson.dumps, [*items, source("last")])))
    assert made(engine, "forward", path)["counts"]["created"] == 1201
    assert list(maintaining.check(engine)) == []
    assert undone(engine, "forward")["counts"]["deleted"] == 1201
    with reading(engine) as connection:
        assert connection.scalars(select(State.revision)).one() == 2
        assert connection.scalars(select(func.count()).where(Document.until_revision.is_(None))).one() == 0


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, [{"pointer": "/a", "before": 1, "after": 1.0}]),
        ({"a": True}, {"a": 1}, [{"pointer": "/a", "before": True, "after": 1}]),
        ({"a": [1, 2]}, {"a": [1]}, [{"pointer": "/a/1", "before": 2}]),
        ({"a": None}, {"a": {"b": 1}}, [{"pointer": "/a", "before": None, "after": {"b": 1}}]),
        (
            {"a/b": [], "c": 1},
            {"a/b": {}, "d": 1},
            [
                {"pointer": "/a~1b", "before": [], "after": {}},
                {"pointer": "/c", "before": 1},
                {"pointer": "/d", "after": 1},
            ],
        ),
    ],
)
def test_differences_are_told_place_by_place(before: Any, after: Any, expected: list[Json]) -> None:
    assert list(differences(before, after)) == expected


@pytest.fixture
def admin(first: Engine, url: str) -> Iterator[httpx.Client]:
    """A service over the first release, and a client that may make others."""
    key = keys_of(first)["admin"]
    with serving(settings_for(url, max_release_bytes=200_000)) as client:
        client.headers["authorization"] = f"Bearer {key}"
        yield client


NDJSON = {"content-type": "application/x-ndjson"}


def body(*items: Json) -> bytes:
    return b"".join(orjson.dumps(item) + b"\n" for item in items)


def test_a_release_over_http_from_preview_to_revert(admin: httpx.Client, first: Engine) -> None:
    before, shown, sent = everything(first), documents(first), body(*SECOND)
    said = admin.post("/v1/releases?preview=true", content=sent, headers=NDJSON)
    assert (said.status_code, said.json()["counts"]["deleted"]) == (200, 2)
    assert everything(first)["documents"] == before["documents"]
    done = admin.post("/v1/releases?name=second&reason=Because", content=sent, headers=NDJSON)
    assert (done.status_code, done.headers["location"]) == (201, "/v1/releases/second"), done.text
    assert done.json()["records"] == said.json()["records"]
    assert admin.get("/v1/products/q").status_code in (404, 410)
    one = admin.get("/v1/releases/second").json()
    assert (one["reason"], one["records"], one["reverted_by"]) == ("Because", done.json()["records"], None)
    again = admin.post("/v1/releases?name=third", content=body(source("a", publisher="Somebody")), headers=NDJSON)
    assert (again.status_code, again.json()["revision"]) == (200, None)
    reverted = admin.post("/v1/releases/second/revert?reason=Wrong")
    assert (reverted.status_code, reverted.json()["name"]) == (201, "revert-second"), reverted.text
    assert documents(first) == shown
    page = admin.get("/v1/releases?limit=2").json()
    assert ([item["name"] for item in page["items"]], page["total"]) == (["revert-second", "second"], 3)
    rest = admin.get(page["next"]).json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["first"], None)
    assert list(maintaining.check(first)) == []


def test_a_release_over_http_is_refused_as_a_whole(admin: httpx.Client, first: Engine) -> None:
    before = everything(first)["documents"]

    def refused(path: str, content: bytes = b"", **headers: str) -> tuple[int, str, Any]:
        answer = admin.post(path, content=content, headers={**NDJSON, **headers})
        said = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, said["type"].removeprefix("/problems/"), said["errors"]

    status, kind, errors = refused("/v1/releases?name=x", body(source("x"), gone("sources", "zz")))
    assert (status, kind) == (422, "invalid-record")
    assert errors == [
        {
            "pointer": "/id",
            "detail": "there is no 'zz' among the sources to delete",
            "nearest": [],
            "file": "release",
            "line": 2,
            "record": "zz",
        }
    ]
    for half in (
        b'{"type":"sources","record":{"id":"\\ud800","\\ud800":1}}',
        b'{"type":"sources","id":"\\ud800","deleted":true}',
    ):
        assert refused("/v1/releases?name=x", half)[:2] == (422, "invalid-record")
    assert refused("/v1/releases?name=first", body(source("x")))[:2] == (409, "conflict")
    assert refused("/v1/releases", b"")[:2] == (422, "invalid-parameter")
    assert refused("/v1/releases?name=X_y", b"")[:2] == (422, "invalid-parameter")
    assert refused("/v1/releases?name=x&nmae=y", b"")[2][0]["nearest"] == ["name"]
    assert refused("/v1/releases?name=x", b"#" * 200_001)[:2] == (413, "content-too-large")
    assert refused("/v1/releases?name=x", b"", **{"content-type": "text/csv"})[:2] == (415, "unsupported-media-type")
    assert refused("/v1/releases/none/revert")[:2] == (404, "not-found")
    assert refused("/v1/releases/first/revert", b"x")[:2] == (413, "content-too-large")
    assert refused("/v1/releases?name=x", b"PK\x03\x04rubbish", **{"content-type": "application/zip"})[0] == 422
    assert admin.get("/v1/releases/frist").json()["errors"][0]["nearest"] == ["/v1/releases/first"]
    assert admin.get("/v1/releases?cursor=x").status_code == 400
    assert admin.get("/v1/releases", headers={"authorization": ""}).status_code == 401
    assert everything(first)["documents"] == before


def test_a_stream_without_a_length_is_bounded_too(admin: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(100):
            yield b"\n" * 10_000

    try:
        answer = admin.post("/v1/releases?name=x", content=pieces(), headers=NDJSON)
        assert answer.status_code == 413
    except httpx.WriteError:
        pass  # the connection was closed before all was sent, which is an answer too


def test_a_request_sent_twice_is_answered_as_before(admin: httpx.Client, first: Engine) -> None:
    headers, sent = {**NDJSON, "idempotency-key": "one"}, body(source("x"))
    answers = [admin.post("/v1/releases?name=once", content=sent, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotent-replayed"] == "true"
    other = admin.post("/v1/releases?name=once", content=sent + b"\n", headers=headers)
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    keyed = {"idempotency-key": "two"}
    reverts = [admin.post("/v1/releases/once/revert", headers=keyed) for _ in range(2)]
    assert [(answer.status_code, answer.content == reverts[0].content) for answer in reverts] == [(201, True)] * 2


def test_a_zip_over_http(admin: httpx.Client) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("sources.yaml", SOURCES)
    sent = {"content": buffer.getvalue(), "headers": {"content-type": "application/zip"}}
    done = admin.post("/v1/releases?name=zipped", **sent)  # type: ignore[arg-type]  # one dict of two kinds of values
    assert (done.status_code, done.json()["counts"]["created"]) == (201, 1), done.text


def test_a_client_that_goes_away_leaves_nothing(admin: httpx.Client, first: Engine) -> None:
    before = everything(first)["documents"]
    address = (admin.base_url.host, admin.base_url.port or 0)
    head = f"POST /v1/releases?name=gone HTTP/1.1\r\nhost: x\r\nauthorization: {admin.headers['authorization']}\r\n"
    with socket.create_connection(address) as connection:
        connection.sendall(f"{head}content-type: application/x-ndjson\r\ncontent-length: 100000\r\n\r\n".encode())
        connection.sendall(body(source("x")))
    time.sleep(0.3)
    assert admin.get("/v1/releases").json()["total"] == 1
    assert everything(first)["documents"] == before


@pytest.mark.parametrize("delay", [None, 0.05, 0.15, 0.3, 0.5, 0.8])
def test_an_apply_that_is_killed_did_all_or_nothing(
    first: Engine, url: str, tmp_path: Path, delay: float | None
) -> None:
    """Killed so long after it took the writers' lock; at last, not at all."""
    path = tmp_path / "many.ndjson"
    path.write_bytes(body(gone("products", "q"), *(source(f"s-{n}") for n in range(1500))))
    before = everything(first)
    process = subprocess.Popen([*EVIDENCE, "release", "apply", "killed", str(path)], env=environment(url))
    if delay is not None:
        while process.poll() is None and not is_locked(first):
            time.sleep(0.002)
        time.sleep(delay)
        process.kill()
    process.wait(timeout=60)
    after = everything(first)
    with reading(first) as connection:
        release = found(connection, "killed")
    if release is None:
        assert after == before
    else:
        assert release["counts"]["created"] == 1500
        assert len(after["sources"]) == 1502
    assert list(maintaining.check(first)) == []
    assert (delay is None) <= (release is not None)


def is_locked(engine: Engine) -> bool:
    """Whether a writer is in the middle of its transaction."""
    try:
        if engine.dialect.name == "sqlite":
            with closing(connect(str(engine.url.database), timeout=0, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
        else:
            with engine.connect() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '1ms'"))
                connection.execute(select(State.revision).with_for_update())
    except (OperationalError, DriverError):
        return True
    return False


def test_what_a_look_refuses_begins_no_process(
    admin: httpx.Client, first: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert admin.post("/v1/releases?name=second", content=body(source("x")), headers=NDJSON).status_code == 201
    keyed = {"idempotency-key": "one"}
    reverted = admin.post("/v1/releases/second/revert", headers=keyed)
    assert reverted.status_code == 201, reverted.text
    monkeypatch.setattr(sys, "executable", "/none/such")  # what begins a process is a 500 from now on
    assert admin.post("/v1/releases/first/revert").status_code == 500
    unknown = admin.post("/v1/releases/secnd/revert")
    assert (unknown.status_code, "second" in unknown.json()["errors"][0]["nearest"]) == (404, True)
    again = admin.post("/v1/releases/second/revert")
    assert (again.status_code, again.json()["errors"][0]["nearest"]) == (409, ["/v1/releases/revert-second"])
    assert admin.post("/v1/releases/first/revert?name=second").status_code == 409
    replayed = admin.post("/v1/releases/second/revert", headers=keyed)
    assert (replayed.status_code, replayed.content) == (201, reverted.content)
    assert replayed.headers["idempotent-replayed"] == "true"


def test_the_command_from_preview_to_revert(first: Engine, url: str, lines: Lines) -> None:
    path = str(lines(*SECOND))
    said = run(url, "release", "preview", path)
    assert (said.returncode, said.stdout.splitlines()[-1]) == (
        0,
        "There would be: 2 created, 2 updated, 2 deleted. Nothing was changed.",
    )
    assert '          /manufacturer: null -> "Maker"' in said.stdout.splitlines()
    done = run(url, "release", "apply", "second", path, "--json")
    assert orjson.loads(done.stdout)["revision"] == 2
    assert run(url, "release", "apply", "second", path).returncode == 1
    assert run(url, "release", "apply", "Not a name", path).returncode == 2
    assert run(url, "release", "apply", "x", "/none/such.ndjson").returncode == 1
    assert run(url, "release", "revert", "secnd").stderr.count("nearest: second") == 1
    assert run(url, "release", "revert", "second").stdout.splitlines()[-1] == (
        "revert-second, revision 3: 2 updated, 2 restored, 2 deleted."
    )
    listed_lines = run(url, "release", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in listed_lines] == ["revert-second", "second", "first"]
    assert listed_lines[1].endswith("\treverted by revert-second")
