"""Validators of answers that follow from the database's state."""

from hashlib import blake2b

from starlette.requests import Request

from app import __version__
from app.reading import Now
from app.web.answers import Validators
from app.web.service import service_of


def query_string(request: Request) -> str:
    return str(request.scope["query_string"], "utf-8")


def at_revision(at: Now, request: Request, format: str = "json", *, permanent: bool = False) -> Validators:
    """For answers that follow from the database's state, the address, this code and where pages end."""
    state = f"{__version__} {at.epoch} {at.revision} {at.changed_at.timestamp()}"
    state += f" {service_of(request).settings.page_bytes}"
    known = f"{state} {format} {request.scope['path']}?{query_string(request)}"
    return Validators(blake2b(known.encode(), digest_size=12).hexdigest(), at.changed_at, permanent)
