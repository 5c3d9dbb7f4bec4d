"""Every fault of a load is told with its place, and nothing is changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.releases.yaml_files import GOOD, faults_of

FAULTS = [
    pytest.param(
        {"products_yaml": GOOD["products.yaml"].replace("Botox acts", "Botox act on")},
        ("products.yaml", 7, "ona", "/provenance/0/quote", "the quote is not in its source's text", "Botox acts on"),
        id="a quote that is not in its source",
    ),
    pytest.param(
        {"products_yaml": GOOD["products.yaml"].replace("quote: Botox acts", "quote: is")},
        (
            "products.yaml",
            7,
            "ona",
            "/provenance/0/quote",
            "the quote stands at 25 and at 36; say which by `start`",
            None,
        ),
        id="a quote that is there twice",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("source: registry", "source: registry\n    quote: x")},
        ("studies.yaml", 17, "first", "/provenance/0/quote", "the source has no stored text to quote from", None),
        id="a quote of a source without text",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("[ona]", "[onna]")},
        ("studies.yaml", 5, "first", "/products/0", "there is no 'onna' among the products", "ona"),
        id="a dangling reference",
    ),
    pytest.param(
        {"products_yaml": GOOD["products.yaml"] * 2},
        ("products.yaml", 9, "ona", "/id", "the id 'ona' is taken by another of the products", None),
        id="a duplicate id",
    ),
    pytest.param(
        {"products_yaml": GOOD["products.yaml"] + GOOD["products.yaml"].replace("id: ona", "id: two")},
        ("products.yaml", 9, "two", "", "the name 'onabotulinumtoxinA' is claimed by 'ona' too", None),
        id="an alias claimed twice",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("events: 4", "events: 14")},
        ("studies.yaml", 14, "first", "/outcomes/0/results/0/events", "14 events among 10", None),
        id="a broken domain rule",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("design:", "desing:")},
        ("studies.yaml", 4, "first", "/desing", "there is no field 'desing'", "design"),
        id="an unknown field",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("randomized", "randomised")},
        (
            "studies.yaml",
            4,
            "first",
            "/design",
            "'randomised-controlled-trial' is not one of the known values",
            "randomized-controlled-trial",
        ),
        id="an unknown value",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  title: The", "\ttitle: The")},
        ("studies.yaml", 3, "", "", "there is a tab; write spaces", None),
        id="a tab",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  title", "<<<<<<< HEAD\n  title")},
        ("studies.yaml", 3, "", "", "a merge conflict was left here: <<<<<<< HEAD", None),
        id="a merge conflict marker",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  title", "  id: again\n  title")},
        ("studies.yaml", 3, "", "", "the key 'id' stands here twice", None),
        id="a repeated key",
    ),
    pytest.param(
        {"studies_yaml": "- &a {id: x, title: T, comparators: [&b [x], *b]}\n"},
        ("studies.yaml", 1, "", "", "anchors and aliases are not read here", None),
        id="an alias",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("[ona]", "[ona")},
        ("studies.yaml", 6, "", "", "did not find expected ',' or ']'", None),
        id="broken YAML",
    ),
    pytest.param(
        {"studies_yaml": "id: x\n"},
        ("studies.yaml", 1, "", "", "the file is not a list of records", None),
        id="no list",
    ),
    pytest.param(
        {"studies_yaml": "- just text\n"},
        (
            "studies.yaml",
            1,
            "record 1",
            "",
            "Input should be a valid dictionary or instance of StudyIn, not 'just text'",
            None,
        ),
        id="no record",
    ),
    pytest.param(
        {"studies_yaml": b"- id: x\n  title: \xff\n"},
        ("studies.yaml", 2, "", "", "byte 17 is not UTF-8", None),
        id="not UTF-8",
    ),
    pytest.param(
        {"studdies_yaml": "- id: x\n"},
        ("studdies.yaml", 1, "", "", "the file's name begins with no record type: 'studdies'", "studies"),
        id="an unknown type",
    ),
    pytest.param(
        {"sources_yaml": GOOD["sources.yaml"].replace("article.txt", "../article.txt")},
        (
            "sources.yaml",
            5,
            "article",
            "/text_file",
            "../article.txt: it must be a plain name of a file beside this one",
            None,
        ),
        id="a text file elsewhere",
    ),
    pytest.param(
        {"sources_yaml": GOOD["sources.yaml"].replace("article.txt", "none.txt")},
        ("sources.yaml", 5, "article", "/text_file", "none.txt: No such file or directory", None),
        id="a text file that is missing",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("  provenance:\n  - source: registry\n", "")},
        ("studies.yaml", 2, "first", "/provenance", "this field is required", None),
        id="no provenance",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"] + "  absent: {title: not-seen, yaer: not-seen}\n"},
        ("studies.yaml", 17, "first", "/absent/title", "title is not absent: it has a value", None),
        id="an absence of what is there",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("arm: a,", "arm: b,")},
        ("studies.yaml", 14, "first", "/outcomes/0/results/0/arm", "there is no arm 'b'", None),
        id="an arm that does not resolve",
    ),
    pytest.param(
        {"studies_yaml": GOOD["studies.yaml"].replace("percent: 40.0", "percent: 43")},
        ("studies.yaml", 14, "first", "/outcomes/0/results/0/percent", "4/10 is 40.0 %, not 43 %", None),
        id="a percent that is not events / n",
    ),
]


UNREADABLE = [
    'conclusion: "a\\0b"',
    'conclusion: "\\ud800"',
    "conclusion: !!timestamp abc",
    "enrolled: !!int ''",
    "enrolled: !!bool maybe",
    "enrolled: true",
    "enrolled: '12'",
    "conclusion: ' '",
    f"follow_up_weeks: 1{'0' * 400}",
    "registry_ids: ['']",
    "conclusion: !!python/object:os.system x",
    "id: missing",
    "year: .nan",
]


@pytest.mark.parametrize("line", UNREADABLE)
def test_hostile_values_are_faults_and_no_crashes(engine: Engine, files: Callable[..., Path], line: str) -> None:
    text = GOOD["studies.yaml"].replace("- id: first", "- id: missing") if line == "id: missing" else None
    assert faults_of(engine, files(studies_yaml=text or f"{GOOD['studies.yaml']}  {line}\n"))


def test_text_of_a_source_is_given_once(engine: Engine, files: Callable[..., Path]) -> None:
    twice = GOOD["sources.yaml"].replace("  text_file", "  text: x\n  text_file")
    assert any("not both" in fault.detail for fault in faults_of(engine, files(sources_yaml=twice)))


@pytest.mark.parametrize(("changed", "expected"), FAULTS)
def test_each_fault_is_told_with_its_place(
    engine: Engine, files: Callable[..., Path], changed: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    file, line, record, pointer, detail, near = expected
    found = [f for f in faults_of(engine, files(**changed)) if Path(f.location.file).name == file]
    where = found[0].location
    assert (where.line, where.record, found[0].pointer, found[0].detail) == (line, record, pointer, detail)
    assert near is None or near in found[0].nearest
    assert f"{file}:{line}:" in str(found[0])


def test_all_faults_of_all_files_are_told_at_once(engine: Engine, files: Callable[..., Path]) -> None:
    path = files(
        products_yaml=GOOD["products.yaml"].replace("Botox acts", "nowhere to be found"),
        studies_yaml=GOOD["studies.yaml"].replace("[ona]", "[onna]").replace("events: 4", "events: 14"),
        indications_yaml="- id: x\n  nam: X\n",
        mechanisms_yaml="\t",
    )
    assert [(Path(fault.location.file).name, fault.pointer) for fault in faults_of(engine, path)] == [
        ("indications.yaml", "/name"),
        ("indications.yaml", "/provenance"),
        ("indications.yaml", "/nam"),
        ("mechanisms.yaml", ""),
        ("products.yaml", "/provenance/0/quote"),
        ("studies.yaml", "/products/0"),
        ("studies.yaml", "/outcomes/0/results/0/events"),
    ]


def test_an_empty_directory_is_a_fault(engine: Engine, tmp_path: Path) -> None:
    assert faults_of(engine, tmp_path)[0].detail == "there is no TYPE.yaml in this directory"
