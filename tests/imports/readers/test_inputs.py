"""The inputs of imports: files, folders, zips, gzipped files and standard input, and which of them are refused."""

import gzip
import io
import os
import pickle
import random
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from app.common import zip_safety as zips
from app.imports.candidates import Unreadable
from app.imports.readers.faults import UnreadableInput
from app.imports.readers.files import streams, streams_of
from app.imports.readers.limits import SUFFIXES

JSON, XML = SUFFIXES["ctgov"], SUFFIXES["pubmed"]
TEXT = b"<set>" + b"some words and others, " * 50 + b"</set>"
SMALL = zips.Bounds(files=5, bytes=100_000, ratio=20, free=10_000)


def read(path: Path, suffixes: tuple[str, ...] = XML, bounds: zips.Bounds = SMALL) -> dict[str, bytes]:
    return {name: file.read() for name, file in streams(path, suffixes, bounds=bounds)}


def reason(path: Path, suffixes: tuple[str, ...] = XML, bounds: zips.Bounds = SMALL) -> str:
    with pytest.raises(UnreadableInput) as raised:
        read(path, suffixes, bounds)
    return str(raised.value)


def said_of(path: Path) -> str:
    """The names of the streams of a path, or the fault of one of them."""
    try:
        return " ".join(read(path)) or str(path)
    except UnreadableInput as error:
        return str(error)


pytestmark = pytest.mark.usefixtures("nothing_temporary_is_left")


def zipped(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, method)
    return path


def test_a_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "anything"
    for content, expected in (
        (TEXT, TEXT),
        (gzip.compress(TEXT), TEXT),
        (b"", b""),
        (b"PK", b"PK"),
        (b"\x1f", b"\x1f"),
    ):
        path.write_bytes(content)
        assert read(path) == {str(path): expected}


def test_a_name_in_gz_says_nothing_and_neither_does_any_other(tmp_path: Path) -> None:
    path = tmp_path / "plain.xml.gz"
    path.write_bytes(TEXT)
    assert read(path) == {str(path): TEXT}
    zipped(path, ("a.xml", TEXT))
    assert read(path) == {f"{path}/a.xml": TEXT}


def test_several_gzipped_members_are_one_file(tmp_path: Path) -> None:
    path = tmp_path / "two.gz"
    path.write_bytes(gzip.compress(TEXT) + gzip.compress(b"") + gzip.compress(TEXT) + b"\0" * 512)
    assert read(path) == {str(path): TEXT + TEXT}


GZIPS: dict[str, tuple[bytes, str]] = {
    "cut": (gzip.compress(TEXT)[:-9], "ended before"),
    "header alone": (gzip.compress(TEXT)[:11], "ended before"),
    "magic alone": (b"\x1f\x8b", "cannot be read"),
    "checksum": (gzip.compress(TEXT)[:-8] + b"\0\0\0\0" + gzip.compress(TEXT)[-4:], "CRC check failed"),
    "length": (gzip.compress(TEXT)[:-4] + b"\0\0\0\0", "Incorrect length"),
    "rubbish after": (gzip.compress(TEXT) + b"rubbish", "something else follows"),
    "method": (b"\x1f\x8b\x07" + gzip.compress(TEXT)[3:], "Unknown compression method"),
    "not deflated": (gzip.compress(TEXT)[:10] + b"\xff" * 100, "cannot be read"),
    "bomb": (gzip.compress(b"#" * 90_000), "packed more than 20 times"),
    "large": (gzip.compress(random.Random(1).randbytes(200_000)), "unpacks to more than 100,000 bytes"),
    "large in members": (gzip.compress(random.Random(1).randbytes(60_000)) * 2, "unpacks to more than"),
    "twice": (gzip.compress(gzip.compress(TEXT)), "packed again"),
    "a zip": (gzip.compress(b"PK\x03\x04" + TEXT), "packed again"),
}


@pytest.mark.parametrize("name", GZIPS)
def test_a_gzipped_file_that_lies_is_refused_by_name(tmp_path: Path, name: str) -> None:
    content, said = GZIPS[name]
    path = tmp_path / "file.xml.gz"
    path.write_bytes(content)
    assert reason(path).startswith(f"{path}: ")
    assert said in reason(path)
    archive = zipped(tmp_path / "file.zip", ("file.xml.gz", content), method=zipfile.ZIP_STORED)
    if "large" not in name:
        assert said in reason(archive)
        assert f"{archive}/file.xml.gz: " in reason(archive)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """Only the beginning is unpacked, until the ratio is too high."""
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(500_000_000), 9))
    assert "packed more than 200 times" in reason(path, bounds=zips.Bounds(1, 10**12))
    ((_, file),) = [
        (name, file) for name, file in streams(path, XML, bounds=zips.Bounds(1, 10**12)) for _ in [file.read(10)]
    ]
    assert file.closed


