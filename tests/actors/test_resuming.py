"""A client that has lost its socket and comes back: two connections, one session."""

import json
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.admission.shared_rates import SharedRates
from actors.connection.connection import Connection
from actors.connection.context import ConnectionPeers, ConnectionSettings
from actors.connection.directory import SessionDirectory
from actors.vault import Vault
from backends.speech.opus import OpusSpeech
from protocol.admission.sender_rates import SenderRates, guide_limits
from protocol.messages import events
from protocol.messages.records import Count
from protocol.messages.session import Configured, Hang, Presence, Send, SendAudio
from protocol.turns.session_memory import SessionMemory
from runtime import ChildSpec, Ref, Restart, Strategy, Tree
from tests.fake_sessions import native, session_memory
from tests.fakes import FakeSocket, Grow, Script, default_settings, scripted

WINDOW_S = 30.0
SERVER = events.ServerInfo("sayso", "0")
HELLO = {"client_id": "tester", "capabilities": ["stt", "llm"]}


def frame(name: str, **data: Any) -> str:
    return json.dumps({"type": name, "data": data})


def reply(text: str) -> Send:
    return Send(events.Reply("t", text))


def told(socket: FakeSocket) -> list[tuple[int, str]]:
    """Return number and type of all that a client has got."""
    frames = [json.loads(one) for one in socket.sent if isinstance(one, str)]
    return [(one["seq"], one["type"]) for one in frames]


def accepted(socket: FakeSocket) -> dict[str, Any]:
    """Return what the client was told when it came in last."""
    frames = [json.loads(one) for one in socket.sent if isinstance(one, str)]
    data: dict[str, Any] = [one["data"] for one in frames if one["type"] == "connection_accepted"][-1]
    return data


@attrs.define(eq=False)
class Lines:
    """Connections of several sessions that know of each other; the first is ``old``, the next ``new``."""

    audio: Script = attrs.field(factory=Script)
    dialogue: Script = attrs.field(factory=Script)
    history: Script = attrs.field(factory=Script)
    metrics: Script = attrs.field(factory=Script)
    directory: SessionDirectory = attrs.field(factory=SessionDirectory)
    refusal: events.ConnectionRefused | None = None
    """For all but the first."""
    memories: dict[str, SessionMemory] = attrs.field(factory=dict)
    refs: dict[str, Ref] = attrs.field(factory=dict)
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow, *sockets: FakeSocket) -> None:
        """Start a connection on each socket; the first makes its handshake."""
        names = ("audio", "dialogue", "history", "metrics")
        peers = [scripted(name, getattr(self, name)) for name in names]
        specs = list(peers)
        for name, socket in zip(("old", "new", "newer", "newest"), sockets, strict=False):
            memory = session_memory(name, f"{name}-1", samples=16_000)
            memory.client.attach(native(socket))
            self.memories[name] = memory
            vault = ChildSpec(Ref(f"{name}.vault"), self._vault(memory))
            refs = ConnectionPeers(vault.ref, *(spec.ref for spec in peers))
            self.refs[name] = Ref(name)
            specs += [vault, ChildSpec(self.refs[name], self._connection(memory, refs), restart=Restart.TRANSIENT)]
        self.tree = await grow(*specs, strategy=Strategy.ONE_FOR_ONE)
        await self.send(sockets[0], frame("connection_request", **HELLO))

    async def come_back(self, socket: FakeSocket, last_seq: int, token: str = "old-1", **options: Any) -> None:
        """Ask on a new socket for the old session."""
        resume = {"token": token, "last_seq": last_seq}
        await self.send(socket, frame("connection_request", **HELLO, **options, resume=resume))

    async def send(self, socket: FakeSocket, *frames: str | bytes) -> None:
        """Let a client send, and the server take it in."""
        for one in frames:
            socket.client_sends(one)
        await wait_all_tasks_blocked()

    async def tell(self, *messages: object) -> None:
        """Let the rest of the old session want something told."""
        for message in messages:
            await self.refs["old"].tell(message)
        await wait_all_tasks_blocked()

    def exit_of(self, name: str) -> str | None:
        """Return why a connection ended, if it did."""
        [child] = [child for child in self.tree.status().children if child.id == name]
        return None if child.last_exit is None else child.last_exit.reason

    @staticmethod
    def _vault(memory: SessionMemory) -> Any:
        return lambda: Vault(lambda: memory)

    def _connection(self, memory: SessionMemory, peers: ConnectionPeers) -> Any:
        settings = default_settings()
        return lambda: Connection(
            peers,
            ConnectionSettings(settings.gateway, settings.session, settings.audio, SERVER),
            self.directory,
            refusal=None if memory.client.session_id == "old" else self.refusal,
            new_token=lambda: f"{memory.client.session_id}-{int(memory.client.resume_token[-1]) + 1}",
            server_status=lambda: events.Status(load_level=0, sessions=1, uptime_s=1.5),
            unix_time=lambda: 1_000_000.0,
            make_encoder=OpusSpeech,
        )


