"""How a session's events and speech go out, in whatever dialect its client speaks."""

import pytest
from trio.testing import MockClock

from actors.connection.writing import ClientWriter
from protocol.admission.rate import SlidingCount
from protocol.dialects.dialect import ClientLink, OpeningRequest
from protocol.dialects.speech_frames import SpeechFrames
from protocol.messages import events
from protocol.messages.errors import LocalProtocolError, RemoteProtocolError
from protocol.messages.socket import SocketClosed
from tests.actors.connection.connection_fixtures import context_of
from tests.fake_sessions import native
from tests.fakes import FakeSocket
from tests.protocol.dialects.line_dialect import LineDialect

REQUEST = events.ConnectionRequest("tester", ("llm",))
REPLY = events.Reply("t", "good morning")


class NamedMistakes(LineDialect):
    """Lines whose mistakes have names."""

    def encode(self, event: events.ServerEvent, seq: int) -> tuple[str, ...]:
        return (f"NO {event.event_id}",) if isinstance(event, events.Error) else ()


def writer_to(client: ClientLink) -> ClientWriter:
    """Return the writer of a session that is open."""
    context = context_of(client=client)
    context.state.receive(REQUEST)
    context.memory.options = REQUEST

    def make_encoder(_rate_hz: int) -> None:
        raise AssertionError("no packets were wanted")

    return ClientWriter(context, SpeechFrames(make_encoder), SlidingCount(2, 60.0))  # type: ignore[arg-type]


def lines(socket: FakeSocket) -> ClientLink:
    return ClientLink(socket, LineDialect(OpeningRequest()))


async def test_each_client_is_told_in_its_own_dialect(autojump_clock: MockClock) -> None:
    for_native, for_lines = FakeSocket(), FakeSocket()
    await writer_to(native(for_native)).send(REPLY)
    await writer_to(lines(for_lines)).send(REPLY)
    [text] = for_native.sent
    assert str(text).startswith('{"type":"reply"')
    assert for_lines.sent == ["ANSWER good morning"]


async def test_what_a_lost_client_misses_is_numbered_and_encoded_when_it_is_back(autojump_clock: MockClock) -> None:
    first, second = FakeSocket(), FakeSocket()
    writer = writer_to(native(first))
    await writer.send(REPLY)
    writer.context.memory.detach()
    await writer.send(events.Pong(1))
    await writer.send_speech(b"nobody hears this")
    writer.context.memory.attach(native(second))
    await writer.send_again(last_seq=1)
    assert second.sent == ['{"type":"pong","data":{"t":1},"seq":2}']


async def test_what_was_accepted_is_not_told_again(autojump_clock: MockClock) -> None:
    writer = writer_to(native())
    settings = writer.context.settings
    limits = events.SessionLimits(1, 1.0, 1.0)
    accepted = events.ConnectionAccepted("s", "t", 30.0, settings.server, events.AudioFormat(), limits)
    await writer.send(accepted)
    assert writer.context.memory.sent.after(0) == ()
    assert writer.context.memory.sent.last_seq == 1


async def test_an_event_that_may_not_be_sent_now_is_our_mistake(autojump_clock: MockClock) -> None:
    with pytest.raises(LocalProtocolError, match="connection_refused must not be sent while LIVE"):
        await writer_to(native()).send(events.ConnectionRefused("full", 1_000))


async def test_speech_is_dropped_where_it_waits(autojump_clock: MockClock) -> None:
    socket = FakeSocket()
    writer = writer_to(native(socket))
    await writer.send_speech(b"\1\0")
    writer.drop_speech()
    assert (socket.sent, socket.drops) == ([b"\1\0"], 1)
    writer.context.memory.detach()
    writer.drop_speech()
    assert socket.drops == 1


async def test_a_mistake_is_told_by_the_name_that_the_client_gave_it(autojump_clock: MockClock) -> None:
    socket = FakeSocket()
    writer = writer_to(ClientLink(socket, NamedMistakes(OpeningRequest())))
    await writer.complain(RemoteProtocolError("bad_field", "no", event_id="event 7"))
    assert socket.sent == ["NO event 7"]
    assert socket.close is None


async def test_a_fatal_mistake_and_one_too_many_close_the_socket(autojump_clock: MockClock) -> None:
    socket, patient = FakeSocket(), FakeSocket()
    await writer_to(native(socket)).complain(RemoteProtocolError("bad_field", "no", fatal=True))
    assert socket.close == (1008, "bad_field")
    writer = writer_to(native(patient))
    for _ in range(2):
        await writer.complain(RemoteProtocolError("bad_field", "no"))
    assert patient.close is None
    await writer.complain(RemoteProtocolError("bad_field", "no"))
    assert patient.close == (1008, "too many errors")


async def test_a_closed_socket_is_told_to_the_caller(autojump_clock: MockClock) -> None:
    socket = FakeSocket()
    socket.client_vanishes()
    with pytest.raises(SocketClosed):
        await writer_to(native(socket)).send(REPLY)


def test_a_client_that_is_lost_has_nothing_to_close() -> None:
    writer = writer_to(native())
    writer.context.memory.detach()
    writer.close(1000, "bye")