def test_what_was_wrong_is_said_each_time(tmp_path: Path) -> None:
    """A reader that reads on after an error gets the error again, and not a regular end of the file."""
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(random.Random(2).randbytes(50_000))[:-9])
    for _, file in streams(path, XML):
        for _ in range(3):
            with pytest.raises(Unreadable, match="ended before"):
                list(iter(lambda file=file: file.read(1000), b""))  # type: ignore[misc]


def test_a_zip_is_read_in_its_order_and_what_is_not_wanted_is_told(tmp_path: Path) -> None:
    files = ("label/z.xml", "label/a.jpg", "label/b.XML", "c.xml.gz", "__MACOSX/._b.xml", ".hidden.xml", "d.xml.bak")
    path = zipped(tmp_path / "label.zip", *((name, TEXT) for name in files))
    with zipfile.ZipFile(path, "a") as archive:
        archive.mkdir("empty.xml")
    told: list[str] = []
    found = {name: file.read() for name, file in streams(path, XML, skip=told.append)}
    assert found == {f"{path}/{name}": TEXT for name in ("label/z.xml", "label/b.XML", "c.xml.gz")}
    assert told == [f"{path}/{name}" for name in ("label/a.jpg", "__MACOSX/._b.xml", ".hidden.xml", "d.xml.bak")]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