async def lost(
    grow: Grow, *more: FakeSocket, refusal: events.ConnectionRefused | None = None
) -> tuple[Lines, FakeSocket]:
    """Return a session whose client has seen two events, and its lost socket."""
    lines, socket = Lines(refusal=refusal), FakeSocket()
    await lines.open(grow, socket, *more)
    await lines.tell(reply("one"))
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    return lines, socket


async def test_a_client_that_comes_back_gets_what_it_missed_in_order(grow: Grow, autojump_clock: MockClock) -> None:
    second = FakeSocket()
    lines, first = await lost(grow, second)
    await lines.tell(reply("two"), SendAudio(b"\0\0"), reply("three"))
    assert lines.dialogue.seen[-1] == Presence(is_there=False)
    await lines.come_back(second, last_seq=2)
    await lines.tell(reply("four"))
    assert told(first) == [(1, "connection_accepted"), (2, "reply")]
    assert told(second) == [(3, "reply"), (4, "reply"), (5, "connection_accepted"), (6, "reply")]
    data = accepted(second)
    assert (data["session_id"], data["resumed"], data["resume_token"]) == ("old", True, "old-2")
    assert lines.dialogue.seen[-1] == Presence(is_there=True)
    assert lines.exit_of("new") == "its client has gone back to its session"
    assert second.close is None, "the socket has gone over"
    assert len(lines.history.seen) == 1, "it is no further session"


async def test_what_was_on_its_way_when_the_socket_broke_is_sent_again(grow: Grow, autojump_clock: MockClock) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second)
    await lines.come_back(second, last_seq=1)
    assert told(second) == [(2, "reply"), (3, "connection_accepted")]


async def test_a_client_that_comes_back_speaks_on_where_it_was_heard(grow: Grow, autojump_clock: MockClock) -> None:
    first, second = FakeSocket(), FakeSocket()
    lines = Lines()
    await lines.open(grow, first, second)
    await lines.send(first, bytes(640), bytes(640))
    first.client_vanishes()
    await wait_all_tasks_blocked()
    await lines.come_back(second, last_seq=1, language="de")
    assert accepted(second)["received_samples"] == 640
    await lines.send(second, bytes(640), frame("text", text="hello"))
    assert len(lines.audio.seen) == 5, "two configurations, three frames"
    assert lines.dialogue.seen[-1] == events.Text("hello")
    [*_, configured] = [message for message in lines.dialogue.seen if isinstance(message, Configured)]
    assert (configured.options.language, configured.options.resume) == ("de", None)


async def test_a_client_that_does_not_come_back_ends_its_session(grow: Grow, autojump_clock: MockClock) -> None:
    lines, _ = await lost(grow)
    await trio.sleep(WINDOW_S - 0.1)
    assert lines.exit_of("old") is None
    await trio.sleep(0.2)
    assert lines.exit_of("old") == "the client did not come back"
    assert len(lines.directory.resumable) == len(lines.directory.population) == 0
    assert Count("sessions_given_up_total", ("window",)) in lines.metrics.seen


