"""Signatures by Standard Webhooks (standardwebhooks.com), which let a receiver verify origin, content and age.

The `standardwebhooks` library signs. Secrets are checked here, because the library accepts any base64 of any length.
"""

import binascii
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from secrets import token_bytes

from standardwebhooks import Webhook

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""The least and the largest number of bytes of a secret."""


def new_secret() -> str:
    """A new secret of 32 random bytes."""
    return PREFIX + b64encode(token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The key of a secret, in bytes; raises a `ValueError`, which never shows the secret, where it is malformed."""
    try:
        key = b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else b""
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a secret is {PREFIX} and the base64 of {SHORTEST} to {LONGEST} bytes")
    return key


def signed(secret: str, id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a message; `timestamp` is in Unix seconds, and `body` must be UTF-8."""
    # The library takes the time without its zone for UTC, so it must be given as UTC.
    at = datetime.fromtimestamp(timestamp, UTC)
    return {
        "webhook-id": id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": Webhook(key_of(secret)).sign(id, at, body.decode()),
    }
