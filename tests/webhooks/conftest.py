"""A service that tells webhooks soon, and a receiver of messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from app.main import create_app
from app.webhooks.state import Delays
from tests.conftest import serving, settings_for
from tests.receiving import Receiver, receiving
from tests.webhooks.registrations import SOON, Serve, key_for


@pytest.fixture
def serve(url: str, engine: Engine) -> Serve:
    """The service over this test's database, and an admin's client of it."""
    key = key_for(engine)

    @contextmanager
    def make(delays: Delays = SOON, **more: Any) -> Iterator[httpx.Client]:
        settings = settings_for(url, **{"webhooks_private": True, **more})
        with serving(settings, create_app(settings, webhook_delays=delays)) as client:
            client.headers["authorization"] = f"Bearer {key}"
            yield client

    return make


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made
