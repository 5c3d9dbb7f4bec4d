"""Settings, which are read from `EVIDENCE_*` environment variables and handed to `create_app`."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.common.ip_addresses import read_networks
from app.common.suggestions import nearest

PublicActors = Literal["names", "pseudonyms"]
"""How the people who change data are shown to the public."""


class Settings(BaseSettings):
    """All settings of the service and of the command. An unknown `EVIDENCE_*` variable is an error."""

    model_config = SettingsConfigDict(env_prefix="EVIDENCE_", frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Refuse unknown variables, since a misspelt one would be ignored and the default used without notice."""
        known = {f"EVIDENCE_{name}".upper() for name in cls.model_fields}
        unknown = [name for name in os.environ if name.upper().startswith("EVIDENCE_") and name.upper() not in known]
        if unknown:
            near = ", ".join(nearest(unknown[0].upper(), known))
            raise ValueError(f"there is no setting {unknown[0]} (nearest: {near})")
        return values

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: str) -> str:
        read_networks(value)
        return value

    database_url: SecretStr = Field(
        SecretStr("sqlite:///evidence.db"),
        description="`sqlite:///FILE` or `postgresql+psycopg://USER:PASSWORD@HOST/NAME`.",
    )
    lock_timeout_ms: int = Field(
        15_000, ge=1, description="How long a writer waits for another before it gives up, in milliseconds."
    )
    search_path: str = Field(
        "", description="Where the search index is kept; nothing: beside the SQLite file; `:memory:`: nowhere."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    trusted_proxies: str = Field(
        "",
        description="Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: addresses and CIDR "
        "networks, comma-separated; nobody's unless said.",
    )
    seeds: Path = Field(Path("seeds"), description="What `evidence serve --prepare` loads.")
    log_format: str = Field("text", pattern="^(text|json)$", description="`text` for people, `json` for machines.")
    access_log: bool = Field(False, description="Log one line a request.")
    max_url_bytes: int = Field(32_768, ge=256, description="Longest request target answered; a longer one is a 414.")
    read_threads: int = Field(
        4, ge=1, le=64, description="Threads (and pooled connections) for reads that take milliseconds."
    )
    read_timeout_seconds: float = Field(
        30, gt=0, description="How long a read may take before it is given up with a 503."
    )
    page_bytes: int = Field(
        4_000_000,
        ge=1000,
        description="Bytes of JSON items, before compression, at which a page ends even where `limit` asks for more; "
        "`next` goes on. One larger item is a page alone.",
    )
    answer_cache_bytes: int = Field(
        64_000_000, ge=0, description="Memory for finished answers, in front of everything else; 0 keeps none."
    )
    spool_path: str = Field(
        "",
        description="Folder for exports while they are sent; nothing: beside the SQLite file, else `evidence.spool`.",
    )
    spool_bytes: int = Field(
        2_000_000_000, ge=0, description="Disk space for exports, for each process; where it is full they are a 507."
    )
    max_content_bytes: int = Field(
        25_000_000, ge=1000, description="Largest record that is read; a larger one is a 413."
    )
    max_release_bytes: int = Field(
        100_000_000, ge=1000, description="Largest release that is read over HTTP; a larger one is a 413."
    )
    imports_path: str = Field(
        "",
        description="Where imports are kept while they are open; nothing: beside the SQLite file, "
        "else `evidence.imports`.",
    )
    max_import_bytes: int = Field(
        1_000_000_000, ge=1000, description="Largest file that is imported over HTTP; a larger one is a 413."
    )
    limits: bool = Field(True, description="Whether requests are limited, per key and per address.")
    max_connections: int = Field(
        2000, ge=1, description="Connections kept open; the limit of open files is raised for them where it may be."
    )
    address_connections: int = Field(
        256, ge=1, description="Connections kept open from one address that is no trusted proxy."
    )
    header_timeout_seconds: float = Field(
        10, gt=0, description="How long a request's line and headers may take to come; a 408 after that."
    )
    body_timeout_seconds: float = Field(
        30, gt=0, description="How long a request's content may stand still while it is sent; a 408 after that."
    )
    write_timeout_seconds: float = Field(
        30, gt=0, description="How long a client may take nothing of its answer before its connection is cut off."
    )
    unsent_bytes: int = Field(
        128_000_000,
        ge=1_000_000,
        description="Memory for answers that wait for clients to read them; a fourth of it for one address.",
    )
    max_streams: int = Field(500, ge=1, description="Event streams and requests with `wait` that are open at a time.")
    address_streams: int = Field(50, ge=1, description="The same of one address or key.")
    address_burst: int = Field(1000, ge=1, description="Requests in 10 seconds from one address without a key.")
    address_quota: int = Field(1_000_000, ge=1, description="Requests in a day from one address without a key.")
    address_bytes: int = Field(
        5_000_000_000, ge=1, description="Bytes of answers in an hour to one address without a key."
    )
    address_seconds: int = Field(
        60, ge=1, description="Seconds of work in a minute for one address without a key: one request after another."
    )
    address_exports: int = Field(
        8, ge=1, description="Exports sent at a time to one address without a key, or with one key."
    )
    key_burst: int = Field(2000, ge=1, description="Requests in 10 seconds with one key.")
    key_quota: int = Field(10_000_000, ge=1, description="Requests in a day with one key.")
    key_bytes: int = Field(50_000_000_000, ge=1, description="Bytes of answers in an hour with one key.")
    key_seconds: int = Field(240, ge=1, description="Seconds of work in a minute with one key.")
    audit_days: int = Field(
        0,
        ge=0,
        description="Days that refusals and uses of keys stay in the audit; 0: for ever. Changes always stay.",
    )
    public_actors: PublicActors = Field(
        "names",
        description="Whether everybody sees the `names` of those who change data or `pseudonyms` in their place.",
    )
    webhooks_private: bool = Field(
        False, description="Whether webhooks may go to private addresses, and over http: on a network of one's own."
    )
    import_private: bool = Field(
        False, description="Whether imports may come from private addresses, and over http: on a network of one's own."
    )
    ctgov_url: str = Field("https://clinicaltrials.gov/api/v2", description="Where ClinicalTrials.gov's API v2 is.")
    pubmed_url: str = Field(
        "https://eutils.ncbi.nlm.nih.gov/entrez/eutils", description="Where NCBI's E-utilities are, for PubMed."
    )
    dailymed_url: str = Field(
        "https://dailymed.nlm.nih.gov/dailymed/services/v2", description="Where DailyMed's web services v2 are."
    )
    ncbi_api_key: SecretStr = Field(
        SecretStr(""), description="A key of NCBI's, with which PubMed is asked ten times a second instead of three."
    )
    ncbi_email: str = Field("", description="Whom NCBI may write to before it shuts somebody out who asks too much.")
    store_abstracts: bool = Field(
        False, description="Whether abstracts in imported files are kept; they may be their publishers'."
    )
    count_cache_entries: int = Field(
        4096, ge=0, description="Totals remembered per revision, so that paging counts once."
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment variables that give a process that is started the same settings."""
    found = {name: getattr(settings, name) for name in Settings.model_fields}
    plain = {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in found.items()}
    return {f"EVIDENCE_{name}".upper(): str(value) for name, value in plain.items() if value is not None}
