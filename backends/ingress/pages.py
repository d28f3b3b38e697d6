"""The pages that the listener answers itself: health, status and metrics, from figures at hand.

They are asked every second by machines, so nothing here waits or blocks.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import attrs
import msgspec

from backends.protocols import HttpAnswer, Page, Request
from protocol.admission import health

JSON = "application/json"
FULL_LEVEL = 3  # load level from which a load balancer should send new clients elsewhere


class StatusFigures(Protocol):
    """The figures that the pages show; ``assembly.status_source.StatusSource`` in production."""

    def states(self) -> Mapping[str, str]:
        """Return the states of the root's children by id: called every second."""

    def components(self) -> Mapping[str, health.ComponentReport]:
        """Return the reports of the permanent actors that run, by id."""

    def server(self) -> Mapping[str, Any]:
        """Return version, uptime, sessions, load level and whether the server is stopping."""

    def status(self, *, is_full: bool = False) -> Mapping[str, Any]:
        """Return what ``server`` returns, the time, and the tree, with every session if ``is_full``."""

    def session(self, session_id: str) -> Mapping[str, Any] | None:
        """Return one session and its actors as in the tree; ``None`` if there is none of that id."""

    def memory(self) -> health.MachineMemory:
        """Return the memory of the machine."""

    def cpu_percent(self) -> float:
        """Return the last sample of the CPU, 0..100."""

    def timestamp(self) -> str:
        """Return the time of day as RFC 3339."""

    def metrics(self, accept: str) -> tuple[str, bytes]:
        """Return Prometheus's text exposition and its content type."""


@attrs.frozen
class OwnPages:
    """The pages: each returns its answer from ``StatusFigures``."""

    figures: StatusFigures

    def routes(self) -> dict[str, Page]:
        """Return every page by its path."""
        return {
            "/health": self.alive,
            "/health/live": self.live,
            "/health/ready": self.ready,
            "/health/detailed": self.detailed,
            "/api/status": self.status,
            "/metrics": self.metrics,
        }

    def live(self, _request: Request) -> HttpAnswer:
        """Return 200 while the loop runs, also during a drain: a restart would cut sessions off."""
        return answer({"status": "healthy"})

    def alive(self, _request: Request) -> HttpAnswer:
        """Return 200 while existing work is served; 503 while the server stops."""
        if self.figures.server()["stopping"]:
            return answer({"status": "stopping"}, 503)
        return answer({"status": "healthy"})

    def ready(self, _request: Request) -> HttpAnswer:
        """Return 200 if new work is taken, else 503 with what is missing; and what it is for, if it has no sessions."""
        missing = health.not_ready(self.figures.states())
        server = self.figures.server()
        if server["stopping"]:
            missing = ["stopping", *missing]
        if server["all_places_taken"]:
            missing = ["all places are taken", *missing]
        if server["load_level"] >= FULL_LEVEL:
            missing = [f"load level {server['load_level']}", *missing]
        roles = {"roles": server["roles"]} if server["roles"] else {}
        if missing:
            return answer({"status": "not ready", "missing": missing, **roles}, 503)
        return answer({"status": "ready", **roles})

    def detailed(self, _request: Request) -> HttpAnswer:
        """Return every component's state; 503 if one is unhealthy."""
        figures = self.figures
        page = health.detailed(figures.components(), figures.memory(), figures.cpu_percent(), figures.timestamp())
        return answer(page, 503 if page["status"] == "unhealthy" else 200)

    def status(self, request: Request) -> HttpAnswer:
        """Return the figures and the tree with a summary of the sessions, or one session if the query names it."""
        wanted = request.query.get("sessions", "summary")
        if wanted not in ("summary", "full"):
            return answer({"error": f"sessions must be summary or full, not {wanted!r}"}, 400)
        session_id = request.query.get("session")
        if session_id is None:
            return answer(self.figures.status(is_full=wanted == "full"))
        found = self.figures.session(session_id)
        return answer({"error": f"there is no session {session_id!r}"}, 404) if found is None else answer(found)

    def metrics(self, request: Request) -> HttpAnswer:
        """Return the metrics in the format that Prometheus asks for."""
        content_type, body = self.figures.metrics(request.headers.get("accept", ""))
        return HttpAnswer(200, content_type, body)


def answer(page: Mapping[str, Any], status: int = 200) -> HttpAnswer:
    """Return ``page`` as JSON that caches must not keep."""
    return HttpAnswer(status, JSON, msgspec.json.encode(page), (("cache-control", "no-store"),))
