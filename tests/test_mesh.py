"""MeSH's entry terms find the conditions that they are; a file that cannot be read changes nothing."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from app.db import open_engine, reading
from app.documents import State
from app.importing.mesh import Unreadable, import_mesh
from app.search.mesh import MeshTerm
from tests.conftest import await_index, serving, settings_for

MESH = Path(__file__).parents[2] / "shared/data/mesh/mesh_descriptors.tsv.gz"
GOOD = "D006945\tHyperhidrosis\tHyperidrosis|Sudorrhea\tC17.800\nD014103\tTorticollis\tWryneck|Loxia\tC23.888|C10.1\n"


def state(engine: Engine) -> tuple[Any, Any]:
    with reading(engine) as connection:
        return connection.scalar(select(State.revision)), connection.scalar(select(func.count()).select_from(MeshTerm))


def test_entry_terms_find_the_condition_and_the_answer_says_so(sqlite_copy: Path, tmp_path: Path) -> None:
    url, file = f"sqlite:///{sqlite_copy}", tmp_path / "mesh.tsv"
    file.write_text(GOOD)
    engine = open_engine(url)
    with serving(settings_for(url, answer_cache_bytes=1_000_000)) as client:
        await_index(client)
        before = client.get("/v1/indications?q=loxia").json()
        assert before["total"] == 0
        assert import_mesh(engine, file, actor="test") == (2, 0)
        after = client.get("/v1/indications?q=loxia").json()
        assert "cervical-dystonia" in [item["id"] for item in after["items"]]
        assert "Cervical dystonia" in after["search"]["expanded"]["loxia"]
        assert client.get("/v1/indications?q=loxia&expand=false").json()["total"] == 0
    engine.dispose()


def test_a_second_import_changes_nothing_and_a_changed_one_what_changed(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "mesh.tsv.gz"
    file.write_bytes(gzip.compress(GOOD.encode(), mtime=0))
    assert import_mesh(engine, file, actor="test") == (2, 0)
    before = state(engine)
    assert import_mesh(engine, file, actor="test") == (0, 2)
    assert state(engine) == before
    file.write_text(GOOD.replace("Loxia", "Torti"))
    assert import_mesh(engine, file, actor="test") == (1, 1)
    assert state(engine) == (before[0] + 1, before[1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "nothing in it"),
        (b"D000001\tA\n", ":1: there are 2 columns"),
        (GOOD.encode() + b"X1\tA\tB\tC\n", ":3: 'X1'"),
        (GOOD.encode() * 2, ":3: D006945 stands here twice"),
        (b"D000001\t\xff\t\t\n", "not UTF-8"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-12], "mesh.tsv"),
        (b"\x1f\x8bnonsense", "mesh.tsv"),
        (b"D000001\t" + b"x" * 1_100_000, "longer than"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(engine: Engine, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "mesh.tsv"
    file.write_bytes(content)
    before = state(engine)
    with pytest.raises(Unreadable, match=said):
        import_mesh(engine, file, actor="test")
    assert state(engine) == before


@pytest.mark.skipif(not MESH.is_file(), reason=f"the MeSH descriptors are not at {MESH}")
def test_all_of_mesh_is_imported(engine: Engine) -> None:
    changed, unchanged = import_mesh(engine, MESH, actor="test")
    assert (changed, unchanged) == (30_764, 0)
    assert import_mesh(engine, MESH, actor="test") == (0, 30_764)
