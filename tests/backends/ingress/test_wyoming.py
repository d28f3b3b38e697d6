"""The port for Wyoming on loopback: what it answers itself, what goes to a session, and its bounds."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.admission.gateway_admission import AdmissionInputs
from backends.ingress.listeners import PortInUse
from backends.ingress.wyoming import IDLE_S, WyomingContext, WyomingIngress, WyomingServices
from protocol.dialects.wyoming_frames import FrameCutter, WyomingEvent, packed, parsed
from protocol.dialects.wyoming_info import WyomingOffer
from protocol.messages.socket import Socket, SocketClosed
from protocol.messages.speaking import SpokenAudio
from protocol.messages.understanding import CommandMatch
from runtime import DomainError
from tests.backends.ingress.ingress_fixtures import (
    PATIENCE_S,
    FakeAdmission,
    FakeHandlers,
    gateway_settings,
    patient_clock,
)

OFFER = WyomingOffer(version="1", models={"tiny.en": ["en"]}, voices={"en_US-joe-medium": ["en_US", "en"]})
MATCH = CommandMatch("On", "home", "HassTurnOn", {"name": "Lamp"}, 1.0, "lamp on")
CHUNK = WyomingEvent("audio-chunk", {"rate": 16_000, "width": 2, "channels": 1}, bytes(3_200))


@pytest.fixture
def clock() -> MockClock:
    return patient_clock()


@attrs.define
class Voice:
    """Speaks every text, but one."""

    said: list[tuple[str, str | None]] = attrs.field(factory=list)

    async def speak(self, text: str, voice: str | None, _speed: float) -> SpokenAudio:
        if text == "Unspeakable.":
            raise DomainError("no worker")
        self.said.append((text, voice))
        return SpokenAudio(bytes(4), 22_050)


@attrs.define
class WyomingClient:
    """A client of the port."""

    stream: trio.SocketStream
    _cutter: FrameCutter = attrs.field(factory=FrameCutter)

    async def send(self, *events: WyomingEvent | str) -> None:
        told = [event if isinstance(event, WyomingEvent) else WyomingEvent(event) for event in events]
        await self.stream.send_all(b"".join(packed(event) for event in told))

    async def receive(self) -> WyomingEvent | None:
        """Return the next event, ``None`` at the end."""
        while (frame := self._cutter.next_frame()) is None:
            data = await self.stream.receive_some(65_536)
            if not data:
                return None
            self._cutter.feed(data)
        return parsed(frame)

    async def until(self, kind: str) -> list[str]:
        """Return the types of what comes, up to this one."""
        kinds = []
        while not kinds or kinds[-1] != kind:
            event = await self.receive()
            assert event is not None, f"the connection has ended after {kinds}"
            kinds.append(event.type)
        return kinds


@attrs.frozen
class Port:
    """A port that is served."""

    ingress: WyomingIngress
    handlers: FakeHandlers
    voice: Voice
    addresses: list[tuple[str, int]]

    @property
    def number(self) -> int:
        return self.addresses[0][1]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[WyomingClient]:
        stream = await trio.open_tcp_stream("127.0.0.1", self.number)
        async with stream:
            yield WyomingClient(stream)


@asynccontextmanager
async def serving(
    session: Callable[[Socket, Any], Awaitable[None]] | None = None,
    *,
    places: int = 100,
    offer: WyomingOffer = OFFER,
    inputs: AdmissionInputs | None = None,
    patience_s: float = PATIENCE_S,
    **settings: Any,
) -> AsyncIterator[Port]:
    """Serve the port for at most ``patience_s``."""
    handlers, voice = FakeHandlers(places=places, session=session or nothing), Voice()
    gateway = gateway_settings(**settings)
    services = WyomingServices(lambda: offer, voice.speak, lambda text, _language: MATCH if text == "lamp on" else None)
    context = WyomingContext(gateway, handlers, FakeAdmission(gateway, handlers, inputs), services)
    ingress = WyomingIngress(context)
    with trio.fail_after(patience_s):
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(lambda task_status: ingress.serve(task_status=task_status))
            yield Port(ingress, handlers, voice, list(addresses))
            await ingress.stop()


async def nothing(socket: Socket, _request: object) -> None:
    """Run a session that takes everything and says nothing."""
    try:
        while True:
            await socket.receive()
    except SocketClosed:
        return


async def answering(socket: Socket, _request: object) -> None:
    """Run a session that answers the end of audio."""
    try:
        while True:
            frame = await socket.receive()
            assert isinstance(frame, bytes)
            if parsed(frame).type == "audio-stop":
                await socket.send(packed(WyomingEvent("transcript", {"text": "hello"})))
    except SocketClosed:
        return


# --- what needs no session -----------------------------------------------------------------------


async def test_what_the_server_can_do_is_described_and_a_ping_answered(clock: MockClock) -> None:
    async with serving() as port, port.client() as client:
        await client.send("describe", WyomingEvent("ping", {"text": "x"}), "satellite-connected", "ping")
        info, pong = await client.receive(), await client.receive()
        assert info is not None
        assert info.data["asr"][0]["models"][0]["name"] == "tiny.en"
        assert pong == WyomingEvent("pong", {"text": "x"})
        assert await client.receive() == WyomingEvent("pong")
    assert port.handlers.most_taken == 0, "no session was opened"


async def test_a_text_is_spoken_in_sentences(clock: MockClock) -> None:
    async with serving() as port, port.client() as client:
        await client.send(WyomingEvent("synthesize", {"text": "It is on. And off."}), "ping")
        assert await client.until("pong") == ["audio-start", "audio-chunk", "audio-chunk", "audio-stop", "pong"]
        assert port.voice.said == [("It is on.", None), ("And off.", None)]


async def test_a_streamed_text_is_spoken_once_although_it_comes_twice(clock: MockClock) -> None:
    voice = {"voice": {"name": "en_US-joe-medium"}}
    async with serving() as port, port.client() as client:
        await client.send(
            WyomingEvent("synthesize-start", voice), WyomingEvent("synthesize-chunk", {"text": "It is on. A"})
        )
        assert await client.until("audio-chunk") == ["audio-start", "audio-chunk"], "before the rest has come"
        await client.send(
            WyomingEvent("synthesize-chunk", {"text": "nd off."}),
            WyomingEvent("synthesize", {"text": "It is on. And off.", **voice}),
            "synthesize-stop",
        )
        assert await client.until("synthesize-stopped") == ["audio-chunk", "audio-stop", "synthesize-stopped"]
        assert port.voice.said == [("It is on.", "en_US-joe-medium"), ("And off.", "en_US-joe-medium")]


async def test_what_cannot_be_spoken_is_told_and_ends_the_connection(clock: MockClock) -> None:
    async with serving() as port:
        for event, reason in (
            (WyomingEvent("synthesize", {"text": "Unspeakable."}), "the text could not be spoken: no worker"),
            (WyomingEvent("synthesize", {"text": "x", "voice": {"name": "nobody"}}), "voice must be one of"),
            (WyomingEvent("synthesize", {"text": 7}), "synthesize.text must be a string"),
        ):
            async with port.client() as client:
                await client.send(event)
                error = await client.receive()
                assert error is not None
                assert (error.type, error.data["text"].startswith(reason)) == ("error", True), error.data
                assert await client.receive() is None


async def test_a_server_without_a_voice_says_so(clock: MockClock) -> None:
    async with serving(offer=WyomingOffer(version="1")) as port, port.client() as client:
        await client.send(WyomingEvent("synthesize", {"text": "Hello."}))
        error = await client.receive()
        assert error is not None
        assert error.data["text"] == "this server does not speak: it has no voice"


async def test_the_intent_of_a_text_is_recognised_and_not_carried_out(clock: MockClock) -> None:
    async with serving() as port, port.client() as client:
        await client.send(WyomingEvent("recognize", {"text": "lamp on"}), WyomingEvent("recognize", {"text": "moon"}))
        intent, other = await client.receive(), await client.receive()
        assert intent is not None
        assert other is not None
        assert (intent.type, intent.data["name"], other.type) == ("intent", "HassTurnOn", "not-recognized")
        assert ("WYOMING", "wyoming_recognize", 200) in port.handlers.observed
        await client.send(WyomingEvent("recognize"))
        error = await client.receive()
        assert error is not None
        assert error.data["text"] == "recognize.text must be a string"


async def test_an_overloaded_server_refuses_a_text_in_words(clock: MockClock) -> None:
    async with serving(max_requests=1, max_share_per_address=1) as port, port.client() as first:
        await first.send("synthesize-start", "ping")
        await first.until("pong")
        for event in ("synthesize-start", WyomingEvent("recognize", {"text": "lamp on"})):
            async with port.client() as second:
                await second.send(event)
                error = await second.receive()
                assert error is not None
                assert error.data == {"text": "too many requests are in work; try again in 1 s", "code": "requests"}


# --- sessions ------------------------------------------------------------------------------------


async def test_audio_goes_to_a_session_that_lasts_as_long_as_the_connection(clock: MockClock) -> None:
    async with serving(answering) as port:
        async with port.client() as client:
            for _ in range(2):
                await client.send("transcribe", CHUNK, "audio-stop")
                assert await client.until("transcript") == ["transcript"]
            assert port.handlers.most_taken == 1
            assert port.handlers.observed == [("WYOMING", "wyoming_session", 200)]
        await port.handlers.wait_given_back(1)


@pytest.mark.parametrize(
    ("asked", "answers"),
    [
        ([WyomingEvent("transcribe"), WyomingEvent("audio-stop")], ["error", "transcript-start", "transcript"]),
        ([WyomingEvent("transcript", {"text": "lamp on"})], ["error", "not-handled"]),
        ([WyomingEvent("transcript")], ["error", "error"]),
    ],
)
async def test_a_client_without_a_place_is_told_so_and_waits_for_nothing(
    clock: MockClock, asked: list[WyomingEvent], answers: list[str]
) -> None:
    async with serving(places=0) as port, port.client() as client:
        await client.send(*asked)
        told = []
        while (event := await client.receive()) is not None:
            told.append(event)
        assert [event.type for event in told if event.type != "transcript-stop"] == answers
        assert "all places are taken; try again in 2.5 s" in str(told)
        assert port.handlers.observed == [("WYOMING", "wyoming_session", 503)]


async def test_a_session_for_texts_needs_another_place_to_hear(clock: MockClock) -> None:
    async with serving(answering, places=1) as port, port.client() as client:
        await client.send(WyomingEvent("transcript", {"text": "lamp on"}), WyomingEvent("transcript", {"text": "on"}))
        await trio.sleep(1)
        assert port.handlers.taken == 1
        await client.send("transcribe")
        assert (await client.until("transcript"))[0] == "error"
    async with serving(answering, places=2) as port, port.client() as client:
        await client.send(WyomingEvent("transcript", {"text": "lamp on"}), "transcribe", "audio-stop")
        await client.until("transcript")
        assert port.handlers.observed == [("WYOMING", "wyoming_session", 200)], "it is the same session"


async def test_a_session_that_closes_its_socket_ends_the_connection(clock: MockClock) -> None:
    async def leaving(socket: Socket, _request: object) -> None:
        await socket.receive()
        socket.start_close(1012, "the server is stopping")

    async with serving(leaving) as port, port.client() as client:
        await client.send("transcribe")
        assert await client.receive() is None


async def test_a_session_that_fails_ends_its_connection_only(clock: MockClock) -> None:
    async def failing(socket: Socket, _request: object) -> None:
        await socket.receive()
        raise ValueError("a bug")

    async with serving(failing) as port, port.client() as other:
        async with port.client() as client:
            await client.send("transcribe")
            assert await client.receive() is None
        await other.send("ping")
        assert await other.until("pong") == ["pong"]


async def test_a_session_that_takes_nothing_lets_its_client_wait_and_ends_with_it(clock: MockClock) -> None:
    async def slow(socket: Socket, _request: object) -> None:
        await socket.wait_closed()

    async with serving(slow) as port, port.client() as client:
        await client.send("transcribe", CHUNK)
        await trio.sleep(1)
        port.ingress._scope.cancel()


# --- bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [("127.0.0.1", True), ("::1", True), ("192.168.1.7", True), ("192.168.2.7", False), ("fd00::1", False)],
)
def test_only_this_machine_and_the_listed_networks_may_connect(host: str, is_allowed: bool) -> None:
    settings = gateway_settings(wyoming_networks=("192.168.1.0/24",))
    handlers = FakeHandlers()
    services = WyomingServices(lambda: OFFER, Voice().speak, lambda _text, _language: None)
    ingress = WyomingIngress(WyomingContext(settings, handlers, FakeAdmission(settings, handlers), services))
    assert ingress.is_allowed(host) is is_allowed


async def test_a_connection_from_elsewhere_is_closed_at_the_accept(
    clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WyomingIngress, "is_allowed", lambda _self, _host: False)
    async with serving() as port, port.client() as client:
        assert await client.receive() is None
        assert port.handlers.observed == [("WYOMING", "wyoming_refused", 503)]


async def test_one_connection_too_many_is_closed(clock: MockClock) -> None:
    async with serving(max_http_connections=1, max_share_per_address=1) as port, port.client() as first:
        await first.send("ping")
        await first.until("pong")
        async with port.client() as second:
            assert await second.receive() is None


async def test_half_a_frame_is_not_waited_for_for_ever(clock: MockClock) -> None:
    async with serving() as port:
        for begun in (b'{"type": "pi', b'{"type": "ping", "data_length": 10}\n{'):
            async with port.client() as client:
                await client.stream.send_all(begun)
                began_s = trio.current_time()
                assert await client.receive() is None
                assert trio.current_time() - began_s >= 9.9, "as gateway.body_timeout_s says"


async def test_an_idle_connection_is_closed(clock: MockClock) -> None:
    async with serving(patience_s=2 * IDLE_S) as port, port.client() as client:
        began_s = trio.current_time()
        assert await client.receive() is None
        assert trio.current_time() - began_s >= IDLE_S


async def test_a_frame_that_cannot_be_read_is_told_and_ends_that_connection(clock: MockClock) -> None:
    async with serving() as port, port.client() as other:
        async with port.client() as client:
            await client.stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            error = await client.receive()
            assert error is not None
            assert (error.type, error.data["code"]) == ("error", "bad_json")
            assert await client.receive() is None
        await other.send("ping")
        assert await other.until("pong") == ["pong"]


async def test_random_bytes_end_their_connection_only(clock: MockClock) -> None:
    rng = random.Random(11)
    async with serving(answering) as port, port.client() as other:
        for _ in range(50):
            async with port.client() as client:
                head = rng.choice([b"", b'{"type": "audio-chunk", "payload_length": 4}\n', b'{"type":"synthesize"}\n'])
                await client.stream.send_all(head + rng.randbytes(rng.randrange(200)) + b"\n")
                await client.stream.send_eof()
                while await client.receive() is not None:
                    pass
        await other.send("ping")
        assert await other.until("pong") == ["pong"]


async def test_without_networks_only_this_machine_can_reach_the_port(clock: MockClock) -> None:
    async with serving() as port:
        assert port.addresses == [("127.0.0.1", port.number)]
    async with serving(wyoming_networks=("192.0.2.0/24",)) as port:
        assert {host for host, _ in port.addresses} <= {"0.0.0.0", "::"}


async def test_a_port_in_use_is_named_with_its_setting(clock: MockClock) -> None:
    async with serving() as port:
        told = r"gateway\.wyoming_port in sayso\.toml, or SAYSO_GATEWAY__WYOMING_PORT"
        with pytest.RaisesGroup(pytest.RaisesExc(PortInUse, match=told)):
            async with serving(wyoming_port=port.number):
                pass
