"""Entry terms of MeSH find the indications with the same meaning; an unreadable file changes nothing."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from app.auth.audit import Who
from app.database.engine import open_engine, reading
from app.imports.reader_process import Input
from app.imports.report import OnError, Stopped
from app.imports.run import Job, run_import
from app.search.mesh_models import MeshDescriptor, MeshTerm
from app.store.documents import State
from tests.conftest import await_index, serving, settings_for
from tests.offered import DATA

MESH = DATA / "mesh/mesh_descriptors.tsv.gz"
GOOD = "D006945\tHyperhidrosis\tHyperidrosis|Sudorrhea\tC17.800\nD014103\tTorticollis\tWryneck|Loxia\tC23.888|C10.1\n"


XML = b"""<?xml version="1.0"?>
<!DOCTYPE DescriptorRecordSet SYSTEM "https://www.nlm.nih.gov/databases/dtd/nlmdescriptorrecordset_20260101.dtd">
<DescriptorRecordSet LanguageCode="eng">
<DescriptorRecord DescriptorClass="1"><DescriptorUI>D006945</DescriptorUI>
<DescriptorName><String>Hyperhidrosis</String></DescriptorName><TreeNumberList><TreeNumber>C17.800</TreeNumber></TreeNumberList>
<ConceptList><Concept PreferredConceptYN="Y"><ConceptName><String>Hyperhidrosis</String></ConceptName><TermList>
<Term><String>Hyperhidrosis</String></Term><Term><String>Hyperidrosis</String></Term></TermList></Concept>
<Concept PreferredConceptYN="N"><TermList><Term><String>Sudorrhea</String></Term></TermList></Concept></ConceptList>
</DescriptorRecord>
<DescriptorRecord><DescriptorUI>D014103</DescriptorUI><DescriptorName><String>Torticollis</String></DescriptorName>
<TreeNumberList><TreeNumber>C23.888</TreeNumber><TreeNumber>C10.1</TreeNumber></TreeNumberList>
<ConceptList><Concept><TermList><Term><String>Wryneck</String></Term><Term><String>Loxia</String></Term></TermList>
</Concept></ConceptList></DescriptorRecord></DescriptorRecordSet>
"""


class Quiet:
    def read(self, units: int, refused: int) -> None: ...

    def applied(self, units: int) -> None: ...


def report_of(engine: Engine, file: Path, *, on_error: OnError = "stop", dry_run: bool = False) -> Any:
    job = Job("mesh", (Input(str(file)),), None, on_error, dry_run, None, None, Who("test"))
    return run_import(engine, job, Quiet())


def import_mesh(engine: Engine, file: Path) -> tuple[int, int]:
    """The numbers of changed and of unchanged descriptors."""
    units = report_of(engine, file)["units"]
    return units["applied"], units["unchanged"]


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
        assert import_mesh(engine, file) == (2, 0)
        after = client.get("/v1/indications?q=loxia").json()
        assert "cervical-dystonia" in [item["id"] for item in after["items"]]
        assert "Cervical dystonia" in after["search"]["expanded"]["loxia"]
        assert client.get("/v1/indications?q=loxia&expand=false").json()["total"] == 0
    engine.dispose()


def test_a_second_import_changes_nothing_and_a_changed_one_what_changed(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "mesh.tsv.gz"
    file.write_bytes(gzip.compress(GOOD.encode(), mtime=0))
    assert import_mesh(engine, file) == (2, 0)
    before = state(engine)
    assert import_mesh(engine, file) == (0, 2)
    assert state(engine) == before
    file.write_text(GOOD.replace("Loxia", "Torti"))
    assert import_mesh(engine, file) == (1, 1)
    assert state(engine) == (before[0] + 1, before[1])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "nothing in it"),
        (b"D000001\tA\n", "line 1  there are 2 columns"),
        (GOOD.encode() + b"X1\tA\tB\tC\n", "line 3  'X1' 'A' is no descriptor"),
        (GOOD.encode() * 2, "D006945  D006945 stands here twice"),
        (b"D000001\t\xff\t\t\n", "not UTF-8"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-12], "mesh.tsv"),
        (b"\x1f\x8bnonsense", "mesh.tsv"),
        (b"D000001\t" + b"x" * 1_100_000, "longer than"),
        (XML[:-30], "mesh.tsv"),
        (XML.replace(b"DescriptorRecordSet", b"SupplementalRecordSet"), "no MeSH XML of descriptors"),
        (XML.replace(b"D006945", b"C006945"), "record 1  'C006945' 'Hyperhidrosis' is no descriptor"),
        (XML.replace(b"SYSTEM", b"[<!ENTITY a 'b'>] SYSTEM", 1), "mesh.tsv"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(engine: Engine, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "mesh.tsv"
    file.write_bytes(content)
    before = state(engine)
    with pytest.raises(Stopped) as caught:
        import_mesh(engine, file)
    refusals = caught.value.report.refusals
    assert said in "; ".join(f"{each['place']} {each['pointer']} {each['detail']}" for each in refusals)
    assert state(engine) == before


def test_nlms_own_xml_says_the_same(engine: Engine, tmp_path: Path) -> None:
    lines, xml = tmp_path / "mesh.tsv", tmp_path / "desc2026.xml.gz"
    lines.write_text(GOOD)
    xml.write_bytes(gzip.compress(XML, mtime=0))
    assert import_mesh(engine, xml) == (2, 0)
    assert import_mesh(engine, lines) == (0, 2)
    with reading(engine) as connection:
        assert connection.execute(
            select(MeshDescriptor.id, MeshDescriptor.heading).order_by(MeshDescriptor.id)
        ).all() == [
            ("D006945", "Hyperhidrosis"),
            ("D014103", "Torticollis"),
        ]


def test_what_is_wrong_is_passed_over_if_asked(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "mesh.tsv"
    file.write_text("no descriptor\n" + GOOD)
    before = state(engine)
    assert report_of(engine, file, on_error="skip", dry_run=True)["units"]["applied"] == 2
    assert state(engine) == before
    report = report_of(engine, file, on_error="skip")
    assert (report["units"]["read"], report["units"]["applied"], report["units"]["refused"]) == (3, 2, 1)
    assert (report["release"], report["revision"]) == (None, before[0] + 1)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # the other tests cover writing on both
@pytest.mark.skipif(not MESH.is_file(), reason=f"the MeSH descriptors are not at {MESH}")
def test_all_of_mesh_is_imported(engine: Engine) -> None:
    changed, unchanged = import_mesh(engine, MESH)
    assert (changed, unchanged) == (30_764, 0)
    assert import_mesh(engine, MESH) == (0, 30_764)
