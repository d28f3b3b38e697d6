"""The contents of the health pages, from the reports of the server's permanent actors; pure."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

Health = Literal["healthy", "degraded", "unhealthy"]
Figure = int | float | str | bool

DEGRADED_PERCENT: Final = 80.0  # the performance guide's threshold for memory and CPU
WELL: Final = frozenset({"ready", "skipped"})
PERMANENT: Final = {
    "stt": "transcription",
    "llm": "inference",
    "tools": "tools",
    "tts": "speech",
    "database": "history",
    "shared": "shared",
}
"""The components of the detailed page, each with the actor that it is about."""


@attrs.frozen(kw_only=True)
class ComponentReport:
    """One permanent actor as the health pages need it."""

    state: str
    """Such as ``ready`` or ``backoff``."""
    trouble: str | None = None
    """Why it cannot do its work although it is ready, or some actor below it cannot; in words."""
    figures: Mapping[str, Figure] = attrs.field(factory=dict)
    """Its own plain figures, by name."""


@attrs.frozen
class MachineMemory:
    """The memory of the whole machine; ``available_gb`` is in units of 1024³ bytes."""

    usage_percent: float
    available_gb: float


def is_health_page(path: str) -> bool:
    """Return whether ``path`` says how the server is, to anyone who asks."""
    return path == "/health" or path.startswith("/health/")


def is_open_page(path: str) -> bool:
    """Return whether ``path`` is for anyone, as often as they like: the server's health, and the files of its pages."""
    return is_health_page(path) or path in ("/", "/console") or path.startswith("/web/")


def is_health_check(path: str) -> bool:
    """Return whether ``path`` is asked by machines, and answered even while the server is full."""
    return is_health_page(path) or path in ("/metrics", "/api/status")


def not_ready(states: Mapping[str, str]) -> list[str]:
    """Return the ids of the actors that are not ready, although they should be, of ``states`` by id."""
    return [actor_id for actor_id, state in states.items() if state not in WELL]


def component(report: ComponentReport | None) -> dict[str, Any]:
    """Return one component's health: its state, its trouble and its figures; ``None`` is an actor that is missing."""
    if report is None:
        return {"status": "unhealthy", "reason": "not running"}
    if report.state != "ready":
        return {"status": "unhealthy", "reason": f"is {report.state}"}
    status: Health = "degraded" if report.trouble else "healthy"
    return {"status": status, **({"reason": report.trouble} if report.trouble else {}), **report.figures}


def gauge(percent: float, **figures: float) -> dict[str, Any]:
    """Return a resource's health: degraded from the guide's threshold on."""
    status: Health = "healthy" if percent < DEGRADED_PERCENT else "degraded"
    return {"status": status, "usage_percent": round(percent, 1), **figures}


def detailed(
    reports: Mapping[str, ComponentReport], memory: MachineMemory, cpu_percent: float, timestamp: str
) -> dict[str, Any]:
    """Return the page of ``/health/detailed``; ``reports`` has those of ``PERMANENT`` that run, by actor."""
    found = {name: reports.get(actor_id) for name, actor_id in PERMANENT.items()}
    components = {
        "memory": gauge(memory.usage_percent, available_gb=memory.available_gb),
        "cpu": gauge(cpu_percent),
        **{name: component(report) for name, report in found.items() if report is None or report.state != "skipped"},
    }
    return {"status": overall(components), "timestamp": timestamp, "components": components}


def overall(components: Mapping[str, Mapping[str, Any]]) -> Health:
    """Return the worst of the components."""
    found = {shown["status"] for shown in components.values()}
    if "unhealthy" in found:
        return "unhealthy"
    return "degraded" if "degraded" in found else "healthy"
