import json
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.connection.connection import Connection, ConnectionStatistics
from actors.connection.context import ConnectionPeers, ConnectionSettings
from actors.connection.directory import SessionDirectory
from actors.vault import Vault
from protocol.admission.handshakes import GRACE_S
from protocol.dialects.native import encode
from protocol.messages import events
from protocol.messages.hearing import AudioReceived, AudioRefused
from protocol.messages.identity import LOCAL_USER
from protocol.messages.records import SessionRecord
from protocol.messages.session import Configured, DropAudio, Hang, Send, SendAudio
from protocol.turns.session_memory import SessionMemory
from runtime import ChildSpec, MailboxSpec, Ref, Restart, Strategy, Tree
from tests.fake_sessions import native, session_memory
from tests.fakes import FakeSocket, Grow, Script, default_settings, scripted, shown_by

SESSION_ID = "0123456789abcdef"
SERVER = events.ServerInfo("sayso", "0")
HELLO = {"client_id": "tester", "capabilities": ["stt", "llm"]}


def frame(name: str, **data: Any) -> str:
    """Return a text frame as a client writes it."""
    return json.dumps({"type": name, "data": data})


@attrs.define
class PairedBytes:
    """A speech encoder whose packets are two bytes and a mark."""

    rate_hz: int
    rest: bytes = b""

    def encode(self, pcm: bytes, *, is_last: bool = False) -> list[bytes]:
        data = self.rest + pcm
        whole = len(data) if is_last else len(data) - len(data) % 2
        self.rest = data[whole:]
        return [b"packet " + data[start : start + 2] for start in range(0, whole, 2)]


@attrs.define(eq=False)
class Line:
    """A connection with a client at one end and scripted actors at the other."""

    socket: FakeSocket = attrs.field(factory=FakeSocket)
    audio: Script = attrs.field(factory=Script)
    dialogue: Script = attrs.field(factory=Script)
    history: Script = attrs.field(factory=Script)
    memory: SessionMemory = attrs.field(factory=lambda: session_memory(SESSION_ID, "token", samples=16_000))
    audio_mailbox: MailboxSpec | None = None
    directory: SessionDirectory = attrs.field(factory=SessionDirectory)
    wake_word: str = ""
    ref: Ref = attrs.field(factory=lambda: Ref("connection"))
    tree: Tree = attrs.field(init=False)

    def hearing_problem(self, language: str | None, model: str | None) -> str | None:
        """Know English, and with the large model everything."""
        is_known = model == "base" or language is None or language.startswith("en")
        return None if is_known else f"{language} is not heard"

    async def open(self, grow: Grow, *, has_made_handshake: bool = True) -> None:
        """Start everything, and do the handshake."""
        peers = [
            scripted("audio", self.audio, self.audio_mailbox),
            scripted("dialogue", self.dialogue),
            scripted("history", self.history),
            scripted("metrics", Script()),
        ]
        vault = ChildSpec(Ref("vault"), lambda: Vault(lambda: self.memory))
        settings = default_settings()
        self.memory.client.attach(native(self.socket))
        slices = ConnectionSettings(
            settings.gateway, settings.session, settings.audio, SERVER, self.hearing_problem, self.wake_word
        )

        def make() -> Connection:
            return Connection(
                ConnectionPeers(vault.ref, *(spec.ref for spec in peers)),
                slices,
                self.directory,
                new_token=lambda: f"{self.memory.client.resume_token}+",
                server_status=lambda: events.Status(load_level=0, sessions=1, uptime_s=1.5),
                unix_time=lambda: 1_000_000.0,
                stt_models=lambda: ("tiny.en", "base"),
                make_encoder=PairedBytes,
            )

        connection = ChildSpec(self.ref, make, restart=Restart.TRANSIENT)
        self.tree = await grow(vault, *peers, connection, strategy=Strategy.ONE_FOR_ONE)
        if has_made_handshake:
            await self.send(frame("connection_request", **HELLO))

    async def send(self, *frames: str | bytes) -> None:
        """Let the client send, and the server take it in."""
        for one in frames:
            self.socket.client_sends(one)
        await wait_all_tasks_blocked()

    def received(self, name: str | None = None) -> list[dict[str, Any]]:
        """Return the frames that the client has got, of one type or of all."""
        texts = [json.loads(text) for text in self.socket.sent if isinstance(text, str)]
        return [text for text in texts if name in (None, text["type"])]

    def errors(self) -> list[str]:
        """Return the codes of the errors that the client has got."""
        return [error["data"]["code"] for error in self.received("error")]

    def statistics(self) -> ConnectionStatistics:
        """Return what the connection shows of itself."""
        return shown_by(self.tree.status().children[-1], ConnectionStatistics)


