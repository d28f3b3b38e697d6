import pytest

from protocol.admission.restarts import is_tool_server, may_restart


@pytest.mark.parametrize("actor_id", ["transcription", "speech", "history", "load", "tools.sayso-tools", "tools.names"])
def test_actors_whose_restart_loses_only_their_present_work_may_be_restarted(actor_id: str) -> None:
    assert may_restart(actor_id)


@pytest.mark.parametrize("actor_id", ["gateway", "sessions", "root", "tools", "tools.router", "0123456789abcdef", ""])
def test_those_that_hold_sockets_sessions_or_references_may_not(actor_id: str) -> None:
    assert not may_restart(actor_id)


def test_tool_servers_are_told_by_their_ids() -> None:
    assert is_tool_server("tools.home")
    assert not is_tool_server("tools.router")
    assert not is_tool_server("speech")
