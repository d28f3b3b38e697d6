"""A client that sends without end and reads nothing: its socket is closed, and no actor of its session fails."""

import json
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.client.resuming import SessionDirectory
from actors.connection import Connection, ConnectionPeers, ConnectionSettings
from actors.dialogue import Dialogue
from actors.vault import Vault
from assembly.refs import OUTBOUND, WORDS
from backends.speech.opus import OpusSpeech
from protocol.messages import events
from protocol.messages.records import Count
from protocol.messages.understanding import Generate, ListTools, ToolList
from runtime import ChildSpec, Ref, Restart, Strategy, Tree
from tests.actors.dialogue_fixtures import Room, says
from tests.fakes import FakeSocket, Grow

FRAMES = 2_000  # more than all the mailboxes on the way hold
REQUEST = {"client_id": "tester", "capabilities": ["llm", "tools"]}


class UnreadSocket(FakeSocket):
    """A socket whose client stops reading after the handshake."""

    async def send_text(self, text: str) -> None:
        if self.sent:
            await self.wait_closed()
        await super().send_text(text)


def frame(name: str, **data: Any) -> str:
    return json.dumps({"type": name, "data": data})


@attrs.define(eq=False)
class Flooded:
    """A connection and a dialogue as they are in a session, and scripted peers."""

    room: Room = attrs.field(factory=Room)
    socket: UnreadSocket = attrs.field(factory=UnreadSocket)
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Start everything, and do the handshake."""
        room = self.room
        room.memory.client.attach(self.socket)
        room.tools.answers[ListTools] = ToolList()
        room.inference.answers[Generate] = says("It is four.")
        peers = [spec for spec in room.peer_specs() if spec.id != "connection"]
        vault = ChildSpec(Ref("vault"), lambda: Vault(lambda: room.memory))
        room.refs = {spec.id: spec.ref for spec in (vault, *peers)}
        room.refs["connection"], room.refs["dialogue"] = Ref("connection", OUTBOUND), Ref("dialogue", WORDS)
        connection = ChildSpec(room.refs["connection"], self._connection, restart=Restart.TRANSIENT)
        dialogue = ChildSpec(room.refs["dialogue"], self._dialogue)
        self.tree = await grow(vault, *peers, connection, dialogue, strategy=Strategy.ONE_FOR_ONE)
        self.socket.client_sends(frame("connection_request", **REQUEST))
        await wait_all_tasks_blocked()

    def _connection(self) -> Connection:
        refs, settings = self.room.refs, self.room.settings
        names = ("vault", "audio", "dialogue", "history", "metrics")
        return Connection(
            ConnectionPeers(*(refs[name] for name in names)),
            ConnectionSettings(settings.gateway, settings.session, settings.audio, events.ServerInfo("sayso", "0")),
            SessionDirectory(),
            new_token=lambda: "next",
            server_status=lambda: events.Status(load_level=0, sessions=1, uptime_s=1.5),
            unix_time=lambda: 1_000_000.0,
            make_encoder=OpusSpeech,
        )

    def _dialogue(self) -> Dialogue:
        room = self.room
        return Dialogue(room.refs["vault"], room.turn_context, room.sessions, room.activity)

    def crashed(self) -> list[str]:
        """Return the actors that did not live through it."""
        return [child.id for child in self.tree.status().children if child.incarnation != 1]


@pytest.mark.parametrize(
    "flood",
    [
        frame("confirm", call_id="x", approve=True),
        frame("text", text="what time is it"),
        frame("session_update", mode="push_to_talk"),
    ],
)
async def test_a_client_that_sends_without_reading_is_closed_for_it(
    flood: str, grow: Grow, autojump_clock: MockClock
) -> None:
    flooded = Flooded()
    await flooded.open(grow)
    for _ in range(FRAMES):
        flooded.socket.client_sends(frame("confirm", call_id="x", approve=True))
        flooded.socket.client_sends(flood)
    code = await flooded.socket.wait_closed()
    assert trio.current_time() < 10.0
    await trio.sleep(60.0)
    assert flooded.crashed() == []
    assert (code, flooded.socket.close) == (
        1008,
        (1008, "events came faster than they could be taken; read what is sent to you"),
    )
    assert Count("sockets_closed_total", ("1008",)) in flooded.room.metrics.seen


async def test_a_client_that_interrupts_without_reading_is_closed_for_it(grow: Grow, autojump_clock: MockClock) -> None:
    flooded = Flooded()
    await flooded.open(grow)
    for _ in range(OUTBOUND.capacity + 10):  # the dialogue waits for the connection, which waits for the client
        flooded.socket.client_sends(frame("confirm", call_id="x", approve=True))
    for _ in range(FRAMES):
        flooded.socket.client_sends(frame("interrupt"))
    assert await flooded.socket.wait_closed() == 1008
    await trio.sleep(60.0)
    assert flooded.crashed() == []


async def test_a_client_that_only_does_not_read_keeps_its_session(grow: Grow, autojump_clock: MockClock) -> None:
    flooded = Flooded()
    await flooded.open(grow)
    for _ in range(OUTBOUND.capacity + 10):
        flooded.socket.client_sends(frame("confirm", call_id="x", approve=True))
    assert await flooded.socket.wait_closed() == 4100
    await trio.sleep(1.0)
    assert flooded.crashed() == []
    assert flooded.room.memory.client.is_lost
    assert flooded.room.memory.client.sent.after(0)[-1].startswith('{"type":"error"')
