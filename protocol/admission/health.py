"""The contents of the health pages, from plain figures; pure.

The tree comes as nested mappings ``{id, state, statistics, children}``, the way the status page shows it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

Health = Literal["healthy", "degraded", "unhealthy"]
Tree = Mapping[str, Any]

DEGRADED_PERCENT = 80.0  # the performance guide's threshold for memory and CPU
WELL = frozenset({"ready", "skipped"})
PERMANENT = {
    "stt": "transcription",
    "llm": "inference",
    "tools": "tools",
    "tts": "speech",
    "database": "history",
}


def is_health_page(path: str) -> bool:
    """Return whether ``path`` says how the server is, to anyone who asks."""
    return path == "/health" or path.startswith("/health/")


def is_health_check(path: str) -> bool:
    """Return whether ``path`` is asked by machines, and answered even while the server is full."""
    return is_health_page(path) or path in ("/metrics", "/api/status")


def walk(tree: Tree) -> Iterator[Tree]:
    """Yield every node, parents first."""
    yield tree
    for child in tree.get("children", ()):
        yield from walk(child)


def find(tree: Tree, actor_id: str) -> Tree | None:
    """Return the first node with that id."""
    return next((node for node in walk(tree) if node["id"] == actor_id), None)


def not_ready(tree: Tree) -> list[str]:
    """Return the ids of the root's children that are not ready, although they should be."""
    return [child["id"] for child in tree.get("children", ()) if child["state"] not in WELL]


def component(node: Tree | None) -> dict[str, Any]:
    """Return one component's health: its state, and the trouble in its figures."""
    if node is None:
        return {"status": "unhealthy", "reason": "not running"}
    if node["state"] != "ready":
        return {"status": "unhealthy", "reason": f"is {node['state']}"}
    statistics = node.get("statistics", {})
    trouble = trouble_of(node)
    status: Health = "degraded" if trouble else "healthy"
    shown = {name: value for name, value in statistics.items() if isinstance(value, int | float | str | bool)}
    return {"status": status, **({"reason": trouble} if trouble else {}), **shown}


def trouble_of(node: Tree) -> str | None:
    """Return the trouble of a ready actor, in words."""
    for below in walk(node):
        statistics = below.get("statistics", {})
        if statistics.get("trouble"):
            return str(statistics["trouble"])
        pool = statistics.get("pool")
        if pool is not None and not pool.get("ready", 1):
            return "no worker process is ready"
    return None


def gauge(percent: float, **figures: float) -> dict[str, Any]:
    """Return a resource's health: degraded from the guide's threshold on."""
    status: Health = "healthy" if percent < DEGRADED_PERCENT else "degraded"
    return {"status": status, "usage_percent": round(percent, 1), **figures}


def detailed(tree: Tree, memory: Mapping[str, float], cpu_percent: float, timestamp: str) -> dict[str, Any]:
    """Return the page of ``/health/detailed``; ``memory`` has ``usage_percent`` and ``available_gb``."""
    components = {
        "memory": gauge(memory["usage_percent"], available_gb=memory["available_gb"]),
        "cpu": gauge(cpu_percent),
        **{name: component(find(tree, actor_id)) for name, actor_id in PERMANENT.items()},
    }
    return {"status": overall(components), "timestamp": timestamp, "components": components}


def overall(components: Mapping[str, Mapping[str, Any]]) -> Health:
    """Return the worst of the components."""
    found = {shown["status"] for shown in components.values()}
    if "unhealthy" in found:
        return "unhealthy"
    return "degraded" if "degraded" in found else "healthy"