# --- the handshake -------------------------------------------------------------------------------


async def test_the_handshake_opens_the_session(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    [accepted] = line.received()
    assert (accepted["type"], accepted["seq"]) == ("connection_accepted", 1)
    data = accepted["data"]
    assert (data["session_id"], data["resume_token"], data["protocol"]) == (SESSION_ID, "token", 1)
    assert data["limits"] == {"max_message_bytes": 1_048_576, "max_utterance_s": 30.0, "idle_timeout_s": 300.0}
    assert line.memory.client.options is not None
    assert line.memory.client.options.client_id == "tester"
    configured = Configured(line.memory.client.options)
    assert line.audio.seen == [configured]
    assert line.dialogue.seen == [configured]
    assert line.history.seen == [SessionRecord(SESSION_ID, LOCAL_USER, 1_000_000.0, "tester")]
    assert line.statistics() == ConnectionStatistics(peer="192.0.2.1:5000", phase="LIVE", frames_in=1)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ("not json", "bad_json"),
        ("[]", "bad_json"),
        (frame("dance"), "unknown_type"),
        (frame("connection_request", client_id="tester"), "bad_field"),
        (frame("ping"), "handshake_expected"),
        (b"\0\0", "handshake_expected"),
    ],
)
async def test_what_comes_before_the_handshake_is_an_error_and_the_handshake_still_possible(
    grow: Grow, autojump_clock: MockClock, first: str | bytes, code: str
) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await line.send(first)
    assert line.errors() == [code]
    assert line.audio.seen == []
    await line.send(frame("connection_request", **HELLO))
    assert len(line.received("connection_accepted")) == 1


async def test_a_second_handshake_is_an_error_and_changes_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("connection_request", **HELLO | {"client_id": "impostor"}))
    assert line.errors() == ["unexpected_event"]
    assert line.memory.client.options is not None
    assert line.memory.client.options.client_id == "tester"


