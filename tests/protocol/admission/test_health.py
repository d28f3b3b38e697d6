import pytest

from protocol.admission.health import component, detailed, find, is_health_check, not_ready, overall

MEMORY = {"usage_percent": 40.0, "available_gb": 12.0}


def node(actor_id, state="ready", children=(), **statistics):
    return {"id": actor_id, "state": state, "statistics": statistics, "children": list(children)}


def server(**states):
    names = ["history", "tools", "inference", "transcription", "speech", "gateway"]
    return node("root", children=[node(name, states.get(name, "ready")) for name in names])


def test_a_server_without_trouble_is_healthy():
    page = detailed(server(), MEMORY, 10.0, "2026-01-01T00:00:00Z")

    assert page["status"] == "healthy"
    assert set(page["components"]) == {"memory", "cpu", "database", "stt", "llm", "tools", "tts"}
    assert page["components"]["memory"] == {"status": "healthy", "usage_percent": 40.0, "available_gb": 12.0}


def test_an_actor_that_is_down_makes_the_server_unhealthy_and_is_named():
    page = detailed(server(transcription="backoff"), MEMORY, 10.0, "")

    assert page["status"] == "unhealthy"
    assert page["components"]["stt"] == {"status": "unhealthy", "reason": "is backoff"}
    assert not_ready(server(transcription="backoff")) == ["transcription"]


def test_an_actor_that_is_missing_is_unhealthy():
    assert component(None) == {"status": "unhealthy", "reason": "not running"}


def test_a_full_machine_is_degraded_from_eighty_percent_on():
    page = detailed(server(), {"usage_percent": 80.0, "available_gb": 1.0}, 79.9, "")

    assert page["components"]["memory"]["status"] == "degraded"
    assert page["components"]["cpu"]["status"] == "healthy"
    assert page["status"] == "degraded"


def test_trouble_anywhere_below_is_told():
    tools = node("tools", children=[node("tools.time", trouble="no such command: tick")])

    assert component(tools) == {"status": "degraded", "reason": "no such command: tick"}


def test_a_pool_without_a_ready_worker_is_degraded():
    assert component(node("speech", pool={"ready": 0}))["status"] == "degraded"
    assert component(node("speech", pool={"ready": 1}))["status"] == "healthy"


def test_plain_figures_of_an_actor_are_shown_and_nested_ones_are_not():
    shown = component(node("history", pending=3, pool={"ready": 1}, trouble=None))

    assert shown == {"status": "healthy", "pending": 3}


def test_a_node_is_found_at_any_depth():
    tree = node("root", children=[node("tools", children=[node("tools.time")])])

    assert find(tree, "tools.time") == node("tools.time")
    assert find(tree, "nobody") is None


def test_the_worst_component_decides():
    assert overall({}) == "healthy"
    assert overall({"a": {"status": "degraded"}, "b": {"status": "healthy"}}) == "degraded"
    assert overall({"a": {"status": "degraded"}, "b": {"status": "unhealthy"}}) == "unhealthy"


def test_a_skipped_child_is_not_missed():
    children = [{"id": "load", "state": "skipped"}, {"id": "speech", "state": "starting"}]

    assert not_ready({"id": "root", "children": children}) == ["speech"]


@pytest.mark.parametrize(
    ("path", "is_check"),
    [
        ("/health", True),
        ("/health/live", True),
        ("/metrics", True),
        ("/api/status", True),
        ("/healthy", False),
        ("/api/status/stream", False),
        ("/ws", False),
        ("/", False),
    ],
)
def test_questions_about_the_servers_health_are_known(path: str, is_check: bool) -> None:
    assert is_health_check(path) == is_check
