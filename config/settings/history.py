"""What is kept of turns and tool calls."""

from pathlib import Path
from typing import Literal

import attrs
from attrs.validators import ge, le

from config.settings.bounds import one_of

StoreName = Literal["sqlite"]


@attrs.frozen(kw_only=True)
class SqliteSettings:
    """SQLite."""

    path: Path
    cache_pages: int = attrs.field(validator=[ge(1), le(100_000_000)])
    mmap_bytes: int = attrs.field(validator=[ge(0), le(1 << 40)])


@attrs.frozen(kw_only=True)
class HistorySettings:
    """The database."""

    enabled: bool
    provider: StoreName = attrs.field(validator=one_of(StoreName))
    keep_days: float = attrs.field(validator=[ge(0), le(36_525)])
    transcripts: bool
    batch_rows: int = attrs.field(validator=[ge(1), le(100_000)])
    batch_ms: float = attrs.field(validator=[ge(0), le(60_000)])
    max_pending: int = attrs.field(validator=[ge(1), le(10_000_000)])
    sqlite: SqliteSettings
