"""The root of the tree."""

from pathlib import Path
from typing import Literal, get_args

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_EVENTS, each

Role = Literal["recognise", "speak"]


@attrs.frozen(kw_only=True)
class SupervisorSettings:
    """The root."""

    max_restarts: int = attrs.field(validator=[ge(0), le(MOST_EVENTS)])
    restart_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    stop_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    drain_timeout_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    drain_delay_s: float = attrs.field(validator=[ge(0), le(HOUR_S)])
    roles: tuple[str, ...] = attrs.field(validator=each("|".join(get_args(Role)), "recognise, speak, both or none"))
    data_dir: Path
    models_dir: Path

    @property
    def has_sessions(self) -> bool:
        """Whether it is a whole server, and not one that only recognises or speaks for others."""
        return not self.roles

    def does(self, role: Role) -> bool:
        """Return whether speech is recognised or made here."""
        return self.has_sessions or role in self.roles
