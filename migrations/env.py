"""Runs the migrations in one transaction, on the database of the settings or on a given connection."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

import app.auth.models  # these imports add their tables to the metadata
import app.jobs.models
import app.records.registry
import app.releases.models
import app.search.mesh_models
import app.store.documents
import app.store.import_models
import app.webhooks.models  # noqa: F401
from app.database.engine import Base, Printed, UtcDateTime, open_engine, use_wal
from app.settings import Settings


def _render(kind: str, value: Any, _: Any) -> str | Literal[False]:
    if kind == "type" and isinstance(value, UtcDateTime | Printed):
        return f"{type(value).__name__}()"
    return False


def _is_comparable(_item: Any, name: str | None, kind: str, *_: Any) -> bool:
    """Whether Alembic compares an object: it cannot read descending indexes, so a test compares these by their SQL."""
    return not (kind == "index" and name is not None and name.endswith("_desc"))


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        transactional_ddl=True,
        transaction_per_migration=False,
        render_item=_render,
        include_object=_is_comparable,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    engine = open_engine(Settings().database_url.get_secret_value())
    with engine.connect() as connection:
        use_wal(connection)
    with engine.begin() as connection:
        _run(connection)
    engine.dispose()