async def test_a_client_that_comes_back_too_late_gets_a_new_session(grow: Grow, autojump_clock: MockClock) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second)
    lines.refs["old"].signal(Hang(1012, "the server is leaving"))
    await wait_all_tasks_blocked()
    await lines.come_back(second, last_seq=2)
    assert told(second) == [(1, "connection_accepted")]
    assert (accepted(second)["session_id"], accepted(second)["resumed"]) == ("new", False)


@pytest.mark.parametrize("token", ["", "old-0", "new-1x", "old-2"])
async def test_a_wrong_token_opens_nobodys_session(token: str, grow: Grow, autojump_clock: MockClock) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second)
    await lines.come_back(second, last_seq=0, token=token)
    assert (accepted(second)["session_id"], accepted(second)["resumed"]) == ("new", False)


class UnacceptedSocket(FakeSocket):
    """A socket that breaks before ``connection_accepted`` is read from it."""

    async def send(self, frame: str | bytes) -> None:
        if json.loads(frame)["type"] == "connection_accepted":
            self.client_vanishes()
        await super().send(frame)


async def test_a_client_whose_answer_was_lost_comes_back_with_the_token_that_it_has(
    grow: Grow, autojump_clock: MockClock
) -> None:
    second, third = UnacceptedSocket(), FakeSocket()
    lines, _ = await lost(grow, second, third)
    await lines.tell(reply("two"))
    await lines.come_back(second, last_seq=2)
    assert told(second) == [(3, "reply")]
    await lines.tell(reply("three"))
    await lines.come_back(third, last_seq=2)
    data = accepted(third)
    assert (data["session_id"], data["resumed"], data["resume_token"]) == ("old", True, "old-2")
    assert told(third) == [(3, "reply"), (5, "reply"), (6, "connection_accepted")]
    assert lines.dialogue.seen[-1] == Presence(is_there=True)


async def test_a_token_is_valid_until_the_next_one_was_used(grow: Grow, autojump_clock: MockClock) -> None:
    second, third, fourth = FakeSocket(), FakeSocket(), FakeSocket()
    lines, _ = await lost(grow, second, third, fourth)
    await lines.come_back(second, last_seq=2)
    second.client_vanishes()
    await wait_all_tasks_blocked()
    await lines.come_back(third, last_seq=3, token="old-2")
    assert accepted(third)["resumed"] is True
    await lines.come_back(fourth, last_seq=2, token="old-1")
    assert accepted(fourth)["session_id"] == "newest"
    assert third.close is None, "the client that has the session keeps it"


async def test_a_client_that_has_seen_nothing_gets_no_old_connection_accepted(
    grow: Grow, autojump_clock: MockClock
) -> None:
    """It would hold a token that is valid no more, and ``resumed: false``."""
    second = FakeSocket()
    lines, _ = await lost(grow, second)
    await lines.come_back(second, last_seq=0)
    assert told(second) == [(2, "reply"), (3, "connection_accepted")]
    assert accepted(second)["resumed"] is True


async def test_a_token_that_becomes_invalid_while_its_client_is_handed_over_opens_a_new_session(
    grow: Grow, autojump_clock: MockClock
) -> None:
    first, second = FakeSocket(), FakeSocket()
    lines = Lines()
    await lines.open(grow, first, second)
    client = lines.memories["old"].client
    for token in ("old-1", "old-2"):
        client.use_token(token, lambda: f"old-{int(client.resume_token[-1]) + 1}")
    await lines.come_back(second, last_seq=1)
    assert (accepted(second)["session_id"], accepted(second)["resumed"]) == ("new", False)
    assert first.close is None


async def test_a_second_live_socket_takes_the_session_over(grow: Grow, autojump_clock: MockClock) -> None:
    first, second = FakeSocket(), FakeSocket()
    lines = Lines()
    await lines.open(grow, first, second)
    await lines.come_back(second, last_seq=1)
    assert first.close is not None
    assert first.close[0] == 4090
    assert accepted(second)["resumed"]
    await trio.sleep(WINDOW_S + 1.0)
    assert lines.exit_of("old") is None, "the socket that was closed is not waited for"


