"""How many connections there may be, by the number of files that the process may open.

Rules kept here:

* The soft limit is raised as far as the settings need it, and no further: child processes inherit it.
* All connections together stay below the share of the limit at which the load controller refuses new sessions.
* Where the hard limit is too low, there are fewer HTTP connections, and one line says so. A WebSocket that finds no
  descriptor is refused by the load controller.
"""

import logging
import math
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from config.settings import GatewaySettings

log = logging.getLogger("sayso.ingress")

OPEN_FILES: Final = Path("/proc/self/fd")
OTHERS: Final = 64  # held back, for health checks, for refusals, and for workers and tool servers that start again
SHARE: Final = 0.75  # below the marks of protocol/admission/load.py for open files
HTTP_MIN: Final = 4  # even where no descriptor is left: the listener closes connections that wait for a request


def needed_limit(settings: GatewaySettings, used: int) -> int:
    """Return the limit that all connections of the settings need, beside the ``used`` descriptors."""
    connections = settings.max_http_connections + settings.websocket.max_connections
    return math.ceil((used + OTHERS + connections) / SHARE)


def connections_within(limit: int, used: int, settings: GatewaySettings) -> int:
    """Return how many HTTP connections there may be, at least half of what is left beside WebSockets."""
    left = int(SHARE * limit) - used - OTHERS
    fitting = max(left - settings.websocket.max_connections, left // 2, HTTP_MIN)
    return min(settings.max_http_connections, fitting)


@attrs.frozen
class DescriptorLimits:
    """The limits of this process."""

    open_files: Path = OPEN_FILES
    get: Callable[[int], tuple[int, int]] = resource.getrlimit
    set: Callable[[int, tuple[int, int]], None] = resource.setrlimit


def fitted(settings: GatewaySettings, limits: DescriptorLimits = DescriptorLimits()) -> GatewaySettings:
    """Raise the soft limit where it is too low, and return settings that the limit allows."""
    try:
        used = sum(1 for _ in limits.open_files.iterdir())
    except OSError:  # the system has no such folder, or no descriptor is left to open it
        used = 0
    soft, hard = limits.get(resource.RLIMIT_NOFILE)
    limit, highest = (math.inf if value == resource.RLIM_INFINITY else value for value in (soft, hard))
    needed = needed_limit(settings, used)
    if needed > limit:
        limit = int(min(needed, highest))
        limits.set(resource.RLIMIT_NOFILE, (limit, hard))
    count = settings.max_http_connections if needed <= limit else connections_within(int(limit), used, settings)
    if count < settings.max_http_connections:
        log.warning(
            "gateway.max_http_connections is %d instead of %d: the process may open %d files and needs %d (ulimit -n)",
            count,
            settings.max_http_connections,
            limit,
            needed,
        )
    return attrs.evolve(settings, max_http_connections=count)
