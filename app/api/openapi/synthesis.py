"""Synthesis in OpenAPI."""

from app.api.http.negotiation import JSON
from app.api.openapi.operations import ModelSchema, operation, problems, ref
from app.api.openapi.parameters import Doc
from app.synthesis.schemas import SynthesisIn, SynthesisOut

SCHEMAS: tuple[ModelSchema, ...] = ((SynthesisIn, "validation"), (SynthesisOut, "serialization"))
EXAMPLE: Doc = {
    "measure": "risk-ratio",
    "rows": [
        {"study": "a", "treatment": {"events": 4, "n": 40}, "control": {"events": 9, "n": 41}},
        {"study": "b", "treatment": {"events": 7, "n": 61}, "control": {"events": 11, "n": 58}},
        {"study": "c", "treatment": {"events": 2, "n": 30}, "control": {"events": 6, "n": 29}},
    ],
}
_PROBLEMS = (
    *("malformed-request", "malformed-content", "content-too-large", "unsupported-media-type", "not-acceptable"),
    *("invalid-record", "cannot-pool", "invalid-parameter"),
)


def synthesis_operation() -> Doc:
    """Document the pooling of rows that the caller sends."""
    documented = operation(
        "pool_rows",
        "Pool the results of studies",
        "Nothing is stored. Random effects by REML with the interval of Knapp and Hartung unless asked otherwise; the "
        "answer has every row with its effect, variance and weight, and says which were left out and why.",
        [],
        {"200": {"description": "The pooled effect.", "content": {JSON: {"schema": ref("SynthesisOut")}}}}
        | problems(*_PROBLEMS),
    )
    content = {JSON: {"schema": ref("SynthesisIn"), "example": EXAMPLE}}
    documented["openapi_extra"]["requestBody"] = {"required": True, "content": content}
    return documented
