"""One client's session."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_EVENTS, YEAR_S


@attrs.frozen(kw_only=True)
class SessionSettings:
    """One client's session."""

    handshake_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    idle_timeout_s: float = attrs.field(validator=[gt(0), le(YEAR_S)])
    status_interval_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    resume_window_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    max_client_errors: int = attrs.field(validator=[ge(1), le(MOST_EVENTS)])
    client_error_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    max_restarts: int = attrs.field(validator=[ge(0), le(MOST_EVENTS)])
    restart_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