async def test_a_client_comes_back_to_a_connection_that_crashed_meanwhile(
    grow: Grow, autojump_clock: MockClock
) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second)
    await lines.tell("nonsense")
    await trio.sleep(2.0)
    await lines.tell(reply("two"))
    await lines.come_back(second, last_seq=2)
    assert told(second) == [(3, "reply"), (4, "connection_accepted")]


async def test_a_connection_that_crashed_waits_no_longer_than_the_window(grow: Grow, autojump_clock: MockClock) -> None:
    lines, _ = await lost(grow)
    await lines.tell("nonsense")
    await trio.sleep(WINDOW_S + 3.0)
    assert lines.exit_of("old") == "the client did not come back"


async def test_a_client_that_closes_with_1000_has_left(grow: Grow, autojump_clock: MockClock) -> None:
    lines, socket = Lines(), FakeSocket()
    await lines.open(grow, socket)
    socket.client_vanishes(1000)
    await wait_all_tasks_blocked()
    assert lines.exit_of("old") == "socket closed 1000"


@pytest.mark.parametrize("code", [1001, 1002, 1005, 1008, 1009, 3001, 4008, 4999])
async def test_a_client_that_closes_with_any_other_code_comes_back(
    code: int, grow: Grow, autojump_clock: MockClock
) -> None:
    first, second = FakeSocket(), FakeSocket()
    lines = Lines()
    await lines.open(grow, first, second)
    first.client_vanishes(code)
    await wait_all_tasks_blocked()
    await lines.come_back(second, last_seq=1)
    assert (accepted(second)["session_id"], accepted(second)["resumed"]) == ("old", True)


@pytest.mark.parametrize("code", [1008, 4008, 1012])
async def test_a_session_that_we_end_for_a_cause_is_not_kept(code: int, grow: Grow, autojump_clock: MockClock) -> None:
    lines, socket = Lines(), FakeSocket()
    await lines.open(grow, socket)
    lines.refs["old"].signal(Hang(code, "for a cause"))
    await wait_all_tasks_blocked()
    assert lines.exit_of("old") == f"socket closed {code}"


async def test_a_client_that_said_bye_is_not_waited_for(grow: Grow, autojump_clock: MockClock) -> None:
    lines, socket = Lines(), FakeSocket()
    await lines.open(grow, socket)
    await lines.send(socket, frame("bye"))
    socket.client_vanishes()
    await wait_all_tasks_blocked()
    assert lines.exit_of("old") == "socket closed 1006"


async def test_a_session_that_is_told_to_end_does_not_wait_for_its_client(
    grow: Grow, autojump_clock: MockClock
) -> None:
    lines, _ = await lost(grow)
    lines.refs["old"].signal(Hang(1012, "the server is leaving"))
    await wait_all_tasks_blocked()
    assert lines.exit_of("old") == "the server is leaving"


async def test_nothing_is_said_of_the_server_to_a_client_that_is_not_there(
    grow: Grow, autojump_clock: MockClock
) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second)
    await trio.sleep(8.0)
    await lines.come_back(second, last_seq=2)
    assert told(second) == [(3, "connection_accepted")]


async def test_a_session_that_waits_ends_when_a_newcomer_needs_its_place(grow: Grow, autojump_clock: MockClock) -> None:
    second, third = FakeSocket(), FakeSocket()
    lines, _ = await lost(grow, second, third)
    lines.directory.population.limit = 1
    await lines.send(second, frame("connection_request", **HELLO))
    assert lines.exit_of("old") == "a newcomer needed its place"
    assert accepted(second)["session_id"] == "new"
    assert Count("sessions_given_up_total", ("room",)) in lines.metrics.seen
    await lines.send(third, frame("connection_request", **HELLO))
    assert lines.exit_of("new") is None, "its client is there"


async def test_a_client_that_comes_back_takes_no_place_from_others(grow: Grow, autojump_clock: MockClock) -> None:
    second, third = FakeSocket(), FakeSocket()
    lines, _ = await lost(grow, second, third)
    await lines.send(second, frame("connection_request", **HELLO))
    second.client_vanishes()
    await wait_all_tasks_blocked()
    lines.directory.population.limit = 2
    await lines.come_back(third, last_seq=2)
    assert accepted(third)["resumed"] is True
    assert lines.exit_of("new") is None
    assert len(lines.directory.population) == 2


