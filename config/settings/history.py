"""What is kept of turns and tool calls."""

from pathlib import Path
from typing import Final, Literal

import attrs
from attrs.validators import ge, le

from config.settings.bounds import matches, one_of

StoreName = Literal["sqlite", "postgres"]
StoreChoice = Literal["auto", "sqlite", "postgres"]
DATABASE: Final = r"(postgres(ql)?(\+\w+)?://\S+)?"
"""An address as libpq reads it, or as SQLAlchemy does, with a driver's name that is ignored; or none."""


@attrs.frozen(kw_only=True)
class SqliteSettings:
    """SQLite."""

    path: Path
    cache_pages: int = attrs.field(validator=[ge(1), le(100_000_000)])
    mmap_bytes: int = attrs.field(validator=[ge(0), le(1 << 40)])


@attrs.frozen(kw_only=True)
class PostgresSettings:
    """PostgreSQL."""

    pool_size: int = attrs.field(validator=[ge(1), le(1_000)])
    max_overflow: int = attrs.field(validator=[ge(0), le(1_000)])
    pool_timeout_s: float = attrs.field(validator=[ge(0.1), le(3_600.0)])
    statement_timeout_s: float = attrs.field(validator=[ge(0.1), le(3_600.0)])

    @property
    def max_size(self) -> int:
        """The most connections to one address."""
        return self.pool_size + self.max_overflow


@attrs.frozen(kw_only=True)
class HistorySettings:
    """The database."""

    enabled: bool
    provider: StoreChoice = attrs.field(validator=one_of(StoreChoice))
    url: str = attrs.field(repr=False, validator=matches(DATABASE, "an address such as postgresql://sayso@host/sayso"))
    read_url: str = attrs.field(repr=False, validator=matches(DATABASE, "an address such as postgresql://a,b/sayso"))
    keep_days: float = attrs.field(validator=[ge(0), le(36_525)])
    transcripts: bool
    batch_rows: int = attrs.field(validator=[ge(1), le(100_000)])
    batch_ms: float = attrs.field(validator=[ge(0), le(60_000)])
    max_pending: int = attrs.field(validator=[ge(1), le(10_000_000)])
    sqlite: SqliteSettings
    postgres: PostgresSettings

    @property
    def database(self) -> StoreName:
        """The database that is used: of ``auto``, PostgreSQL if it has an address."""
        if self.provider != "auto":
            return self.provider
        return "postgres" if self.url else "sqlite"
