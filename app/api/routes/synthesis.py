"""Synthesis over HTTP: rows that the caller sends are pooled. Nothing is stored, and no key is needed."""

import asyncio

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from app.api.http.conditional import NO_STORE
from app.api.http.negotiation import JSON, require_acceptable
from app.api.http.request_body import parse_json, read_content, require_type
from app.api.http.request_state import query_string
from app.api.middleware.client_address import address_of
from app.api.services import service_of
from app.common.problems import Problem, invalid_content
from app.common.validation_errors import shape_faults
from app.query.parameters import read_no_query
from app.synthesis.pooling import pool
from app.synthesis.question import CannotPool
from app.synthesis.schemas import SynthesisIn

MOST_BYTES = 1_000_000
"""The most bytes of a question: a thousand rows need less than half of it."""


async def answer_synthesis(request: Request) -> Response:
    """Pool the rows of the content; a study without an effect is left out with its reason."""
    require_acceptable(request, JSON)
    read_no_query(query_string(request))
    require_type(request, JSON)
    content = await read_content(request, MOST_BYTES)
    async with service_of(request).read_turns.turn(address_of(request.scope)):
        body = await asyncio.to_thread(_answer, content)
    return Response(body, 200, NO_STORE, JSON)


def _answer(content: bytes) -> bytes:
    data = parse_json(content)
    try:
        asked = SynthesisIn.model_validate(data)
    except ValidationError as error:
        raise invalid_content(shape_faults(SynthesisIn, error), "The question") from None
    try:
        return orjson.dumps(pool(asked.question()))
    except CannotPool as reason:
        raise Problem("cannot-pool", f"{reason}.") from None
