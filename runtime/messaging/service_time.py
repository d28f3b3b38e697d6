"""How long messages of each kind take, well enough to know what is not worth beginning; pure.

Only for messages whose class says ``has_steady_cost = True``: what a tool or a language model takes says nothing about
the next one, and the beginning of an answer may be worth having.

The 90th percentile by a frugal streaming estimate (Ma, Muthukrishnan, Sandler, "Frugal Streaming for Estimating
Quantiles", 2013): one number a kind, moved by a share of itself after each message.
"""

import attrs

QUANTILE = 0.9
STEP = 0.1  # of the estimate: up by nine tenths of it after a slow message, down by one tenth after any other
MIN_SAMPLES = 10  # before these nothing is refused on an estimate
FORGIVEN = 0.9  # of the estimate is kept when something was refused on it: else one slow time would refuse for ever
FLOOR_S = 1e-4


@attrs.define
class _Estimate:
    samples: int = 0
    p90_s: float = FLOOR_S


@attrs.define
class ServiceTimes:
    """Estimates by kind of message."""

    _by_kind: dict[type, _Estimate] = attrs.field(factory=dict)

    def add(self, kind: type, duration_s: float) -> None:
        """Note that a message of ``kind`` took ``duration_s``."""
        estimate = self._by_kind.setdefault(kind, _Estimate(p90_s=max(FLOOR_S, duration_s)))
        estimate.samples += 1
        if duration_s > estimate.p90_s:
            estimate.p90_s *= 1 + STEP * QUANTILE
        else:
            estimate.p90_s = max(FLOOR_S, estimate.p90_s * (1 - STEP * (1 - QUANTILE)))

    def is_hopeless(self, kind: type, left_s: float) -> bool:
        """Whether a message of ``kind`` would hardly be answered in ``left_s``; asking lowers the estimate if so."""
        estimate = self._by_kind.get(kind)
        if estimate is None or estimate.samples < MIN_SAMPLES or estimate.p90_s <= left_s:
            return False
        estimate.p90_s *= FORGIVEN
        return True