ATTACKS: dict[str, tuple[list[tuple[str | zipfile.ZipInfo, bytes]], str]] = {
    "parent": ([("../a.xml", TEXT)], "/../a.xml: its name leads out"),
    "deep parent": ([("x/../../a.xml", TEXT)], "leads out"),
    "absolute": ([("/etc/a.xml", TEXT)], "//etc/a.xml: its name leads out"),
    "windows": ([("C:\\a.xml", TEXT)], "leads out"),
    "drive": ([("C:a.xml", TEXT)], "leads out"),
    "backslash": ([("..\\a.xml", TEXT)], "leads out"),
    "link": ([(link("a.xml"), b"/etc/passwd")], "/a.xml: it is no plain file"),
    "link not wanted": ([(link("a.jpg"), b"/etc/passwd")], "/a.jpg: it is no plain file"),
    "zip": ([("inner.zip", TEXT)], "/inner.zip: it is a zip in a zip"),
    "hidden zip": ([("inner.xml", b"PK\x03\x04" + TEXT)], "/inner.xml: it is a zip in a zip"),
    "ratio": ([("a.xml", b"#" * 90_000)], "/a.xml: it is packed more than 20 times"),
    "total": ([(f"{n}.xml", random.Random(n).randbytes(30_000)) for n in range(4)], "unpacks to more than 100,000"),
    "many": ([(f"{n}.xml", b"") for n in range(6)], "more than 5 files"),
    "nothing": ([("a.jpg", b"")], "no file in it that ends in .xml"),
    "empty": ([], "no file in it that ends in .xml"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_zip_that_is_odd_is_refused_by_the_name_of_what_is(tmp_path: Path, attack: str) -> None:
    files, said = ATTACKS[attack]
    found = reason(zipped(tmp_path / "attack.zip", *files))
    assert found.startswith(f"{tmp_path}/attack.zip")
    assert said in found
    assert {file.name for file in tmp_path.iterdir()} == {"attack.zip"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_stand_twice_ciphers_and_strange_methods_are_refused(tmp_path: Path) -> None:
    assert "two files of this name" in reason(zipped(tmp_path / "twice.zip", ("a.xml", TEXT), ("a.xml", TEXT)))
    strange = zipped(tmp_path / "method.zip", ("a.xml", TEXT), method=zipfile.ZIP_BZIP2)
    assert "only stored and deflated" in reason(strange)
    raw = bytearray(zipped(tmp_path / "locked.zip", ("a.xml", TEXT)).read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(raw)
    assert "/a.xml: it is encrypted" in reason(tmp_path / "locked.zip")


@pytest.mark.parametrize("size", [100, 5000])
def test_a_member_is_as_large_as_it_says(tmp_path: Path, size: int) -> None:
    raw = bytearray(zipped(tmp_path / "liar.zip", ("a.xml", TEXT)).read_bytes())
    for sign, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = raw.index(sign) + offset
        raw[at : at + 4] = size.to_bytes(4, "little")
    (tmp_path / "liar.zip").write_bytes(raw)
    assert "liar.zip/a.xml: it cannot be read" in reason(tmp_path / "liar.zip")


def test_the_list_of_a_zip_is_counted_before_it_is_read(tmp_path: Path) -> None:
    """The limit holds even if the zip declares few files."""
    path = zipped(tmp_path / "many.zip", *((f"{n}.xml", b"") for n in range(40)))
    raw = bytearray(path.read_bytes())
    end = raw.rindex(b"PK\x05\x06")
    raw[end + 8 : end + 12] = b"\x01\0\x01\0"
    path.write_bytes(raw)
    assert "more than 5 files" in reason(path)


def test_the_list_is_counted_across_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "many.zip", *((f"{n}.xml", b"") for n in range(6)))
    for size in range(1, 12):
        monkeypatch.setattr(zips, "PIECE", size)
        with path.open("rb") as file:
            zips.require_few(file, 6)
            with pytest.raises(zipfile.BadZipFile, match="more than 5 files"):
                zips.require_few(file, 5)


def test_a_broken_zip_is_read_or_refused_wherever_it_breaks(tmp_path: Path) -> None:
    raw = zipped(tmp_path / "whole.zip", ("a.xml", TEXT), ("b.xml.gz", gzip.compress(TEXT))).read_bytes()
    path = tmp_path / "broken.zip"
    broken = [raw[:length] for length in range(4, len(raw), 3)]
    broken += [raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :] for at in range(4, len(raw)) for flip in (0xFF, 1)]
    for content in broken:
        path.write_bytes(content)
        assert str(path) in said_of(path)


def test_a_broken_gzip_is_read_or_refused_wherever_it_breaks(tmp_path: Path) -> None:
    raw, path = gzip.compress(TEXT), tmp_path / "broken.gz"
    for content in [raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :] for at in range(2, len(raw))]:
        path.write_bytes(content)
        assert str(path) in said_of(path)


def test_a_folder_is_read_with_all_in_it_by_name(tmp_path: Path) -> None:
    made = ("b.json", "a.ndjson", "sub/c.jsonl", "sub/deep/d.json", "e.json.gz", "readme.txt", ".git/x.json", ".y.json")
    for name in made:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(gzip.compress(TEXT) if name.endswith(".gz") else TEXT)
    zipped(tmp_path / "z.zip", ("in.json", TEXT), ("in.xml", TEXT))
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(tmp_path / "pipe.json")
    told: list[str] = []
    found = {name: file.read() for name, file in streams(tmp_path, JSON, skip=told.append)}
    order = ("a.ndjson", "b.json", "e.json.gz", "z.zip/in.json", "sub/c.jsonl", "sub/deep/d.json")
    assert list(found.items()) == [(f"{tmp_path}/{name}", TEXT) for name in order]
    skipped = {".git", "loop", ".y.json", "pipe.json", "readme.txt", "z.zip/in.xml"}
    assert {name.removeprefix(f"{tmp_path}/") for name in told} == skipped
    assert len(told) == len(skipped)


def test_a_folder_under_a_hidden_one_is_not_hidden(tmp_path: Path) -> None:
    folder = tmp_path / ".cache" / "data"
    folder.mkdir(parents=True)
    (folder / "a.xml").write_bytes(TEXT)
    assert read(folder) == {f"{folder}/a.xml": TEXT}


def test_one_file_of_a_folder_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 and nothing more")
    (tmp_path / "b.xml.gz").write_bytes(gzip.compress(TEXT)[:-1])
    (tmp_path / "c.xml").write_bytes(TEXT)
    good, bad = {}, {}
    for name, file in streams(tmp_path, XML):
        try:
            good[name] = file.read()
        except UnreadableInput as error:
            bad[name] = error.reason
    assert good == {f"{tmp_path}/c.xml": TEXT}
    assert list(bad) == [f"{tmp_path}/a.zip", f"{tmp_path}/b.xml.gz"]
    assert "no zip that can be read" in bad[f"{tmp_path}/a.zip"]


def test_a_folder_that_cannot_be_read_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "a.xml").write_bytes(TEXT)
    scan = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    read = []
    for name, file in streams(tmp_path, XML):
        read.append(name)
        if name == f"{tmp_path}/closed":
            with pytest.raises(UnreadableInput, match="Permission denied"):
                file.read()
    assert read == [f"{tmp_path}/open/a.xml", f"{tmp_path}/closed"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert reason(tmp_path / "absent.xml") == f"{tmp_path}/absent.xml: it cannot be read: No such file or directory"
    assert reason(tmp_path) == f"{tmp_path}: there is no file in it that ends in .xml"
    assert "that ends in .json or .ndjson or .jsonl" in reason(tmp_path, JSON)


@pytest.mark.parametrize("make", [lambda raw: raw, gzip.compress])
def test_standard_input_that_cannot_be_sought_in(tmp_path: Path, make: Callable[[bytes], bytes]) -> None:
    archive = zipped(tmp_path / "a.zip", ("in/a.xml", TEXT)).read_bytes()
    for content, name in ((make(TEXT), "-"), (archive, "-/in/a.xml"), (b"", "-")):
        program = (
            "from pathlib import Path; import sys\n"
            "from app.imports.readers.files import streams\n"
            "for name, file in streams(Path('-'), ('.xml',)): print(name, len(file.read()), file.seekable())"
        )
        done = subprocess.run([sys.executable, "-c", program], input=content, capture_output=True, check=True)
        assert done.stdout.decode() == f"{name} {len(TEXT) if content else 0} False\n"


def test_a_zip_from_a_pipe_is_copied_no_further_than_the_bound() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(UnreadableInput, match="-: it is larger than 100,000 bytes"):
        list(streams_of("-", Pipe(b"PK\x03\x04" + bytes(10_000_000)), XML, bounds=SMALL))


def test_an_upload_is_read_from_its_beginning() -> None:
    with tempfile.SpooledTemporaryFile() as upload:
        upload.write(TEXT)
        ((name, content),) = [(name, file.read()) for name, file in streams_of("upload.xml", upload, XML)]
    assert (name, content) == ("upload.xml", TEXT)


def test_leaving_early_closes_what_is_open(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", ("a.xml", TEXT), ("b.xml", TEXT))
    found = streams(path, XML)
    _, file = next(found)
    found.close()  # type: ignore[attr-defined]
    assert file.closed


def test_an_error_goes_from_process_to_process() -> None:
    error = UnreadableInput("a.zip", "it is broken")
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "a.zip: it is broken"


@pytest.mark.usefixtures("own_interpreters")
def test_a_large_member_is_read_in_bounded_memory(tmp_path: Path) -> None:
    """The file is read in its own process, whose peak memory is measured."""
    line = b"".join(random.Random(n).randbytes(12).hex().encode() + b"\n" for n in range(40_000))
    with (
        zipfile.ZipFile(tmp_path / "large.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("large.xml", "w", force_zip64=True) as member,
    ):
        for _ in range(150):
            member.write(line)
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from app.imports.readers.files import streams\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before, size = peak(), 0\n"
        "for name, file in streams(Path(sys.argv[1]), ('.xml',)):\n"
        "    while piece := file.read(65536): size += len(piece)\n"
        "print(size, peak() - before)"
    )
    argv = [sys.executable, "-c", program, str(tmp_path / "large.zip")]
    size, grown = map(int, subprocess.run(argv, capture_output=True, check=True).stdout.split())
    assert size == 150 * len(line)
    assert grown < 20_000, f"{grown} KB"


def test_a_zip_whose_list_makes_no_sense_is_refused(tmp_path: Path) -> None:
    """A member without a name, and one with an offset beyond any file."""
    content = zipped(tmp_path / "a.zip", ("a.xml", TEXT)).read_bytes()
    at, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    listed, closing = bytearray(content[at:end]), bytearray(content[end:])
    (tmp_path / "b.zip").write_bytes(content.replace(b"a.xml", b"\0.xml"))
    assert "it has no name" in reason(tmp_path / "b.zip")
    extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    listed[30:32], listed[42:46] = struct.pack("<H", len(extra)), b"\xff" * 4
    closing[12:16] = struct.pack("<L", len(listed) + len(extra))
    (tmp_path / "c.zip").write_bytes(content[:at] + listed + extra + closing)
    assert "c.zip/a.xml: it cannot be read" in reason(tmp_path / "c.zip")
