import json

import attrs
import pytest

from backends.ingress.pages import OwnPages
from backends.protocols import Request
from protocol.admission.health import PERMANENT, ComponentReport, MachineMemory


def node(actor_id, state="ready"):
    return {"id": actor_id, "state": state, "statistics": {}, "children": []}


@attrs.define
class FakeFigures:
    """A server in which all is well, unless told otherwise."""

    _now: dict[str, str] = attrs.field(factory=dict)
    stopping: bool = False
    load_level: int = 0
    all_places_taken: bool = False
    roles: tuple[str, ...] = ()
    asked_for: list[str] = attrs.field(factory=list)

    def states(self):
        return {name: self._now.get(name, "ready") for name in PERMANENT.values()}

    def components(self):
        return {name: ComponentReport(state=state) for name, state in self.states().items()}

    def status(self, *, is_full=False):
        children = [node(name, state) for name, state in self.states().items()]
        return {**self.server(), "tree": {"id": "root", "children": children}, "is_full": is_full}

    def session(self, session_id):
        return node(session_id) if session_id == "0123" else None

    def server(self):
        return {
            "version": "1",
            "roles": list(self.roles),
            "uptime_s": 5.0,
            "sessions": 2,
            "all_places_taken": self.all_places_taken,
            "load_level": self.load_level,
            "stopping": self.stopping,
        }

    def memory(self):
        return MachineMemory(10.0, 20.0)

    def cpu_percent(self):
        return 12.5

    def timestamp(self):
        return "2026-01-01T00:00:00+00:00"

    def metrics(self, accept):
        self.asked_for.append(accept)
        return "text/plain", b"figures"


def get(figures, path, query=None, **headers):
    answer = OwnPages(figures).routes()[path](Request("GET", path, query or {}, headers, "127.0.0.1:1"))
    return answer.status, json.loads(answer.body) if answer.content_type == "application/json" else answer.body


@pytest.mark.parametrize("path", ["/health"])
def test_a_serving_server_is_alive_and_a_stopping_one_is_not(path):
    assert get(FakeFigures(), path) == (200, {"status": "healthy"})
    assert get(FakeFigures(stopping=True), path) == (503, {"status": "stopping"})


def test_ready_names_what_is_missing():
    assert get(FakeFigures(), "/health/ready") == (200, {"status": "ready"})
    status, page = get(FakeFigures(now={"speech": "backoff"}, stopping=True), "/health/ready")

    assert (status, page["missing"]) == (503, ["stopping", "speech"])


def test_a_server_without_sessions_says_at_its_readiness_what_it_is_for():
    assert get(FakeFigures(roles=("recognise",)), "/health/ready") == (200, {"status": "ready", "roles": ["recognise"]})
    status, page = get(FakeFigures(roles=("speak",), stopping=True), "/health/ready")
    assert (status, page["roles"]) == (503, ["speak"])


def test_the_detailed_page_shows_each_component_and_fails_with_the_worst():
    status, page = get(FakeFigures(), "/health/detailed")
    assert (status, page["status"], page["timestamp"]) == (200, "healthy", "2026-01-01T00:00:00+00:00")
    assert page["components"]["cpu"]["usage_percent"] == 12.5

    status, page = get(FakeFigures(now={"transcription": "starting"}), "/health/detailed")
    assert (status, page["components"]["stt"]["status"]) == (503, "unhealthy")


def test_the_status_page_shows_figures_and_tree():
    status, page = get(FakeFigures(), "/api/status")

    assert (status, page["sessions"]) == (200, 2)
    assert page["tree"]["children"][0]["id"] == "transcription"


def test_the_scraper_gets_the_format_that_it_asks_for():
    figures = FakeFigures()

    assert get(figures, "/metrics", accept="application/openmetrics-text") == (200, b"figures")
    assert figures.asked_for == ["application/openmetrics-text"]


def test_answers_are_not_to_be_kept():
    answer = OwnPages(FakeFigures()).routes()["/health"](Request("GET", "/health", {}, {}, "127.0.0.1:1"))

    assert ("cache-control", "no-store") in answer.headers


def test_a_server_under_load_sends_new_work_elsewhere_and_lives():
    figures = FakeFigures(load_level=3)

    assert get(figures, "/health/ready") == (503, {"status": "not ready", "missing": ["load level 3"]})
    assert get(figures, "/health/live")[0] == 200
    assert get(FakeFigures(load_level=2), "/health/ready")[0] == 200


def test_a_server_whose_places_are_all_taken_sends_new_work_elsewhere_and_lives():
    figures = FakeFigures(all_places_taken=True)

    assert get(figures, "/health/ready") == (503, {"status": "not ready", "missing": ["all places are taken"]})
    assert get(figures, "/health")[0] == get(figures, "/health/live")[0] == 200


def test_a_draining_server_is_still_alive():
    assert get(FakeFigures(stopping=True), "/health/live")[0] == 200


@pytest.mark.parametrize(
    ("query", "is_full"), [({}, False), ({"sessions": "summary"}, False), ({"sessions": "full"}, True)]
)
def test_all_sessions_are_shown_on_request(query, is_full):
    status, page = get(FakeFigures(), "/api/status", query)

    assert (status, page["is_full"]) == (200, is_full)


def test_one_session_is_shown_alone_and_a_wrong_query_is_explained():
    assert get(FakeFigures(), "/api/status", {"session": "0123"}) == (200, node("0123"))
    assert get(FakeFigures(), "/api/status", {"session": "9"}) == (404, {"error": "there is no session '9'"})
    assert get(FakeFigures(), "/api/status", {"sessions": "all"}) == (
        400,
        {"error": "sessions must be summary or full, not 'all'"},
    )


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
def test_frequent_health_checks_build_no_tree(path):
    class Treeless(FakeFigures):
        def tree(self):
            raise AssertionError("the tree was built")

        def root(self):
            return {"id": "root", "children": [{"id": "history", "state": "ready"}]}

    assert get(Treeless(), path)[0] == 200
