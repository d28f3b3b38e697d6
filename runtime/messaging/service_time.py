"""Estimates the handling time of each kind of message, to refuse those that would be late; pure.

Only for messages whose class says ``has_steady_cost = True``: the time of a tool or a language model says nothing about
the next one, and the beginning of an answer may be worth having.

The 90th percentile by a frugal streaming estimate (Ma, Muthukrishnan, Sandler, "Frugal Streaming for Estimating
Quantiles", 2013): one number a kind, moved by a share of itself after each message.
"""

import attrs

QUANTILE = 0.9
STEP = 0.1  # of the estimate: up by nine tenths of it after a slow message, down by one tenth after any other
MIN_SAMPLES = 10  # before these nothing is refused on an estimate
FORGIVEN = 0.9  # of the estimate is kept after a refusal: else one slow message would lead to refusals for ever
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

    def would_be_late(self, kind: type, left_s: float) -> bool:
        """Return whether a message of ``kind`` would be late in ``left_s`` seconds; if so the estimate is lowered."""
        estimate = self._by_kind.get(kind)
        if estimate is None or estimate.samples < MIN_SAMPLES or estimate.p90_s <= left_s:
            return False
        estimate.p90_s *= FORGIVEN
        return True