async def test_without_a_handshake_in_time_the_socket_is_closed(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    assert await line.socket.wait_closed() == 1008
    assert trio.current_time() == pytest.approx(10.0)
    [error] = line.received()
    assert (error["data"]["code"], error["data"]["fatal"]) == ("handshake_expected", True)
    assert "within 10 s" in error["data"]["message"]
    assert line.socket.close_timeout_s == 1.0, "a silent client is not waited for twice"


async def test_a_socket_counts_as_silent_until_its_request_was_accepted(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    line.directory.handshakes.begin(line.socket, "192.0.2.1")
    await line.open(grow, has_made_handshake=False)
    assert line.directory.handshakes.oldest(trio.current_time() + GRACE_S) is line.socket
    await line.send("not json")
    await line.send(frame("ping"))
    assert len(line.directory.handshakes) == 1
    await line.send(frame("connection_request", **HELLO))
    assert len(line.directory.handshakes) == 0


async def test_errors_do_not_prolong_the_time_for_the_handshake(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await trio.sleep(9.0)
    await line.send("not json")
    assert await line.socket.wait_closed() == 1008
    assert trio.current_time() == pytest.approx(10.0)


# --- what a client does wrong --------------------------------------------------------------------


async def test_more_than_five_errors_in_ten_seconds_close_the_socket(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(*["nonsense"] * 5)
    assert line.socket.close is None
    assert [error["data"]["fatal"] for error in line.received("error")] == [False] * 5
    await line.send("nonsense")
    assert line.socket.close == (1008, "too many errors")
    assert line.received()[-1]["data"]["fatal"] is True


async def test_old_errors_are_forgiven(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    for _ in range(4):
        await line.send(*["nonsense"] * 2)
        await trio.sleep(6.0)
        assert line.socket.close is None


async def test_refused_audio_counts_as_the_client_s_error(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    for _ in range(6):
        await line.ref.tell(AudioRefused("a frame must have whole samples"))
    await wait_all_tasks_blocked()
    assert line.errors() == ["bad_audio"] * 6
    assert line.socket.close == (1008, "too many errors")


async def test_audio_without_the_capability_is_refused(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await line.send(frame("connection_request", client_id="tester", capabilities=["llm"]), b"\0\0")
    assert line.errors() == ["unexpected_event"]
    assert line.audio.of(AudioReceived) == []


async def test_nothing_new_is_taken_after_bye(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("bye"), frame("text", text="one more"), b"\0\0")
    assert line.errors() == ["unexpected_event", "unexpected_event"]
    assert line.dialogue.of(events.Text) == []


# --- passing on ----------------------------------------------------------------------------------


async def test_frames_go_to_the_actors_they_are_for(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(
        b"\1\0",
        frame("audio_start"),
        frame("audio_end"),
        frame("text", text="hello"),
        frame("confirm", call_id="c", approve=True),
        frame("interrupt", heard_ms=5),
        frame("ping", t=7),
        frame("bye"),
    )
    assert line.audio.seen[1:] == [AudioReceived(b"\1\0"), events.AudioStart(), events.AudioEnd(), events.Bye()]
    assert sorted(map(repr, line.dialogue.seen[1:])) == sorted(
        map(repr, [events.Text("hello"), events.Confirm("c", approve=True), events.Interrupt(5)])
    )
    assert [pong["data"] for pong in line.received("pong")] == [{"t": 7}]
    assert line.errors() == []


async def test_an_update_changes_only_what_it_names(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("session_update", mode="push_to_talk", voice="amy", task="chat"))
    options = events.ConnectionRequest("tester", ("stt", "llm"), mode="push_to_talk")
    assert line.memory.client.options == options
    configured = Configured(options, voice="amy", task="chat")
    assert line.audio.seen[-1] == configured
    assert line.dialogue.seen[-1] == configured
    await line.send(frame("session_update", voice="ryan"))
    assert line.dialogue.seen[-1] == Configured(options, voice="ryan", task="chat")


async def test_a_speech_model_is_one_that_is_offered(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("session_update", stt_model="base"), frame("session_update", stt_model="../secret"))
    assert line.memory.client.options is not None
    assert line.memory.client.options.stt_model == "base"
    [error] = line.received("error")
    assert error["data"]["code"] == "unknown_model"
    assert error["data"]["message"] == "stt_model must be one of tiny.en, base, not '../secret'"


@pytest.mark.parametrize(("written", "plain"), [("en_us", "en-US"), ("EN", "en"), ("english", "en"), ("auto", None)])
async def test_a_language_is_written_one_way(
    written: str, plain: str | None, grow: Grow, autojump_clock: MockClock
) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await line.send(frame("connection_request", **HELLO, language=written))

    assert line.memory.client.options is not None
    assert line.memory.client.options.language == plain


async def test_a_language_that_cannot_be_heard_is_refused_in_words(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("session_update", language="de"), frame("session_update", language="de", stt_model="base"))

    [error] = line.received("error")
    assert error["data"]["code"] == "bad_field"
    assert error["data"]["message"] == "session_update.language: de is not heard"
    assert line.memory.client.options is not None
    assert line.memory.client.options.language == "de"


async def test_a_client_that_only_types_may_have_any_language(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await line.send(frame("connection_request", client_id="typist", capabilities=["llm"], language="de"))

    assert [one["type"] for one in line.received()] == ["connection_accepted"]


async def test_a_handshake_with_an_unknown_model_may_be_made_again(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await line.send(frame("connection_request", **HELLO, stt_model="huge"), frame("connection_request", **HELLO))
    assert [one["type"] for one in line.received()] == ["error", "connection_accepted"]


async def test_an_update_of_the_audio_format_reaches_audio_whole(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("session_update", audio={"format": "pcm_f32le", "sample_rate": 48_000}))
    [*_, configured] = line.audio.of(Configured)
    assert configured.options.audio == events.AudioFormat("pcm_f32le", 48_000)


async def test_events_are_numbered_without_gaps_and_kept(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.ref.tell(Send(events.AudioAck(1)))
    await line.send(frame("ping"))
    await line.ref.tell(Send(events.AudioAck(2)))
    await wait_all_tasks_blocked()
    assert [text["seq"] for text in line.received()] == [1, 2, 3, 4]
    kept = [encode(event, seq) for seq, event in line.memory.client.sent.after(2)]
    assert kept == [text for text in line.socket.sent if isinstance(text, str)][2:]


async def test_speech_goes_out_as_binary_and_can_be_dropped(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.ref.tell(SendAudio(b"\1\2"))
    line.ref.signal(DropAudio())
    await wait_all_tasks_blocked()
    assert line.socket.sent[-1] == b"\1\2"
    assert line.socket.drops == 1


async def test_speech_goes_out_as_packets_to_clients_that_want_them(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await line.send(frame("session_update", speech_format="opus"))
    line.socket.sent.clear()
    for message in (
        Send(events.SpeechAudioStart("t", "pcm_s16le", 22_050)),
        SendAudio(b"abc"),
        Send(events.SpeechAudioEnd("t")),
    ):
        await line.ref.tell(message)
    await wait_all_tasks_blocked()
    start, *packets, end = line.socket.sent
    assert packets == [b"packet ab", b"packet c"]
    assert json.loads(start)["data"] == {"turn_id": "t", "format": "opus", "sample_rate": 48_000}
    assert json.loads(end)["type"] == "speech_audio_end"


async def test_a_silent_client_is_told_that_the_server_lives(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await trio.sleep(10.5)
    assert [status["data"]["uptime_s"] for status in line.received("status")] == [1.5, 1.5]


async def test_no_status_comes_before_the_handshake(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow, has_made_handshake=False)
    await trio.sleep(6.0)
    assert line.received() == []


async def test_a_full_audio_mailbox_stops_the_reading_of_the_socket(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    release = trio.Event()

    async def hold(_: object) -> None:
        await release.wait()

    line.audio.answers[events.AudioStart] = hold
    line.audio_mailbox = MailboxSpec(capacity=2, max_in_flight=1)
    await line.open(grow)
    await line.send(frame("audio_start"), *[b"\0\0"] * 6)
    assert line.statistics().frames_in == 5, "handshake, button, two queued, and one in hand"
    release.set()
    await wait_all_tasks_blocked()
    assert len(line.audio.of(AudioReceived)) == 6


async def test_words_that_cannot_be_taken_are_told_and_close_the_socket(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()

    async def hold(_: object) -> None:
        await trio.sleep_forever()

    line.audio.answers[events.AudioStart] = hold
    line.audio_mailbox = MailboxSpec(capacity=2, max_in_flight=1)
    await line.open(grow)
    line.memory.client.arrived_samples = 100
    await line.send(frame("audio_start"), *[bytes(640)] * 6)
    assert line.received("audio_overrun") == []

    assert await line.socket.wait_closed() == 4100

    [overrun] = line.received("audio_overrun")
    assert overrun["data"] == {"from_sample": 100 + 2 * 320, "to_sample": 100 + 3 * 320}, "the queue is not lost"
    assert trio.current_time() == pytest.approx(2.0)
    child = line.tree.status().children[-1]
    assert child.incarnation == 1, "a slow ear is no fault of the connection"


# --- the end -------------------------------------------------------------------------------------


async def test_an_idle_client_is_closed(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await trio.sleep(200.0)
    await line.send(frame("ping"))
    assert await line.socket.wait_closed() == 4008
    assert trio.current_time() == pytest.approx(500.0)


async def test_a_client_that_closes_ends_the_connection(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    line.socket.client_vanishes(1000)
    await line.ref.tell(Send(events.AudioAck(1)))  # may still be on its way
    await wait_all_tasks_blocked()
    child = line.tree.status().children[-1]
    assert child.last_exit is not None
    assert (child.state.value, child.last_exit.kind.value) == ("stopped", "normal")
    assert child.last_exit.reason == "socket closed 1000"


async def test_hanging_up_closes_the_socket(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    line.ref.signal(Hang(1000, "bye"))
    assert await line.socket.wait_closed() == 1000
    assert line.socket.close == (1000, "bye")


async def test_a_crash_costs_neither_the_socket_nor_the_numbering(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    await trio.sleep(2.0)
    await line.ref.tell("nonsense")
    await wait_all_tasks_blocked()
    await line.send(frame("ping"), frame("text", text="still here"))
    assert [(text["type"], text["seq"]) for text in line.received()] == [("connection_accepted", 1), ("pong", 2)]
    assert line.dialogue.of(events.Text) == [events.Text("still here")]
    await line.send(frame("connection_request", **HELLO))
    assert line.errors() == ["unexpected_event"], "the session is open already"
    assert line.tree.status().children[-1].incarnation == 2
