"""Sampling of the machine."""

import attrs
from attrs.validators import gt, le

from config.settings.bounds import HOUR_S


@attrs.frozen(kw_only=True)
class MetricsSettings:
    """Sampling of the machine."""

    sample_interval_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
