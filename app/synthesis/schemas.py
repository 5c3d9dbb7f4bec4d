"""The JSON shapes of `POST /v1/synthesis`: rows that the caller sends, and the pooled answer. Nothing is stored."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from app.synthesis.effects import Group, Measure
from app.synthesis.models import Test
from app.synthesis.question import MOST_ROWS, Model, Question, Row

Finite = Annotated[float, Field(allow_inf_nan=False, ge=-1e12, le=1e12)]
Include = Literal["leave-one-out", "cumulative", "asymmetry"]
RandomEstimator = Literal["REML", "DL", "PM", "HE"]
Scale = Literal["log", "logit", "identity"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SynthesisGroup(_Shape):
    """What one group of a study reports."""

    n: Finite = Field(description="People in the group.", examples=[40])
    events: Finite | None = Field(None, description="How many of them had the event.", examples=[4])
    mean: Finite | None = Field(None, description="Their mean.")
    sd: Finite | None = Field(None, description="The standard deviation of their values.")

    def group(self) -> Group:
        """The group as the formulas take it."""
        return Group(self.n, self.events, self.mean, self.sd)


class SynthesisRow(_Shape):
    """A study: two groups, one group (`treatment`) for a proportion, or its effect for `generic`."""

    study: str = Field(min_length=1, max_length=300, description="The name of the study.", examples=["a"])
    treatment: SynthesisGroup | None = Field(None, description="The treated group, or the only one.")
    control: SynthesisGroup | None = Field(None, description="The control group.")
    yi: Finite | None = Field(None, description="The effect on the scale of analysis, with `measure` generic.")
    vi: Finite | None = Field(None, description="Its sampling variance.")
    moderators: dict[str, Finite] = Field(default_factory=dict, max_length=20, description="Values by name.")


class SynthesisIn(_Shape):
    """What is to be pooled."""

    measure: Measure = Field(description="What is compared; `generic`: the rows give `yi` and `vi`.")
    rows: list[SynthesisRow] = Field(max_length=MOST_ROWS, description="The studies, in the order of the answer.")
    model: Model = Field("random", description="How the studies are pooled.")
    estimator: Annotated[
        RandomEstimator | None,
        BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
        Field(description="Of tau squared in a random-effects model; REML unless said."),
    ] = None
    test: Test | None = Field(
        None, description="Of the pooled effect: `knha` from three studies on unless said, `z` below."
    )
    moderators: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        default_factory=list, max_length=1, description="The name of a moderator to regress on."
    )
    include: list[Include] = Field(default_factory=list, max_length=3, description="Further parts of the answer.")

    @model_validator(mode="after")
    def _options_fit(self) -> "SynthesisIn":
        if self.estimator and self.model != "random":
            raise ValueError(f"an estimator of tau squared belongs to the random model, not to {self.model}")
        if self.test in ("knha", "adhoc") and self.model in ("mantel-haenszel", "peto"):
            raise ValueError(f"{self.test} is a test of inverse-variance models, not of {self.model}")
        return self

    def question(self) -> Question:
        """The question as the engine takes it."""
        moderator = self.moderators[0] if self.moderators else None
        rows = [_row(row, moderator) for row in self.rows]
        include = frozenset(map(str, self.include))
        return Question(self.measure, rows, self.model, self.estimator, self.test, moderator, include)


def _row(row: SynthesisRow, moderator: str | None) -> Row:
    treatment, control = (group.group() if group else None for group in (row.treatment, row.control))
    value = row.moderators.get(moderator) if moderator else None
    return Row(row.study, treatment, control, row.yi, row.vi, value)


class PooledRow(BaseModel):
    """A study as it was used."""

    model_config = ConfigDict(extra="allow")

    study: str
    treatment: dict[str, float] | None = None
    control: dict[str, float] | None = None
    yi: float = Field(description="The effect on the scale of analysis (log for ratios, logit for proportions).")
    vi: float = Field(description="Its sampling variance.")
    weight: float = Field(description="Its weight in percent.")
    corrected: bool = Field(description="Whether 1/2 was added to its cells, because one is empty.")
    estimate: float = Field(description="The effect on the scale of the measure.")
    ci_low: float = Field(description="Lower limit of its 95 % interval.")
    ci_high: float = Field(description="Upper limit.")


class PooledEffect(BaseModel):
    """The pooled effect, on the scale of analysis and on that of the measure."""

    yi: float
    se: float
    yi_low: float
    yi_high: float
    estimate: float
    ci_low: float
    ci_high: float
    pi_low: float | None = Field(None, description="Lower limit of the 95 % prediction interval.")
    pi_high: float | None = None
    p: float | None = Field(None, description="Two-sided p of the pooled effect.")
    df: int | None = Field(None, description="Degrees of freedom of the t distribution; null: the normal one.")


class Heterogeneity(BaseModel):
    """How much the studies differ; names as metafor's."""

    tau2: float
    tau2_low: float = Field(description="Lower limit of the 95 % interval by the Q-profile method.")
    tau2_high: float
    i2: float = Field(description="In percent: from tau squared under random effects, from Q under a fixed effect.")
    h2: float
    q: float
    q_df: int
    q_p: float


class ExcludedRow(BaseModel):
    """A study that was not used."""

    study: str
    reason: str


class SynthesisOut(BaseModel):
    """The pooled answer with all that is needed to repeat it."""

    model_config = ConfigDict(extra="allow")

    measure: Measure
    scale: Scale = Field(description="The scale of analysis.")
    null: float | None = Field(description="The value of the measure that means no difference.")
    model: Model
    estimator: str | None
    test: str
    studies: int = Field(description="How many were pooled.")
    rows: list[PooledRow]
    pooled: PooledEffect
    wald: dict[str, Any] | None = Field(description="The Wald interval beside that of Knapp and Hartung.")
    heterogeneity: Heterogeneity
    notes: list[str] = Field(description="What a reader has to know of these numbers.")
    excluded: list[ExcludedRow] = Field(description="The studies that were not used, each with the reason.")
