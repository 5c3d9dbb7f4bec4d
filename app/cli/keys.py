"""`evidence key`: make, list and revoke keys. `evidence audit`: read and prune the audit."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
import typer
from sqlalchemy import Engine

from app.auth import audit as audit_log
from app.auth import audit_retention as retention
from app.auth import keys
from app.auth.audit import Event, Who, note
from app.auth.models import Role
from app.cli.console import ACTOR, FAULTS, USAGE, database, stop
from app.database.engine import reading, writing
from app.settings import Settings

app = typer.Typer(help="Keys of the people and programs that change data.", no_args_is_help=True)
audit_app = typer.Typer()

SHOWN = 100
"""The entries of the audit that are shown without `--limit`."""

_SPAN = re.compile(r"([1-9][0-9]{0,3})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


def moment_of(value: str, *, ago: bool = False) -> datetime:
    """Return the moment of a text in ISO 8601, in UTC if it has no offset, or end the command.

    `30d`, `12h` and `5m` are a span of days, hours or minutes from now on, or before now with `ago`.
    """
    span = _SPAN.fullmatch(value)
    if span:
        length = timedelta(**{_UNITS[span[2]]: int(span[1])})
        return datetime.now(UTC) + (-length if ago else length)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise stop(USAGE, f"{value!r} is no moment such as 2027-01-31 or 30d.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Whose key it is; the name is shown with every change made with it.")],
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


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    actor: Annotated[str | None, typer.Option(help="Only entries of the holder of this key.")] = None,
    action: Annotated[str | None, typer.Option(help="Only entries of this action, such as `refused`.")] = None,
    since: Annotated[str | None, typer.Option(help="Only entries after this moment: 2026-01-31, or 12h ago.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="The newest so many.")] = SHOWN,
) -> None:
    """Read the audit: one JSON object a line, oldest first. `evidence check` proves that it is whole."""
    if context.invoked_subcommand is not None:
        if (actor, action, since, limit) != (None, None, None, SHOWN):
            raise stop(USAGE, "These options are for reading the audit; a command of its own takes none of them.")
        return
    after = moment_of(since, ago=True) if since else None
    with database(Settings()) as engine, reading(engine) as connection:
        for entry in audit_log.entries(connection, actor=actor, action=action, since=after, limit=limit):
            print(orjson.dumps(entry, option=orjson.OPT_UTC_Z).decode())


@audit_app.command("prune")
def prune_audit(
    before: Annotated[str | None, typer.Option(help="Delete entries older than this: 2026-01-31, or 90d ago.")] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Delete entries older than so many days.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete old refusals and uses of keys, for good; one sealed entry says how many there were.

    Without an option `EVIDENCE_AUDIT_DAYS` counts. Entries about changes, keys, releases, imports and webhooks stay.
    """
    settings = Settings()
    moment = _prune_moment(before, days, settings.audit_days)
    with database(settings) as engine:
        _refuse_untrue(engine)
        with reading(engine) as connection:
            number = retention.prunable(connection, moment)
        if number and not yes:
            typer.confirm(f"Delete {number} entries from before {moment:%Y-%m-%dT%H:%M:%SZ} for good?", abort=True)
        pruned = sum(_prunings(engine, moment))
    print(f"{pruned} entries were pruned.")


def _prune_moment(before: str | None, days: int | None, setting: int) -> datetime:
    if before is not None and days is not None:
        raise stop(USAGE, "Say --before or --days, not both.")
    if before is None and not (days or setting):
        raise stop(USAGE, "Say --before or --days; EVIDENCE_AUDIT_DAYS is 0, which keeps the audit for ever.")
    now = datetime.now(UTC)
    moment = moment_of(before, ago=True) if before is not None else now - timedelta(days=days or setting)
    if moment > now:
        raise stop(USAGE, "That moment has not come yet.")
    return moment.astimezone(UTC)


def _refuse_untrue(engine: Engine) -> None:
    try:
        retention.refuse_untrue(engine)
    except retention.NotWhole as error:
        raise stop(FAULTS, f"Nothing was pruned, so that no trace is lost: {error}.") from None


def _prunings(engine: Engine, moment: datetime) -> Iterator[int]:
    """Prune entries in several transactions, so that no other writer waits long; yield the entries of each."""
    number = retention.AT_ONCE
    while number == retention.AT_ONCE:
        with writing(engine) as connection:
            number = retention.prune(connection, moment, Who(ACTOR))
        yield number
