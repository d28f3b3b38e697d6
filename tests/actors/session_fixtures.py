"""Connection and dialogue of one session as they are, with scripted actors around them."""

import attrs
from trio.testing import wait_all_tasks_blocked

from actors.connection.connection import Connection
from actors.connection.context import ConnectionPeers, ConnectionSettings
from actors.connection.directory import SessionDirectory
from actors.dialogue import Dialogue
from actors.vault import Vault
from assembly.refs import OUTBOUND, WORDS
from backends.speech.opus import OpusSpeech
from protocol.dialects.dialect import ClientLink
from protocol.messages import events
from protocol.messages.understanding import Generate, ListTools, ToolList
from runtime import ChildSpec, Ref, Restart, Strategy, Tree
from tests.actors.dialogue_fixtures import Room, says
from tests.fakes import Grow


@attrs.define(eq=False)
class TalkingSession:
    """A session whose connection and dialogue are real; its model answers "It is four."."""

    client: ClientLink
    room: Room = attrs.field(factory=Room)
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow) -> None:
        """Start everything."""
        room = self.room
        room.memory.client.attach(self.client)
        room.tools.answers[ListTools] = ToolList()
        room.inference.answers[Generate] = says("It is four.")
        room.audio.answers[events.Bye] = self._pass_on
        peers = [spec for spec in room.peer_specs() if spec.id != "connection"]
        vault = ChildSpec(Ref("vault"), lambda: Vault(lambda: room.memory))
        room.refs = {spec.id: spec.ref for spec in (vault, *peers)}
        room.refs["connection"], room.refs["dialogue"] = Ref("connection", OUTBOUND), Ref("dialogue", WORDS)
        connection = ChildSpec(room.refs["connection"], self._connection, restart=Restart.TRANSIENT)
        dialogue = ChildSpec(room.refs["dialogue"], self._dialogue)
        self.tree = await grow(vault, *peers, connection, dialogue, strategy=Strategy.ONE_FOR_ONE)
        await wait_all_tasks_blocked()

    async def _pass_on(self, message: events.Bye) -> None:
        """Hand a goodbye on, as the audio actor does behind all that was said."""
        await self.room.refs["dialogue"].tell(message)

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
        return Dialogue(room.refs["vault"], room.turn_context, room.sessions, room.activity, room.listeners)

    def crashed(self) -> list[str]:
        """Return the actors that did not live through it."""
        return [child.id for child in self.tree.status().children if child.incarnation != 1]
