"""The section ``wake``."""

import attrs
from attrs.validators import ge, le


@attrs.frozen(kw_only=True)
class WakeSettings:
    """The wake word, and how long the server listens without it."""

    word: str
    threshold: float = attrs.field(validator=[ge(0.0), le(0.99)])
    command_s: float = attrs.field(validator=[ge(1), le(60)])
    follow_up_s: float = attrs.field(validator=[ge(0), le(60)])
