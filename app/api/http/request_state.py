"""Validators of answers that follow from the database's state."""

from hashlib import blake2b

from starlette.requests import Request

from app import __version__
from app.api.http.conditional import Validators
from app.api.services import service_of
from app.query.pages import Now
from app.settings import PublicActors


def query_string(request: Request) -> str:
    return str(request.scope["query_string"], "utf-8")


def at_revision(
    at: Now, request: Request, format: str = "json", *, permanent: bool = False, actors: PublicActors = "names"
) -> Validators:
    """For answers that follow from the database's state, the address, this code and where pages end.

    `actors`: how an answer shows those who changed something. Under another setting it is another answer at the same
    revision, which no date would tell: with pseudonyms there is none.
    """
    state = f"{__version__} {at.epoch} {at.revision} {at.changed_at.timestamp()}"
    state += f" {service_of(request).settings.page_bytes}"
    known = f"{state} {format} {request.scope['path']}?{query_string(request)}"
    if actors == "names":
        return Validators(blake2b(known.encode(), digest_size=12).hexdigest(), at.changed_at, permanent)
    return Validators(blake2b(f"{known} {actors}".encode(), digest_size=12).hexdigest(), None, permanent)
