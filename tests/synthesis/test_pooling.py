"""Pooled effects are those of metafor and of published papers, and what cannot be pooled is refused."""

import csv
import json
import math
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.synthesis import diagnostics, tables
from app.synthesis.effects import Group, UnusableRow, effect
from app.synthesis.models import fit, tau_squared_interval
from app.synthesis.pooling import pool
from app.synthesis.question import CannotPool, Question, Row

DATA = Path(__file__).parents[3] / "shared/data/meta-analysis"
RSCRIPT = shutil.which("Rscript")
Cells = tuple[int, int, int, int]
BCG: list[Cells] = [
    *((4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761)),
    *((180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600)),
    *((186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)),
]
"""Thirteen trials of BCG against tuberculosis (Colditz et al. 1994, JAMA 271): cases and others, vaccinated and not."""


def rows(cells: list[Cells]) -> list[Row]:
    return [Row(str(number), Group(a + b, a), Group(c + d, c)) for number, (a, b, c, d) in enumerate(cells)]


def near(ours: float | None, theirs: float, digits: float = 1e-6) -> bool:
    return ours is not None and abs(ours - theirs) <= digits * max(1.0, abs(theirs))


METAFOR: dict[tuple[str, str], dict[str, float]] = {
    ("REML", "z"): {"yi": -0.7145323, "se": 0.1797815, "yi_low": -1.0668976, "yi_high": -0.3621670, "tau2": 0.3132433},
    ("REML", "knha"): {
        "se": 0.1807917,
        "yi_low": -1.1084437,
        "yi_high": -0.3206210,
        "i2": 92.2213845,
        "h2": 12.8557582,
    },
    ("DL", "z"): {"yi": -0.7141172, "se": 0.1787421, "tau2": 0.3087603},
}
"""Outputs of metafor 3.8 for BCG, rounded to seven digits."""


@pytest.mark.parametrize(("estimator", "test"), METAFOR)
def test_bcg_is_as_metafor_has_it(estimator: str, test: str) -> None:
    answer = pool(Question("risk-ratio", rows(BCG), estimator=estimator, test=test))
    found = answer["pooled"] | answer["heterogeneity"]
    assert {name: found[name] for name in METAFOR[estimator, test]} == pytest.approx(METAFOR[estimator, test], abs=1e-6)
    assert near(answer["pooled"]["estimate"], math.exp(answer["pooled"]["yi"]))
    assert answer["heterogeneity"]["q"] == pytest.approx(152.2330, abs=1e-4)
    assert sum(row["weight"] for row in answer["rows"]) == pytest.approx(100)


def test_prediction_and_asymmetry_of_bcg() -> None:
    question = Question("risk-ratio", rows(BCG), include=frozenset({"asymmetry", "leave-one-out", "cumulative"}))
    answer = pool(question)
    assert math.log(answer["pooled"]["pi_low"]) == pytest.approx(-1.996, abs=1e-3)
    assert math.log(answer["pooled"]["pi_high"]) == pytest.approx(0.567, abs=1e-3)
    egger = answer["asymmetry"]["egger"]
    assert (egger["t"], egger["df"], egger["p"]) == (
        pytest.approx(-1.401282, abs=1e-6),
        11,
        pytest.approx(0.188707, abs=1e-6),
    )
    assert answer["asymmetry"]["trim_and_fill"]["missing"] == 1
    assert len(answer["leave-one-out"]) == len(answer["cumulative"]) == 13
    assert answer["cumulative"][-1]["yi"] == answer["pooled"]["yi"]


def test_mantel_haenszel_and_peto_of_bcg() -> None:
    risk_ratio = pool(Question("risk-ratio", rows(BCG), model="mantel-haenszel"))["pooled"]
    assert (risk_ratio["yi"], risk_ratio["se"]) == (pytest.approx(-0.4537096), pytest.approx(0.0393374, abs=1e-7))
    peto = pool(Question("odds-ratio", rows(BCG), model="peto"))
    assert sum(row["weight"] for row in peto["rows"]) == pytest.approx(100)


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the published results are not at {DATA}")
def test_published_results_are_met_to_the_printed_digit() -> None:
    cases = json.loads((DATA / "published_results.json").read_text())["cases"]
    with (DATA / "dat.normand1999.csv").open() as file:
        strokes = list(csv.DictReader(file))
    for case in cases:
        for expected in case["expected"]:
            y, v = _bcg_effects() if case["dataset"] == "dat.bcg" else _pooled_sd_differences(strokes)
            model = fit(y, v, expected["method"])
            assert _printed(float(model.b[0]), expected["mu"]), (case["id"], expected)
            for name, value in (("tau2", model.tau2), ("se", float(model.se[0])), ("I2", model.i2), ("Q", model.q)):
                assert name not in expected or _printed(value, expected[name]), (case["id"], name, value)


