"""What may be said when in a session."""

from typing import get_args

import pytest

from protocol.dialects.session import (
    FROM_CLIENT,
    FROM_SERVER,
    KEPT_AFTER_OUR_CLOSE,
    SessionState,
    SocketPhase,
    may_come_back,
)
from protocol.messages import events
from protocol.messages.errors import CloseCode, LocalProtocolError, RemoteProtocolError
from protocol.messages.events import ClientEvent, ServerEvent

HELLO = events.ConnectionRequest("me", ("stt",))
GOODBYE = events.Bye()
TEXT = events.Text("what time is it")
REFUSED = events.ConnectionRefused("full", 1_000)
OVERRUN = events.AudioOverrun(0, 10)


def live() -> SessionState:
    state = SessionState()
    state.receive(HELLO)
    return state


def phase_of(state: SessionState) -> SocketPhase:
    """Ask through a function, so that the type checker does not take the first answer for good."""
    return state.phase


def closing() -> SessionState:
    state = live()
    state.receive(GOODBYE)
    return state


def test_a_session_opens_with_connection_request_and_closes_after_bye() -> None:
    state = SessionState()
    assert phase_of(state) is SocketPhase.CONNECTING
    state.receive(HELLO)
    assert phase_of(state) is SocketPhase.LIVE
    state.receive(b"")
    state.receive(TEXT)
    assert phase_of(state) is SocketPhase.LIVE
    state.receive(GOODBYE)
    assert phase_of(state) is SocketPhase.CLOSING
    state.close()
    assert phase_of(state) is SocketPhase.CLOSED


@pytest.mark.parametrize("early", [TEXT, events.Ping(), GOODBYE, events.AudioStart(), events.SessionUpdate()])
def test_an_event_before_the_handshake_is_told_that_it_came_too_early(early: ClientEvent) -> None:
    state = SessionState()
    with pytest.raises(RemoteProtocolError, match="came before connection_request") as caught:
        state.receive(early)
    assert caught.value.code == "handshake_expected"
    assert phase_of(state) is SocketPhase.CONNECTING


def test_audio_before_the_handshake_is_told_that_it_came_too_early() -> None:
    with pytest.raises(RemoteProtocolError, match="audio came before connection_request") as caught:
        SessionState().receive(b"")
    assert caught.value.code == "handshake_expected"


def test_a_second_connection_request_is_an_error_that_says_what_may_come() -> None:
    state = live()
    with pytest.raises(RemoteProtocolError, match="expected one of audio, audio_start") as caught:
        state.receive(HELLO)
    assert caught.value.code == "unexpected_event"
    assert not caught.value.fatal
    assert phase_of(state) is SocketPhase.LIVE


def test_after_bye_the_last_turn_can_be_confirmed_and_interrupted_but_nothing_new_begun() -> None:
    state = closing()
    state.receive(events.Confirm("c", approve=True))
    state.receive(events.Interrupt())
    with pytest.raises(RemoteProtocolError, match="text came while the session was closing"):
        state.receive(TEXT)
    with pytest.raises(RemoteProtocolError, match="audio came while the session was closing"):
        state.receive(b"")


def test_nothing_is_taken_from_a_closed_socket() -> None:
    state = live()
    state.close()
    with pytest.raises(RemoteProtocolError, match="expected one of nothing"):
        state.receive(events.Ping())


def test_every_client_event_has_a_phase_in_which_it_may_come() -> None:
    allowed = {kind for row in FROM_CLIENT.values() for kind in row}
    assert allowed == {*get_args(ClientEvent), bytes}


def test_every_server_event_has_a_phase_in_which_it_may_be_sent() -> None:
    allowed = {kind for row in FROM_SERVER.values() for kind in row}
    assert allowed == set(get_args(ServerEvent))


def test_the_tables_know_every_phase() -> None:
    assert set(FROM_CLIENT) == set(FROM_SERVER) == set(SocketPhase)


def test_before_the_handshake_only_errors_and_a_refusal_are_sent() -> None:
    state = SessionState()
    state.send(events.Error("bad_json", "frame must be JSON"))
    assert phase_of(state) is SocketPhase.CONNECTING
    with pytest.raises(LocalProtocolError, match="reply must not be sent while CONNECTING"):
        state.send(events.Reply("t", "hello"))
    state.send(REFUSED)
    assert phase_of(state) is SocketPhase.CLOSING


def test_a_live_session_is_not_refused_any_more() -> None:
    with pytest.raises(LocalProtocolError, match="connection_refused must not be sent while LIVE"):
        live().send(REFUSED)


def test_an_overrun_is_the_beginning_of_the_end() -> None:
    state = live()
    state.send(events.Status(0, 1, 1.0))
    assert phase_of(state) is SocketPhase.LIVE
    state.send(OVERRUN)
    assert phase_of(state) is SocketPhase.CLOSING


def test_the_last_turn_is_answered_after_bye_and_nothing_after_the_end() -> None:
    state = closing()
    state.send(events.Reply("t", "good night"))
    assert phase_of(state) is SocketPhase.CLOSING
    state.close()
    with pytest.raises(LocalProtocolError, match="while CLOSED"):
        state.send(events.Reply("t", "too late"))


def test_it_shows_its_phase() -> None:
    assert repr(live()) == "<SessionState LIVE>"


# --- how a socket ends, and whether the session waits for its client -------------------------------

SENT_BY_CLIENTS = (1001, 1002, 1003, 1005, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 1015, 3000, 4008, 4090, 4999)


@pytest.mark.parametrize("code", SENT_BY_CLIENTS)
def test_a_session_survives_every_code_that_a_client_sends_but_1000(code: int) -> None:
    assert may_come_back(SocketPhase.LIVE, code, is_from_peer=True)


def test_a_client_that_closes_with_1000_has_left() -> None:
    assert not may_come_back(SocketPhase.LIVE, 1000, is_from_peer=True)


@pytest.mark.parametrize("code", [1000, 1001, 1005, 4999])
@pytest.mark.parametrize("phase", [SocketPhase.CONNECTING, SocketPhase.CLOSING, SocketPhase.CLOSED])
def test_before_the_handshake_and_after_bye_there_is_nothing_to_come_back_to(phase: SocketPhase, code: int) -> None:
    assert not may_come_back(phase, code, is_from_peer=True)
    assert not may_come_back(phase, 1006, is_from_peer=False)


@pytest.mark.parametrize(
    ("code", "is_kept"),
    [
        (1000, False),
        (1001, False),
        (1002, True),
        (1003, True),
        (1006, True),
        (1007, True),
        (1008, False),
        (1009, True),
        (1011, True),
        (1012, False),
        (1013, False),
        (4001, True),
        (4008, False),
        (4013, False),
        (4029, False),
        (4090, True),
        (4100, True),
    ],
)
def test_a_session_that_we_cut_off_is_kept_unless_there_was_a_cause_to_end_it(code: int, is_kept: bool) -> None:
    assert may_come_back(SocketPhase.LIVE, code, is_from_peer=False) is is_kept


def test_every_code_that_we_close_with_is_in_the_table_and_others_keep_nothing() -> None:
    assert set(KEPT_AFTER_OUR_CLOSE) == {*CloseCode, 1002, 1006}
    assert not may_come_back(SocketPhase.LIVE, 4999, is_from_peer=False)


def test_an_overrun_is_told_before_its_close_and_the_session_is_kept_all_the_same() -> None:
    assert may_come_back(SocketPhase.CLOSING, 4100, is_from_peer=False)
    assert not may_come_back(SocketPhase.CLOSING, 4100, is_from_peer=True), "that is a client that said bye"
