"""`evidence key` and `evidence audit`."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
import typer

from app.access import audit as trail
from app.access import keys
from app.access.audit import Event, Who, note
from app.access.tables import Role
from app.console import ACTOR, FAULTS, USAGE, database, stop
from app.db import reading, writing
from app.settings import Settings

app = typer.Typer(help="Keys for those who change data.", no_args_is_help=True)

_SPAN = re.compile(r"([1-9][0-9]{0,3})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def moment_of(value: str) -> datetime:
    """A moment as ISO 8601, in UTC unless it says otherwise; `30d`, `12h`, `5m`: so long from now."""
    span = _SPAN.fullmatch(value)
    if span:
        return datetime.now(UTC) + timedelta(**{_UNITS[span[2]]: int(span[1])})
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise stop(USAGE, f"{value!r} is no moment such as 2027-01-31 or 30d.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is; stands beside every change made with it.")],
    role: Annotated[Role, typer.Option(help="`editor` changes records; `admin` also releases and webhooks.")],
    expires: Annotated[str | None, typer.Option(help="Until when: 2027-01-31, or 30d; never unless said.")] = None,
) -> None:
    """Make a key and show it, once: only its hash is kept."""
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise stop(USAGE, "A key's name has 1 to 100 printable characters.")
    until = moment_of(expires) if expires else None
    if until and until <= datetime.now(UTC):
        raise stop(USAGE, "The key would have expired already.")
    try:
        with database(Settings()) as engine, writing(engine) as connection:
            id, token = keys.create(connection, name=name, role=role, expires_at=until, by=ACTOR)
            note(connection, [Event(Who(ACTOR), "create key", detail=f"{id} {name} {role}")])
    except keys.Taken:
        raise stop(FAULTS, f"There is a key named {name!r} already; a name is never given twice.") from None
    print(token)


@app.command("list")
def list_keys() -> None:
    """List all keys, without their secrets."""
    with database(Settings()) as engine, reading(engine) as connection:
        for key in keys.listed(connection):
            now = datetime.now(UTC)
            expired = key.expires_at is not None and key.expires_at <= now
            state = "revoked" if key.revoked_at else "expired" if expired else "active"
            until = f"{key.expires_at:%Y-%m-%dT%H:%MZ}" if key.expires_at else "-"
            print(key.id, key.role, state, f"{key.created_at:%Y-%m-%dT%H:%MZ}", until, key.name, sep="\t")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="A key's id or name.")]) -> None:
    """End a key, at once and for good."""
    with database(Settings()) as engine, writing(engine) as connection:
        if not keys.revoke(connection, name):
            raise stop(FAULTS, f"There is no key {name!r} to revoke.")
        note(connection, [Event(Who(ACTOR), "revoke key", detail=name)])
    print(f"{name} is revoked.")


def audit(
    actor: Annotated[str | None, typer.Option(help="Only what this key's holder did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this, such as `refused`.")] = None,
    since: Annotated[str | None, typer.Option(help="Only after this moment.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest so many.")] = 100,
) -> None:
    """Read the audit: one JSON object a line, oldest first."""
    after = moment_of(since) if since else None
    with database(Settings()) as engine, reading(engine) as connection:
        for entry in trail.entries(connection, actor=actor, action=action, since=after, limit=limit):
            print(orjson.dumps(entry, option=orjson.OPT_UTC_Z).decode())