def _printed(ours: float, printed: float) -> bool:
    decimals = len(str(printed).partition(".")[2])
    return abs(ours - printed) <= 0.6 / float(10**decimals)


def _bcg_effects() -> tuple[Any, Any]:
    found = [effect("risk-ratio", Group(a + b, a), Group(c + d, c)) for a, b, c, d in BCG]
    return np.array([each.yi for each in found]), np.array([each.vi for each in found])


def _pooled_sd_differences(studies: list[dict[str, str]]) -> tuple[Any, Any]:
    """Mean differences with the variance from the pooled standard deviation, as Normand 1999 has them."""
    y, v = [], []
    for study in studies:
        n1, m1, sd1, n2, m2, sd2 = (float(study[name]) for name in ("n1i", "m1i", "sd1i", "n2i", "m2i", "sd2i"))
        pooled = ((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / (n1 + n2 - 2)
        y.append(m1 - m2)
        v.append(pooled * (1 / n1 + 1 / n2))
    return np.array(y), np.array(v)


# Against metafor itself, where R is


def generated(seed: int) -> Iterator[list[Cells]]:
    chance = random.Random(seed)
    for studies in (2, 3, 5, 10, 25, 40):
        largest = chance.choice([10, 60, 500, 5000])
        cells = []
        for _ in range(studies):
            n1, n2 = chance.randint(3, largest + 3), chance.randint(3, largest + 3)
            control = chance.random() ** 3
            treated = min(1.0, control * math.exp(chance.gauss(-0.3, 0.5)))
            a = sum(chance.random() < treated for _ in range(n1))
            c = sum(chance.random() < control for _ in range(n2))
            cells.append((a, n1 - a, c, n2 - c))
        yield cells


SCRIPT = """
suppressMessages(library(metafor)); options(warn=-1)
control <- list(threshold=1e-10, maxiter=1000, tau2.max=1e6, tol=1e-14)
show <- function(...) cat(paste(sapply(list(...), function(x) paste(formatC(as.numeric(x), digits=12, format="g"),
  collapse=" ")), collapse="|"), "\\n")
for (line in readLines(file("stdin"))) {
  n <- as.numeric(strsplit(line, " ")[[1]]); k <- length(n) / 4; m <- matrix(n, nrow=4)
  ai <- m[1,]; bi <- m[2,]; ci <- m[3,]; di <- m[4,]
  for (measure in c("RR", "OR", "RD")) {
    e <- escalc(measure=measure, ai=ai, bi=bi, ci=ci, di=di, drop00=measure != "RD")
    used <- !is.na(e$yi); y <- e$yi[used]; v <- e$vi[used]
    if (length(y) < 2) { cat("none\\n"); next }
    for (method in c("FE", "DL", "HE", "PM", "REML")) for (test in c("z", "knha", "adhoc")) {
      r <- try(rma(y, v, method=method, test=test, control=control), silent=TRUE)
      if (inherits(r, "try-error")) { cat("none\\n"); next }
      show(r$b, r$se, r$ci.lb, r$ci.ub, r$tau2, r$I2, r$H2, r$QE, r$QEp, r$pval)
    }
    q <- try(confint(rma(y, v, method="DL"), control=list(tau2.max=1e6, tol=1e-14))$random[1, 2:3], silent=TRUE)
    if (inherits(q, "try-error")) cat("none\\n") else show(q[1], q[2])
    g <- if (length(y) >= 3) try(regtest(y, v, model="lm"), silent=TRUE) else NULL
    if (is.null(g) || inherits(g, "try-error")) cat("none\\n") else show(g$zval, g$dfs, g$pval)
    h <- try(rma.mh(measure=measure, ai=ai, bi=bi, ci=ci, di=di), silent=TRUE)
    if (inherits(h, "try-error") || is.na(h$b)) cat("none\\n") else show(h$b, h$se)
  }
  p <- try(rma.peto(ai=ai, bi=bi, ci=ci, di=di), silent=TRUE)
  if (inherits(p, "try-error") || is.na(p$b)) cat("none\\n") else show(p$b, p$se)
}
"""


@pytest.mark.skipif(RSCRIPT is None, reason="Rscript with metafor is not here")
def test_generated_data_is_pooled_as_metafor_pools_it(tmp_path: Path) -> None:
    sets = [BCG, *(cells for seed in range(3) for cells in generated(seed))]
    (tmp_path / "judge.R").write_text(SCRIPT)
    given = "\n".join(" ".join(str(n) for cells in each for n in cells) for each in sets)
    command = [str(RSCRIPT), str(tmp_path / "judge.R")]
    lines = iter(subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout.splitlines())
    compared = 0
    for cells in sets:
        for ours in _as_the_script(cells):
            line = next(lines).strip()
            if line == "none" or ours is None:
                continue
            theirs = [float(value) for value in line.split("|")]
            assert all(math.isnan(b) or near(a, b) for a, b in zip(ours, theirs, strict=True)), (cells, ours, theirs)
            compared += 1
    assert compared > 500
    assert next(lines, None) is None


def _as_the_script(cells: list[Cells]) -> Iterator[list[float] | None]:
    whole = tables.Tables(*(np.array(column, dtype=float) for column in zip(*cells, strict=True)))
    for measure in ("risk-ratio", "odds-ratio", "risk-difference"):
        y, v = _usable(measure, cells)
        if len(y) < 2:
            yield None
            continue
        for estimator in ("FE", "DL", "HE", "PM", "REML"):
            for test in ("z", "knha", "adhoc"):
                model = fit(y, v, estimator, test)
                half = model.quantile() * model.se[0]
                yield [
                    *(float(model.b[0]), float(model.se[0]), float(model.b[0] - half), float(model.b[0] + half)),
                    *(model.tau2, model.i2, model.h2, model.q, model.q_p, model.p()),
                ]
        yield list(tau_squared_interval(y, v))
        egger = diagnostics.egger(y, v) if len(y) >= 3 else None
        yield [egger.t, egger.df, egger.p] if egger else None
        yield _or_none(lambda name=measure: tables.mantel_haenszel(name, whole))
    yield _or_none(lambda: tables.peto(whole))


def _usable(measure: Any, cells: list[Cells]) -> tuple[Any, Any]:
    found = []
    for a, b, c, d in cells:
        with suppress(UnusableRow):
            found.append(effect(measure, Group(a + b, a), Group(c + d, c)))
    return np.array([each.yi for each in found]), np.array([each.vi for each in found])


def _or_none(work: Any) -> list[float] | None:
    try:
        return list(work())
    except tables.NoEvents:
        return None


# What cannot be pooled


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (Question("risk-ratio", []), "0 studies have an effect"),
        (Question("risk-ratio", rows([(1, 9, 2, 8)])), "1 studies have an effect"),
        (Question("risk-ratio", rows([(0, 9, 0, 8), (0, 5, 0, 5)])), "nothing about a ratio"),
        (Question("risk-ratio", [Row("a", Group(0, 0), Group(3, 1)), *rows([(1, 9, 2, 8)])]), "a: treatment: n is 0"),
        (Question("mean-difference", rows([(1, 9, 2, 8), (1, 9, 2, 8)])), "the mean is missing"),
        (Question("mean-difference", rows([(1, 9, 2, 8)] * 2), model="peto"), "peto pools events"),
        (Question("generic", [Row("a", yi=1.0, vi=0.0), Row("b", yi=1.0)]), "vi is 0"),
        (
            Question("generic", [Row(str(n), yi=float(n), vi=1.0, moderator=3.0) for n in range(4)], moderator="dose"),
            "has the same value in every study",
        ),
    ],
)
def test_what_cannot_be_pooled_says_what_is_missing(question: Question, reason: str) -> None:
    with pytest.raises(CannotPool, match=reason):
        pool(question)


def test_two_studies_have_a_wald_interval_unless_asked_otherwise() -> None:
    cells = [(4, 36, 9, 32), (7, 54, 11, 47)]
    assert pool(Question("risk-ratio", rows(cells)))["test"] == "z"
    asked = pool(Question("risk-ratio", rows(cells), test="knha"))
    assert (asked["test"], asked["pooled"]["df"]) == ("knha", 1)
    assert "one degree of freedom" in asked["notes"][0]


def test_equal_studies_have_no_heterogeneity() -> None:
    answer = pool(Question("generic", [Row(str(n), yi=0.5, vi=0.1) for n in range(5)]))
    assert answer["heterogeneity"]["tau2"] == answer["heterogeneity"]["i2"] == 0
    assert (answer["test"], answer["pooled"]["yi_low"] < 0.5) == ("z", True)
    assert answer["pooled"]["yi"] == pytest.approx(0.5)
