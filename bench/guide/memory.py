"""What a server says of its memory on its page of metrics: the guide's figure, and sayso's by pool of workers; pure."""

from collections.abc import Mapping
from typing import Final

import attrs
from prometheus_client.parser import text_string_to_metric_families

TOTAL: Final = "voice_control_memory_usage_bytes"
"""The guide's own name; its own code puts the whole machine's memory into it."""
POOLS: Final = "voice_control_worker_memory_bytes"


@attrs.frozen
class MemoryFigures:
    """Bytes, as far as they are told."""

    total_bytes: float | None = None
    pools_bytes: Mapping[str, float] = attrs.field(factory=dict)

    def of_pool(self, name: str) -> float | None:
        """Return what the workers of a pool have, in GB."""
        return in_gb(self.pools_bytes.get(name))

    @property
    def server_gb(self) -> float | None:
        """What the server has without the workers that are told of."""
        return None if self.total_bytes is None else in_gb(self.total_bytes - sum(self.pools_bytes.values()))

    @property
    def total_gb(self) -> float | None:
        """The server with its workers."""
        return in_gb(self.total_bytes)


def read_memory(page: str) -> MemoryFigures:
    """Return the figures of a page of metrics in Prometheus's text format; empty for any other text."""
    total_bytes, pools = None, {}
    try:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == TOTAL:
                    total_bytes = sample.value
                elif sample.name == POOLS:
                    pools[sample.labels.get("pool", "")] = sample.value
    except ValueError:
        return MemoryFigures()
    return MemoryFigures(total_bytes, pools)


def in_gb(size_bytes: float | None) -> float | None:
    """Return bytes as GiB."""
    return None if size_bytes is None else round(size_bytes / 2**30, 3)
