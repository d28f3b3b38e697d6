"""When worker processes rest, by the settings."""

import math

from config.settings import Settings


def rest_after_s(settings: Settings) -> float:
    """Return after how many seconds without a client workers rest; infinite for never."""
    return settings.supervisor.rest_after_s or math.inf
