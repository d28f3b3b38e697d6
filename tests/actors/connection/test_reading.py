"""How a client is read before a session has heard from it; what its frames do is in test_connection.py."""

from collections.abc import Sequence

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.connection.reading import opening_of
from protocol.dialects.dialect import ClientLink, Frame, OpeningRequest
from protocol.dialects.native import NativeDialect
from protocol.messages.errors import RemoteProtocolError
from protocol.messages.events import ClientEvent, ConnectionRequest, Ping, Text
from tests.actors.session_fixtures import TalkingSession
from tests.fakes import FakeSocket, Grow
from tests.protocol.dialects.line_dialect import LineDialect


class UnservedDialect(LineDialect):
    """Lines of a client that connects with what cannot be served."""

    def open(self) -> ConnectionRequest:
        raise RemoteProtocolError("bad_field", "no such encoding", fatal=True)


class ManyAtOnce(LineDialect):
    """Lines that hold several events each, the last of which may not come."""

    def decode(self, frame: Frame) -> Sequence[ClientEvent | bytes]:
        return Text("first"), b"\1\0", Ping(), ConnectionRequest("again", ("llm",)), Text("never")


def test_what_a_client_connects_with_counts_as_said() -> None:
    assert opening_of(NativeDialect()) == ()
    assert opening_of(LineDialect(OpeningRequest())) == (ConnectionRequest("guest", ("stt", "llm", "tools")),)


async def test_a_client_that_connects_with_what_cannot_be_served_is_told_and_closed(
    grow: Grow, autojump_clock: MockClock
) -> None:
    socket = FakeSocket()
    await TalkingSession(ClientLink(socket, UnservedDialect(OpeningRequest()))).open(grow)
    assert socket.sent == ["NO no such encoding"]
    assert socket.close == (1008, "bad_field")


async def test_an_option_in_the_request_that_cannot_be_served_closes_the_client_too(
    grow: Grow, autojump_clock: MockClock
) -> None:
    class NamesNoModel(LineDialect):
        def open(self) -> ConnectionRequest:
            return ConnectionRequest("guest", ("stt",), stt_model="parrot")

    socket = FakeSocket()
    await TalkingSession(ClientLink(socket, NamesNoModel(OpeningRequest()))).open(grow)
    assert "parrot" in socket.sent[0]
    assert socket.close == (1008, "unknown_model")


async def test_a_client_that_cannot_come_back_is_not_waited_for(grow: Grow, autojump_clock: MockClock) -> None:
    socket = FakeSocket()
    session = TalkingSession(ClientLink(socket, LineDialect(OpeningRequest())))
    await session.open(grow)
    assert session.room.memory.client.options is not None
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert session.crashed() == []
    assert not session.room.memory.client.is_lost
    ends = {child.id: child.state for child in session.tree.status().children}
    assert str(ends["connection"]) != str(ends["dialogue"]), "its actor has ended"


@pytest.mark.parametrize("frame", ["x", "y"])
async def test_events_of_one_frame_are_taken_until_one_may_not_come(
    frame: str, grow: Grow, autojump_clock: MockClock
) -> None:
    socket = FakeSocket()
    session = TalkingSession(ClientLink(socket, ManyAtOnce(OpeningRequest())))
    await session.open(grow)
    socket.client_sends(frame)
    await wait_all_tasks_blocked()
    assert session.room.memory.client.arrived_samples == 1
    answers = [line for line in socket.sent if str(line).startswith("ANSWER")]
    refused = [line for line in socket.sent if str(line).startswith("NO connection_request came")]
    assert (len(answers), len(refused)) == (1, 1)
