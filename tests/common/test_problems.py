"""A fault is the same as a value, in a problem and on the console."""

import pytest

from app.common.problems import Fault, Location, Problem, invalid_content, invalid_parameters, parameter_fault

IN_FILE = Location(0, "studies.yaml", 12, "preempt-1")


@pytest.mark.parametrize(
    ("fault", "entry", "line"),
    [
        (Fault("it is wrong"), {"pointer": "", "detail": "it is wrong", "nearest": []}, "it is wrong"),
        (
            Fault("there is no field 'titel'", "/titel", nearest=("title",)),
            {"pointer": "/titel", "detail": "there is no field 'titel'", "nearest": ["title"]},
            "/titel: there is no field 'titel' (nearest: title)",
        ),
        (
            parameter_fault("yeer", "There is no parameter 'yeer' here.", ["year"]),
            {"parameter": "yeer", "detail": "There is no parameter 'yeer' here.", "nearest": ["year"]},
            "yeer: There is no parameter 'yeer' here. (nearest: year)",
        ),
        (
            Fault("not known", "/design", location=IN_FILE),
            {"pointer": "/design", "detail": "not known", "nearest": []}
            | {"file": "studies.yaml", "line": 12, "record": "preempt-1"},
            "studies.yaml:12: preempt-1 /design not known",
        ),
        (
            Fault("not known", "/design", location=Location(file="NCT00000000")),
            {"pointer": "/design", "detail": "not known", "nearest": [], "file": "NCT00000000", "record": ""},
            "NCT00000000 /design: not known",
        ),
    ],
)
def test_a_fault_is_an_entry_of_a_problem_and_a_line(fault: Fault, entry: dict[str, object], line: str) -> None:
    assert fault.as_json() == entry
    assert Fault.from_json(entry) == fault
    assert str(fault) == line


def test_a_fault_of_a_batch_keeps_its_number_and_shows_none() -> None:
    fault = Fault("not known", "/design").at(7)
    assert fault.number == 7
    assert fault.as_json() == Fault("not known", "/design").as_json()


def test_a_problem_sums_up_its_first_faults() -> None:
    faults = [parameter_fault(name, f"{name} is wrong.") for name in "abcd"]
    problem = invalid_parameters(faults)
    assert problem.as_json() == {
        "type": "/problems/invalid-parameter",
        "title": "A parameter is unknown or has a value that cannot be used",
        "status": 422,
        "detail": "a is wrong. b is wrong. c is wrong.",
        "errors": [fault.as_json() for fault in faults],
    }
    content = invalid_content([Fault("it is no object"), Fault("not known", "/design")], "The record")
    assert (content.kind, content.detail) == ("invalid-record", "The record: it is no object. /design: not known.")
    assert isinstance(content, Problem)
