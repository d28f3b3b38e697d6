"""The load controller."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import HOUR_S, MOST_MEMORY_MB


@attrs.frozen(kw_only=True)
class LoadSettings:
    """The load controller."""

    enabled: bool
    sample_interval_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])
    max_cpu_percent: float = attrs.field(validator=[gt(0), le(100)])
    max_capacity_percent: float = attrs.field(validator=[gt(0), le(10_000)])
    exit_when_unsafe: bool