REFUSAL = events.ConnectionRefused("the server is under load (level 3)", 15_000)


async def test_while_new_clients_are_refused_a_returning_one_is_admitted(grow: Grow, autojump_clock: MockClock) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second, refusal=REFUSAL)
    assert lines.directory.awaited.names() == ("old",)
    await lines.come_back(second, last_seq=2)
    assert accepted(second)["resumed"] is True
    assert lines.directory.awaited.names() == ()
    assert second.close is None


@pytest.mark.parametrize("token", ["old-7", None])
async def test_while_new_clients_are_refused_a_false_token_is_refused(
    grow: Grow, token: str | None, autojump_clock: MockClock
) -> None:
    second = FakeSocket()
    lines, _ = await lost(grow, second, refusal=REFUSAL)
    if token is None:
        await lines.send(second, frame("connection_request", **HELLO))
    else:
        await lines.come_back(second, last_seq=2, token=token)
    assert [json.loads(one) for one in second.sent if isinstance(one, str)] == [
        {"type": "connection_refused", "data": {"reason": REFUSAL.reason, "retry_after_ms": 15_000}, "seq": 1}
    ]
    assert second.close == (1013, "retry_after_ms=15000")
    assert lines.directory.awaited.names() == ("old",)
    assert len(lines.history.seen) == 1, "a session that never was leaves no record"
    assert [count for count in lines.metrics.of(Count) if count.name == "shed_total"] == [
        Count("shed_total", ("0", "session"))
    ]


# --- whose session it is, and how often one may ask ----------------------------------------------


def socket_of(user: str) -> FakeSocket:
    socket = FakeSocket()
    socket.identity = attrs.evolve(socket.identity, user=user, tenant=f"user {user}")
    return socket


async def test_another_user_with_the_token_of_a_session_gets_a_new_one(grow: Grow, autojump_clock: MockClock) -> None:
    ann, mallory, back = socket_of("ann"), socket_of("mallory"), socket_of("ann")
    lines = Lines()
    await lines.open(grow, ann, mallory, back)
    await lines.tell(reply("a secret"))
    ann.client_vanishes()
    await wait_all_tasks_blocked()
    await lines.come_back(mallory, last_seq=0)
    assert accepted(mallory)["resumed"] is False
    assert accepted(mallory)["session_id"] == "new"
    assert "a secret" not in str(mallory.sent)
    await lines.come_back(back, last_seq=1)
    assert accepted(back)["resumed"] is True
    assert "a secret" in str(back.sent)


async def test_a_resumed_session_counts_for_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    rates = SenderRates(guide_limits(100, 1_000, 2))
    first, second = FakeSocket(), FakeSocket()
    lines = Lines(directory=SessionDirectory(rates=SharedRates(rates)))
    await lines.open(grow, first, second)
    assert [rates.take(first.identity, 0.0) for _ in range(2)] == [0.0, 0.0]
    first.client_vanishes()
    await wait_all_tasks_blocked()
    await lines.come_back(second, last_seq=1)
    assert accepted(second)["resumed"] is True
    assert rates.take(first.identity, 0.0) == 0.0, "what its socket had taken was given back"
    assert rates.take(first.identity, 0.0) > 0.0


async def test_a_limited_client_that_resumes_gets_nothing_back(grow: Grow, autojump_clock: MockClock) -> None:
    rates = SenderRates(guide_limits(100, 1_000, 1))
    first, second = FakeSocket(), FakeSocket()
    refusal = events.ConnectionRefused("too many requests", 600)
    lines = Lines(directory=SessionDirectory(rates=SharedRates(rates)), refusal=refusal)
    await lines.open(grow, first, second)
    rates.take(first.identity, 0.0)
    first.client_vanishes()
    await wait_all_tasks_blocked()
    await lines.come_back(second, last_seq=1)
    assert accepted(second)["resumed"] is True
    assert rates.take(first.identity, 0.0) > 0.0
