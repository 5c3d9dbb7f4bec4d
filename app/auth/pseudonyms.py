"""What the public sees of the people who change data: their names, or pseudonyms.

A pseudonym is `actor-` and the first 12 hexadecimal digits of HMAC-SHA-256 (RFC 2104) of the name, keyed with a secret
of the database. A name has the same pseudonym as long as the database exists, so that changes by one person can be seen
to be so. Without the secret, it cannot be found by trying names. The database, the audit and what admins read have the
names.
"""

import hmac
from collections.abc import Callable

from sqlalchemy import Connection, select

from app.auth.models import Secret
from app.settings import PublicActors

Shown = Callable[[str], str]
"""Turns an actor's name into what is shown of it."""

SECRET = "public actors"  # noqa: S105 - the name of a secret, not a secret
DIGITS = 12


def pseudonym(secret: str, name: str) -> str:
    """The pseudonym of a name under a secret."""
    return f"actor-{hmac.digest(secret.encode(), name.encode(), 'sha256').hex()[:DIGITS]}"


def shown_actors(connection: Connection, setting: PublicActors) -> Shown:
    """The function that shows actors under a setting. For pseudonyms it reads the secret, in one statement."""
    if setting == "names":
        return str
    secret = connection.scalars(select(Secret.value).where(Secret.name == SECRET)).one()
    return lambda name: pseudonym(secret, name)
