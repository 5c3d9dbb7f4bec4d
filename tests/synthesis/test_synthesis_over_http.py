"""`POST /v1/synthesis`: anyone may have rows pooled; what is wrong is told by its place."""

from typing import Any

import httpx
import pytest

from app.synthesis.schemas import SynthesisOut

STUDIES: list[dict[str, Any]] = [
    {"study": "a", "treatment": {"events": 4, "n": 40}, "control": {"events": 9, "n": 41}},
    {"study": "b", "treatment": {"events": 7, "n": 61}, "control": {"events": 11, "n": 58}},
    {"study": "c", "treatment": {"events": 0, "n": 30}, "control": {"events": 6, "n": 29}},
    {"study": "d", "treatment": {"events": 0, "n": 30}, "control": {"events": 0, "n": 29}},
]


def asked(api: httpx.Client, **content: Any) -> httpx.Response:
    return api.post("/v1/synthesis", json=content)


def test_rows_are_pooled_without_a_key_and_nothing_is_hidden(api: httpx.Client) -> None:
    answer = asked(api, measure="risk-ratio", rows=STUDIES)
    assert answer.status_code == 200, answer.text
    found = SynthesisOut.model_validate(answer.json())
    assert [row.study for row in found.rows] == ["a", "b", "c"]
    assert [row.corrected for row in found.rows] == [False, False, True]
    assert [(each.study, "ratio" in each.reason) for each in found.excluded] == [("d", True)]
    assert (found.model, found.estimator, found.test, found.studies) == ("random", "REML", "knha", 3)
    assert found.pooled.ci_low < found.pooled.estimate < found.pooled.ci_high
    assert any("1/2" in note for note in found.notes)
    assert answer.headers["cache-control"] == "no-store"


def test_effects_and_a_moderator(api: httpx.Client) -> None:
    rows = [{"study": str(n), "yi": 0.1 * n, "vi": 0.02, "moderators": {"dose": n}} for n in range(6)]
    answer = asked(api, measure="generic", rows=rows, moderators=["dose"], estimator="dl", test="z")
    slope = answer.json()["regression"]["coefficients"][1]
    assert (slope["name"], slope["b"]) == ("dose", pytest.approx(0.1))


@pytest.mark.parametrize(
    ("changed", "status", "place"),
    [
        ({"measure": "risk"}, 422, "/measure"),
        ({"rows": [{"study": "a", "events": 3}]}, 422, "/rows/0/events"),
        ({"rows": STUDIES, "estimator": "ML"}, 422, "/estimator"),
        ({"rows": STUDIES, "model": "fixed", "estimator": "DL"}, 422, ""),
        ({"rows": STUDIES, "include": ["forest"]}, 422, "/include/0"),
        ({"rows": STUDIES[:1]}, 422, None),
        ({"rows": STUDIES * 251}, 422, "/rows"),
        ({"rows": [{**STUDIES[0], "treatment": {"events": 1e300, "n": 1}}]}, 422, "/rows/0/treatment/events"),
        ({"rows": [{**STUDIES[0], "treatment": {"events": 50, "n": 40}}, STUDIES[1]]}, 422, None),
    ],
)
def test_what_is_wrong_is_told(api: httpx.Client, changed: dict[str, Any], status: int, place: str | None) -> None:
    answer = asked(api, **{"measure": "risk-ratio", "rows": STUDIES, **changed})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["type"] == ("/problems/cannot-pool" if place is None else "/problems/invalid-record")
    if place is not None:
        assert place in [fault["pointer"] for fault in problem["errors"]]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"measure": NaN}', b'{"rows": [], "rows": []}'])
def test_content_that_is_no_question(api: httpx.Client, content: bytes) -> None:
    answer = api.post("/v1/synthesis", content=content, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"
