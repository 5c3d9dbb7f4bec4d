"""What the public sees of those who changed something: their names, or pseudonyms.

A pseudonym is `actor-` and the first 12 hexadecimal digits of HMAC-SHA-256 (RFC 2104) of the name, keyed with a secret
of the database. It is the same for one name for as long as the database lives, so that changes by one hand can be told
to be so, and cannot be found by trying names without the secret. Names stay as they are in the database, the audit and
what admins read.
"""

import hmac
from collections.abc import Callable

from sqlalchemy import Connection, select

from app.auth.models import Secret
from app.settings import PublicActors

Shown = Callable[[str], str]
"""From an actor's name to what is shown of it."""

SECRET = "public actors"  # noqa: S105 - the name of one, not one
DIGITS = 12


def pseudonym(secret: str, name: str) -> str:
    return f"actor-{hmac.digest(secret.encode(), name.encode(), 'sha256').hex()[:DIGITS]}"


def shown_actors(connection: Connection, setting: PublicActors) -> Shown:
    """How actors are shown under a setting. Pseudonyms cost one statement, and names none."""
    if setting == "names":
        return str
    secret = connection.scalars(select(Secret.value).where(Secret.name == SECRET)).one()
    return lambda name: pseudonym(secret, name)
