"""Files of records in JSON and XML that were damaged at random: each record is counted once, and none is changed.

Line formats of references are damaged in `test_references_mutations`. Both together read 20,000 mutants of the real
files with `--long`; a few hundred of small ones are read each time.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from io import BytesIO
from random import Random
from typing import Any

import orjson
import pytest
import yaml
from lxml import etree

from app.exports.citations import csl_lines
from app.imports.candidates import Found, Rejection, SourceItem, Unreadable
from app.imports.formats import ctgov, label, pubmed
from app.imports.formats.references.accounting import Options
from app.imports.formats.references.reading import readings
from app.imports.name_index import NO_NAMES
from tests.imports.formats.ctgov_trial import TRIAL
from tests.imports.formats.label_parts import damaged, mutated, prove
from tests.imports.formats.mutations import (
    TEXT_DAMAGES,
    Kind,
    check,
    json_items,
    lines,
    mutant,
    odd_element,
    odd_value,
    other_element,
    other_record,
    xml_children,
)
from tests.offered import DATA, FIXTURES

needs_data = pytest.mark.skipif(not (DATA / "ctgov").is_dir(), reason="the real files are not here")
DAY = date(2026, 1, 1)
JSON_DAMAGES = (odd_value, odd_value, odd_value, other_record, *TEXT_DAMAGES)
XML_DAMAGES = (odd_element, odd_element, odd_element, other_element, *TEXT_DAMAGES)


def studies(file: BytesIO) -> Iterator[Found]:
    return ctgov.units(file, "x", NO_NAMES)


def articles(file: BytesIO) -> Iterator[Found]:
    return pubmed.units(file, "x", NO_NAMES)


def references(file: BytesIO) -> Iterator[Found]:
    for one in readings(file, Options("x", DAY, store_abstracts=True)):
        yield from one.found


def between(start: bytes, glue: bytes, end: bytes, records: Sequence[bytes]) -> bytes:
    return start + glue.join(records) + end


def kind_of_json(name: str, read: Any, start: bytes, end: bytes, path: str | None) -> Kind:
    return Kind(name, read, partial(between, start, b",\n", end), JSON_DAMAGES, partial(json_items, path=path))


def kind_of_xml(name: str, read: Any, start: bytes, end: bytes, path: str) -> Kind:
    return Kind(name, read, partial(between, start, b"\n", end), XML_DAMAGES, partial(xml_children, path=path))


KINDS = {
    kind.name: kind
    for kind in (
        kind_of_json(
            "page of studies", studies, b'{"totalCount": 3, "studies": [', b'], "nextPageToken": "x"}', "studies"
        ),
        kind_of_json("array of studies", studies, b"[", b"]", None),
        Kind("lines of studies", studies, b"\n".join, JSON_DAMAGES, lines, by_line=True),
        kind_of_json("CSL-JSON", references, b"[", b"]", None),
        kind_of_xml("PubMed XML", articles, b"<?xml version='1.0'?><PubmedArticleSet>", b"</PubmedArticleSet>", "."),
        kind_of_xml("EndNote XML", references, b"<xml><records>", b"</records></xml>", "records"),
    )
}


def elements(content: bytes, tag: str) -> list[bytes]:
    """The elements of a tag in a file of XML, each as a record of its own."""
    return [etree.tostring(one, with_tail=False) for one in etree.fromstring(content).iter(tag)]


def endnote(number: int) -> bytes:
    """A reference as EndNote writes it."""
    people = "".join(f"<author><style>Smith{number}, J. A.</style></author>" for _ in range(1 + number % 3))
    return (
        '<record><ref-type name="Journal Article">17</ref-type>'
        f"<contributors><authors>{people}</authors></contributors>"
        f"<titles><title><style>Trial {number} of a toxin in S. aureus</style></title><secondary-title>J Made"
        f"</secondary-title></titles><pages>{number}-{number + 9}</pages><volume>{number}</volume>"
        f"<dates><year>20{number % 20:02}</year></dates><electronic-resource-num>10.5555/x.{number}"
        "</electronic-resource-num></record>"
    ).encode()


def small_records(kind: str) -> list[bytes]:
    """A few records of a kind that are part of the project."""
    if "studies" in kind:
        study = orjson.dumps(orjson.loads(TRIAL))
        return [study.replace(b"NCT00000001", b"NCT%08d" % number) for number in range(1, 7)]
    if kind == "PubMed XML":
        return elements((FIXTURES / "pubmed/articles.xml").read_bytes(), "PubmedArticle")
    if kind == "EndNote XML":
        return [endnote(number) for number in range(1, 9)]
    publications = yaml.safe_load((FIXTURES.parents[2] / "seeds/publications.yaml").read_text())
    return csl_lines([{"type": "publications", **one} for one in publications[:40]])


def real_records(kind: str) -> list[bytes]:
    """Many real records of a kind, none of them very large, so that many mutants can be read."""
    if "studies" in kind:
        files = [file.read_bytes() for file in sorted((DATA / "ctgov/studies").glob("*.json"))]
        return [orjson.dumps(orjson.loads(file)) for file in files if len(file) < 60_000]
    if kind == "PubMed XML":
        names = ("botulinum-mentions.xml", "trial-and-review-types.xml")
        found = [one for name in names for one in elements((DATA / "pubmed" / name).read_bytes(), "PubmedArticle")]
        return [one for one in found if len(one) < 30_000]
    return small_records(kind)


def read_mutants(kind: Kind, records: list[bytes], number: int, seed: int) -> None:
    random, of = Random(f"{kind.name} {seed}"), dict[bytes, list[Any]]()
    rejections = refused = 0
    for _ in range(number):
        one = mutant(kind, records, random)
        read = check(kind, one, of)
        rejections += sum(isinstance(each, Rejection) for each in read.found)
        refused += read.is_refused
    assert rejections
    assert 0 < refused < number


@pytest.mark.parametrize("name", KINDS)
def test_no_record_of_a_damaged_file_is_lost(name: str) -> None:
    read_mutants(KINDS[name], small_records(name), 50, 0)


@pytest.mark.long
@needs_data
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", KINDS)
def test_no_record_of_a_damaged_real_file_is_lost(name: str, seed: int) -> None:
    read_mutants(KINDS[name], real_records(name), 500, seed + 1)


def read_label(content: bytes) -> None:
    try:
        found = list(label.units(BytesIO(content), "x", NO_NAMES))
    except Unreadable:
        return
    assert len(found) == 1
    if isinstance(found[0], SourceItem):
        prove(found[0])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_label_is_read_once_or_refused(seed: int) -> None:
    random = Random(seed)
    files = [file.read_bytes() for file in sorted((FIXTURES / "label").glob("*.xml"))]
    for _ in range(800):
        content = random.choice(files)
        read_label(random.choice((damaged, mutated, *TEXT_DAMAGES))(content, random))
