"""The root of the tree."""

from pathlib import Path

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_EVENTS


@attrs.frozen(kw_only=True)
class SupervisorSettings:
    """The root."""

    max_restarts: int = attrs.field(validator=[ge(0), le(MOST_EVENTS)])
    restart_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    stop_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    drain_timeout_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    drain_delay_s: float = attrs.field(validator=[ge(0), le(HOUR_S)])
    rest_after_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    data_dir: Path
    models_dir: Path
