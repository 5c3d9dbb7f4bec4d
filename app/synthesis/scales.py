"""The scale of analysis of a measure, and the scale on which people read it."""

from collections.abc import Mapping

from app.synthesis.effects import RATIOS, Measure, back_transformed


def scale_of(measure: Measure) -> str:
    """The name of the scale of analysis."""
    if measure in RATIOS:
        return "log"
    return "logit" if measure == "proportion" else "identity"


def null_of(measure: Measure) -> float | None:
    """The value that means no difference, on the scale on which people read the measure; None for a proportion."""
    if measure == "proportion":
        return None
    return 1.0 if measure in RATIOS else 0.0


def shown(measure: Measure, values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Values of the scale of analysis on the scale on which people read them."""
    return {name: None if value is None else back_transformed(measure, value) for name, value in values.items()}
