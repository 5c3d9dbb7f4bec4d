"""Alembic's own table, as far as it is read here."""

from sqlalchemy import column, table

VERSION = table("alembic_version", column("version_num"))
