"""Alembic's own table, which holds the schema version."""

from sqlalchemy import column, table

VERSION = table("alembic_version", column("version_num"))
