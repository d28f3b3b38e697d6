"""The guide's figures, score and rating, by its own formulae; pure.

The guide divides by zero, or raises, where nothing was answered; here such a figure is ``None``.
"""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

Figures = Mapping[str, Any]
MS: Final = 1_000.0
GOOD_RPS: Final = 100.0
WORST_LATENCY_MS: Final = 1_000.0
RATINGS: Final[Sequence[tuple[float, str]]] = ((90, "Excellent"), (80, "Very Good"), (70, "Good"))
WORST_RATING: Final = "Needs Optimization"


def health_figures(latencies_s: Sequence[float], total_s: float) -> dict[str, Any]:
    """Return the guide's figures of one request after the other; all times in seconds."""
    return {
        "total_requests": len(latencies_s),
        "total_time": round(total_s, 4),
        "requests_per_second": rate(len(latencies_s), total_s),
        "avg_latency": mean(latencies_s),
        "min_latency": round(min(latencies_s), 6) if latencies_s else None,
        "max_latency": round(max(latencies_s), 6) if latencies_s else None,
        "p95_latency": cut(latencies_s, 95),
        "p99_latency": cut(latencies_s, 99),
    }


def websocket_figures(connections: int, ended: Sequence[Figures], duration_s: float) -> dict[str, Any]:
    """Return the guide's figures of connections: ``duration`` and ``messages_processed`` of each that stayed open."""
    messages = sum(one["messages_processed"] for one in ended)
    return {
        "total_connections": connections,
        "successful_connections": len(ended),
        "avg_duration": mean([one["duration"] for one in ended]),
        "total_messages": messages,
        "messages_per_second": rate(messages, duration_s),
    }


def load_figures(users: int, wanted: int, latencies_s: Sequence[float], total_s: float) -> dict[str, Any]:
    """Return the guide's figures of many users at once; ``wanted`` is how many requests all of them were to make."""
    return {
        "concurrent_users": users,
        "total_requests": len(latencies_s),
        "total_time": round(total_s, 4),
        "requests_per_second": rate(len(latencies_s), total_s),
        "avg_latency": mean(latencies_s),
        "p95_latency": cut(latencies_s, 95),
        "error_rate": (wanted - len(latencies_s)) / wanted if wanted else 0.0,
    }


def score(health: Figures) -> float:
    """Return the guide's score of the health check, 0 to 100: half for the rate, half for the mean latency.

    >>> score({"requests_per_second": 50.0, "avg_latency": 0.1})
    70.0
    """
    rps, latency_s = health["requests_per_second"] or 0.0, health["avg_latency"]
    rps_score = min(rps / GOOD_RPS, 1.0) * 100
    latency_ms = WORST_LATENCY_MS if latency_s is None else latency_s * MS
    latency_score = max(0.0, (WORST_LATENCY_MS - latency_ms) / WORST_LATENCY_MS) * 100
    return round((rps_score + latency_score) / 2, 1)


def rating(points: float) -> str:
    """Return the guide's word for a score."""
    return next((word for least, word in RATINGS if points >= least), WORST_RATING)


def rate(count: float, duration_s: float) -> float | None:
    """Return how many there were in a second."""
    return round(count / duration_s, 3) if duration_s > 0 else None


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean."""
    return round(statistics.mean(values), 6) if values else None


def cut(values: Sequence[float], percent: int) -> float | None:
    """Return the guide's percentile: ``statistics.quantiles`` of 100 parts, which lies between measured values.

    Its ``quantiles(values, n=20)[18]`` is the same as 95 of 100. One value alone is returned as it is.
    """
    if len(values) < 2:
        return round(values[0], 6) if values else None
    return round(statistics.quantiles(values, n=100)[percent - 1], 6)
