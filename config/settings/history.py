"""The database."""

from pathlib import Path

import attrs
from attrs.validators import ge, le


@attrs.frozen(kw_only=True)
class HistorySettings:
    """The database."""

    enabled: bool
    path: Path
    keep_days: float = attrs.field(validator=[ge(0), le(36_525)])
    transcripts: bool
    batch_rows: int = attrs.field(validator=[ge(1), le(100_000)])
    batch_ms: float = attrs.field(validator=[ge(0), le(60_000)])
    max_pending: int = attrs.field(validator=[ge(1), le(10_000_000)])
    cache_pages: int = attrs.field(validator=[ge(1), le(100_000_000)])
    mmap_bytes: int = attrs.field(validator=[ge(0), le(1 << 40)])
