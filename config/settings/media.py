"""The decoder of uploaded recordings."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import HOUR_S


@attrs.frozen(kw_only=True)
class MediaSettings:
    """The decoder of uploaded recordings."""

    job_timeout_s: float = attrs.field(validator=[gt(0), le(60)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    worker_memory_mb: int = attrs.field(validator=[ge(128), le(65_536)])
