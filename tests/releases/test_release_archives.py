"""A zip is a release like a directory; an odd, broken or hostile one is refused as a whole."""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from app.releases import archive as archives
from app.releases.archive_reader import open_content
from app.releases.load import InvalidContent
from app.releases.staging import staged
from tests.conftest import SEEDED, SEEDS
from tests.releases.operations import SOURCES, faults_of, made


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
            with open_content(self.path) as content, staged(content):
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
