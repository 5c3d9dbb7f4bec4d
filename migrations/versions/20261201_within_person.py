"""Allows `within-person` as the intervention model of a study.

The way back leaves studies that have it without an intervention model, in their rows, documents and entries.
"""

from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op
from zstandard import ZstdCompressor, ZstdDecompressor

from migrations.checks import replace_checks

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: None = None
depends_on: None = None

BEFORE = ("single-group", "parallel", "crossover", "factorial", "sequential")
STUDIES = sa.table("studies", sa.column("intervention_model"))
DOCUMENTS = sa.table("documents", *map(sa.column, ("type", "id", "version", "etag", "body", "entered")))
KEY = (DOCUMENTS.c.type, DOCUMENTS.c.id, DOCUMENTS.c.version)
WITHIN, NOTHING = b'"intervention_model":"within-person"', b'"intervention_model":null'
ZSTD = b"\x28\xb5\x2f\xfd"
"""The bytes that a Zstandard frame begins with (RFC 8878); an entry without them is stored as plain JSON."""


def _allow(*models: str) -> None:
    words = ", ".join(f"'{model}'" for model in models)
    condition = {"intervention_model": f"intervention_model IN ({words})"}
    replace_checks("studies", ["intervention_model"], condition)


def upgrade() -> None:
    _allow(*BEFORE, "within-person")


def downgrade() -> None:
    within = STUDIES.c.intervention_model == "within-person"
    op.execute(STUDIES.update().where(within).values(intervention_model=None))
    this = [column == sa.bindparam(f"its_{column.name}") for column in KEY]
    change = DOCUMENTS.update().where(*this).values({name: sa.bindparam(f"new_{name}") for name in CHANGED})
    connection = op.get_bind()
    for key in connection.execute(sa.select(*KEY).where(DOCUMENTS.c.type == "studies")).all():
        its = {f"its_{name}": value for name, value in key._mapping.items()}
        row = connection.execute(sa.select(*(DOCUMENTS.c[name] for name in CHANGED)).where(*this), its).one()
        if (new := _without(row)) is not None:
            connection.execute(change, its | new)
    _allow(*BEFORE)


CHANGED = ("etag", "body", "entered")


def _without(row: sa.Row[Any]) -> dict[str, Any] | None:
    """The new values of a document and its entry; None where neither has the model."""
    body, entered = bytes(row.body), None if row.entered is None else bytes(row.entered)
    plain = ZstdDecompressor().decompress(entered) if entered and entered.startswith(ZSTD) else entered
    if WITHIN not in body and (plain is None or WITHIN not in plain):
        return None
    body = body.replace(WITHIN, NOTHING)
    if plain is not None and WITHIN in plain:
        plain = plain.replace(WITHIN, NOTHING)
        entered = ZstdCompressor().compress(plain) if entered and entered.startswith(ZSTD) else plain
    return {"new_etag": blake2b(body, digest_size=12).hexdigest(), "new_body": body, "new_entered": entered}
