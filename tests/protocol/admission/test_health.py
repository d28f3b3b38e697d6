import pytest

from protocol.admission.health import (
    PERMANENT,
    ComponentReport,
    MachineMemory,
    component,
    detailed,
    is_health_check,
    is_open_page,
    not_ready,
    overall,
)
from protocol.admission.scopes import needed_scopes

MEMORY = MachineMemory(40.0, 12.0)


def reports(**states):
    return {name: ComponentReport(state=states.get(name, "ready")) for name in PERMANENT.values()}


def test_a_server_without_trouble_is_healthy():
    page = detailed(reports(), MEMORY, 10.0, "2026-01-01T00:00:00Z")

    assert page["status"] == "healthy"
    assert set(page["components"]) == {"memory", "cpu", "database", "stt", "llm", "tools", "tts", "shared"}
    assert page["components"]["memory"] == {"status": "healthy", "usage_percent": 40.0, "available_gb": 12.0}


def test_an_actor_that_is_down_makes_the_server_unhealthy_and_is_named():
    page = detailed(reports(transcription="backoff"), MEMORY, 10.0, "")

    assert page["status"] == "unhealthy"
    assert page["components"]["stt"] == {"status": "unhealthy", "reason": "is backoff"}


def test_what_is_not_used_is_not_shown():
    page = detailed(reports(shared="skipped"), MEMORY, 10.0, "")

    assert page["status"] == "healthy"
    assert "shared" not in page["components"]


def test_an_actor_that_is_missing_is_unhealthy():
    page = detailed({}, MEMORY, 10.0, "")

    assert page["status"] == "unhealthy"
    assert page["components"]["llm"] == component(None) == {"status": "unhealthy", "reason": "not running"}


def test_a_full_machine_is_degraded_from_eighty_percent_on():
    page = detailed(reports(), MachineMemory(80.0, 1.0), 79.9, "")

    assert page["components"]["memory"]["status"] == "degraded"
    assert page["components"]["cpu"]["status"] == "healthy"
    assert page["status"] == "degraded"


def test_a_component_with_trouble_is_degraded_and_says_why():
    tools = ComponentReport(state="ready", trouble="no such command: tick")

    assert component(tools) == {"status": "degraded", "reason": "no such command: tick"}


def test_the_figures_of_a_component_are_shown():
    shown = component(ComponentReport(state="ready", figures={"pending": 3}))

    assert shown == {"status": "healthy", "pending": 3}


def test_the_worst_component_decides():
    assert overall({}) == "healthy"
    assert overall({"a": {"status": "degraded"}, "b": {"status": "healthy"}}) == "degraded"
    assert overall({"a": {"status": "degraded"}, "b": {"status": "unhealthy"}}) == "unhealthy"


def test_a_skipped_actor_is_not_missed():
    assert not_ready({"load": "skipped", "speech": "starting", "history": "ready"}) == ["speech"]


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


@pytest.mark.parametrize(
    ("path", "is_open"),
    [
        ("/", True),
        ("/web/page/talk.js", True),
        ("/health/live", True),
        ("/web", False),
        ("/website", False),
        ("/ws", False),
    ],
)
def test_the_files_of_the_page_are_for_anyone(path: str, is_open: bool) -> None:
    assert is_open_page(path) is is_open
    if path != "/health/live":
        assert (needed_scopes("GET", path) == frozenset()) is is_open
