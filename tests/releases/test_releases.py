"""Releases: told beforehand, made in one transaction, undone as new versions."""

import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, func, select

from app.auth.models import AuditEntry
from app.common.problems import Problem
from app.database.engine import reading
from app.releases.archive_reader import open_content
from app.releases.content import Change, Deletion, Drafts
from app.releases.differences import differences
from app.releases.load import load
from app.releases.revert import revert, revert_name
from app.releases.service import ReleaseRequest, apply, preview
from app.releases.staging import staged
from app.releases.summary import find_release, list_releases
from app.store import integrity as maintaining
from app.store.documents import Document, State
from tests.conftest import SEEDED, SEEDS
from tests.releases.operations import (
    FIRST,
    SECOND,
    WHO,
    Json,
    Lines,
    documents,
    everything,
    faults_of,
    gone,
    made,
    product,
    source,
)


def previewed(engine: Engine, path: Path) -> Json:
    with open_content(path) as content, staged(content) as read:
        return preview(engine, read, ReleaseRequest("preview", "preview", WHO))


def undone(engine: Engine, name: str, new_name: str | None = None) -> Json:
    return revert(engine, ReleaseRequest(new_name or revert_name(name), "wrong", WHO, reverts=name))


def counts(report: Json) -> Json:
    return {name: number for name, number in report["counts"].items() if number}


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
    assert (caught.value.kind, caught.value.errors[0].detail) == ("conflict", "/v1/releases/first")


def test_a_release_is_in_the_audit_and_in_the_list(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(*SECOND))
    with reading(first) as connection:
        noted = connection.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.revision, AuditEntry.detail))
        assert noted.all()[-1] == ("tester", "apply release", 2, "second: release second")
        assert [release["name"] for release in list_releases(connection)] == ["second", "first"]
        assert [release["name"] for release in list_releases(connection, before=2)] == ["first"]


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
        release = find_release(connection, "second")
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
    assert (caught.value.kind, caught.value.errors[0].nearest) == ("not-found", ("first",))


def test_a_revert_never_loses_a_later_change(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(*SECOND))
    made(first, "third", lines(product("p", "a")))
    before = everything(first)
    with pytest.raises(Problem) as caught:
        undone(first, "second")
    assert [error.detail for error in caught.value.errors] == ["/v1/products/p"]
    assert everything(first) == before


def test_a_revert_never_takes_what_others_refer_to_now(first: Engine, lines: Lines) -> None:
    made(first, "second", lines(source("c")))
    made(first, "third", lines(product("s", "c")))
    with pytest.raises(Problem) as caught:
        undone(first, "second")
    assert [error.detail for error in caught.value.errors] == ["/v1/products/s"]


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
    changes: Iterable[Change] = (Deletion(number, "products", id) for number, id in enumerate("pq"))
    with staged(Drafts("import", changes)) as read:
        assert counts(apply(first, read, ReleaseRequest("imported", "import", WHO))) == {"deleted": 2}


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
