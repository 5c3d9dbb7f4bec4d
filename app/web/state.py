"""Validators of answers that follow from the database's state."""

from hashlib import blake2b

from starlette.requests import Request

from app import __version__
from app.reading import Now
from app.web.answers import Validators


def query_string(request: Request) -> str:
    return str(request.scope["query_string"], "utf-8")


def at_revision(at: Now, request: Request, format: str = "json", *, permanent: bool = False) -> Validators:
    """For answers that follow from the database's state, the address and this code alone."""
    state = f"{__version__} {at.epoch} {at.revision} {at.changed_at.timestamp()}"
    known = f"{state} {format} {request.scope['path']}?{query_string(request)}"
    return Validators(blake2b(known.encode(), digest_size=12).hexdigest(), at.changed_at, permanent)
