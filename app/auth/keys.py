"""Keys of the form `evk_ID_SECRET`. The secret is shown once; its hash is stored, and compared in constant time.

A secret has 256 random bits, so that it cannot be guessed: a plain SHA-256 protects it as well as a slow hash would.
"""

import hmac
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_hex, token_urlsafe
from typing import Any, NamedTuple, get_args

from sqlalchemy import Connection, bindparam, or_, select, update

from app.auth.models import AccessKey, Role
from app.common.problems import Problem
from app.database.engine import table_of
from app.database.lookup import Lookup

ROLES: tuple[Role, ...] = get_args(Role)
_TOKEN = re.compile(r"evk_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")


class Identity(NamedTuple):
    """The holder of a valid key."""

    key_id: str
    name: str
    role: Role

    def may(self, role: Role) -> bool:
        """Whether the holder has a role, or one that includes it."""
        return ROLES.index(self.role) >= ROLES.index(role)


class StoredKey(NamedTuple):
    """A key as it is stored, with the hash of its secret."""

    identity: Identity
    digest: str
    expires_at: datetime | None
    revoked_at: datetime | None


def _stored(
    id: str, name: str, role: Role, digest: str, expires: datetime | None, revoked: datetime | None
) -> StoredKey:
    return StoredKey(Identity(id, name, role), digest, expires, revoked)


KEY = Lookup(
    select(
        AccessKey.id, AccessKey.name, AccessKey.role, AccessKey.digest, AccessKey.expires_at, AccessKey.revoked_at
    ).where(AccessKey.id == bindparam("id")),
    _stored,
    "id",
)
"""The look-up of a key by its id."""


def unauthorized(detail: str) -> Problem:
    """The 401 for a key that cannot be used, with a `WWW-Authenticate` header as RFC 6750 requires."""
    return Problem(
        "unauthorized", detail, headers={"www-authenticate": 'Bearer realm="evidence", error="invalid_token"'}
    )


def parse(authorization: str) -> tuple[str, str]:
    """The id and the secret in an `Authorization` header; raises a `Problem` (401)."""
    scheme, _, token = authorization.partition(" ")
    found = _TOKEN.fullmatch(token.strip())
    if scheme.lower() != "bearer" or not found:
        raise unauthorized("The Authorization header is no `Bearer evk_...` key.")
    return found[1], found[2]


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def identify(stored: StoredKey | None, secret: str, at: datetime) -> Identity:
    """The holder of a key; raises a `Problem` (401) if it is unknown, revoked or expired at that moment."""
    digest = _digest(secret)
    known = stored is not None and hmac.compare_digest(stored.digest, digest)
    if stored is None or not known:
        raise unauthorized("There is no such key.")
    if stored.revoked_at is not None:
        raise unauthorized("The key was revoked.")
    if stored.expires_at is not None and stored.expires_at <= at:
        raise unauthorized("The key has expired.")
    return stored.identity


class Taken(Exception):
    """The name belongs to a key already, which may have been revoked or have expired."""


def create(connection: Connection, *, name: str, role: Role, expires_at: datetime | None, by: str) -> tuple[str, str]:
    """Create a key; return its id and the key itself, which cannot be shown again. Raises `Taken`."""
    if connection.scalars(select(AccessKey.id).where(AccessKey.name == name)).first():
        raise Taken(name)
    id, secret = token_hex(6), token_urlsafe(32)
    row: dict[str, Any] = {
        "id": id,
        "name": name,
        "role": role,
        "digest": _digest(secret),
        "created_at": datetime.now(UTC),
        "created_by": by,
        "expires_at": expires_at,
        "revoked_at": None,
    }
    connection.execute(table_of(AccessKey).insert(), row)
    return id, f"evk_{id}_{secret}"


def revoke(connection: Connection, name: str) -> bool:
    """Revoke a key by its id or name, at once and for good; return whether there was one that was not revoked."""
    named = or_(AccessKey.id == name, AccessKey.name == name)
    ended = update(AccessKey).where(named, AccessKey.revoked_at.is_(None)).values(revoked_at=datetime.now(UTC))
    return connection.execute(ended).rowcount > 0


def listed(connection: Connection) -> Sequence[Any]:
    """The rows of all keys, the oldest first."""
    return connection.execute(select(table_of(AccessKey)).order_by(AccessKey.created_at, AccessKey.id)).all()
