"""One session's dialogue with everything around it scripted, for the tests of the turn."""

import itertools
from collections import Counter
from typing import Any

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from actors.dialogue import Dialogue, DialogueStatistics
from actors.turn.turn_context import SessionOptions, TurnContext, TurnPeers
from actors.turn.turn_guard import TurnGuard
from actors.vault import Vault
from config.settings import DialogueSettings, Settings
from protocol.admission.eviction import Activity
from protocol.dialects.client_memory import ClientView
from protocol.messages import events
from protocol.messages.hearing import SpeechBegan, Utterance, UtteranceDropped, UtteranceEnded
from protocol.messages.session import Configured
from protocol.messages.speaking import SpokenAudio, Synthesise
from protocol.messages.understanding import (
    Generate,
    Generation,
    ListTools,
    ModelToolCall,
    ToolList,
    ToolOutcome,
    ToolSpec,
)
from protocol.turns.listeners import Listeners
from protocol.turns.session_memory import SessionMemory
from protocol.turns.turn_memory import TurnMemory
from runtime import ChildSpec, Ref, Registry, Strategy, Tree
from tests.fake_sessions import session_memory
from tests.fakes import FakeGrammar, Grow, Script, default_settings, scripted, shown_by

RATE_HZ = 16_000
SESSION_ID = "0123456789abcdef"
PEERS = ("connection", "audio", "transcription", "meaning", "inference", "tools", "speech", "history", "metrics")
ALL = ("stt", "llm", "tools", "tts")


def spoken(start_ms: int = 0, end_ms: int = 1_000, last_voice_s: float | None = None) -> UtteranceEnded:
    """Return an utterance that is complete now."""
    heard_s = trio.current_time() if last_voice_s is None else last_voice_s
    return UtteranceEnded(Utterance(bytes(32), start_ms, end_ms), "silence", last_voice_s=heard_s)


def speech_of(seconds: float) -> SpokenAudio:
    """Return that much audio."""
    return SpokenAudio(bytes(2 * round(RATE_HZ * seconds)), RATE_HZ)


def says(*pieces: str, calls: tuple[ModelToolCall, ...] = (), before_s: float = 0.0) -> Any:
    """Return a script's answer to ``Generate``: text piece by piece, then perhaps tool calls."""

    async def generate(message: Generate) -> Generation:
        await trio.sleep(before_s)
        for piece in pieces:
            await message.text_sink.send(piece)
        return Generation("".join(pieces), calls, "fake", "tiny")

    return generate


def after(seconds: float, answer: Any) -> Any:
    """Return a script's answer that takes its time."""

    async def wait(_: object) -> Any:
        await trio.sleep(seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return wait


def spec_of(
    name: str, *, read_only: bool | None = None, destructive: bool | None = None, server: str = "house"
) -> ToolSpec:
    """Return a tool."""
    return ToolSpec(server, name, "", {}, read_only=read_only, destructive=destructive)


def outcome_of(content: str = "Done.", *, ok: bool = True, error: str | None = None) -> ToolOutcome:
    """Return what a tool answered."""
    return ToolOutcome(ok, content, 0.05, error)


@attrs.define(eq=False)
class Room:
    """A dialogue and its scripted peers."""

    settings: Settings = attrs.field(factory=default_settings)
    grammar: FakeGrammar = attrs.field(factory=FakeGrammar)
    connection: Script = attrs.field(factory=Script)
    transcription: Script = attrs.field(factory=Script)
    meaning: Script = attrs.field(factory=Script)
    inference: Script = attrs.field(factory=Script)
    tools: Script = attrs.field(factory=Script)
    audio: Script = attrs.field(factory=Script)
    speech: Script = attrs.field(factory=Script)
    history: Script = attrs.field(factory=Script)
    metrics: Script = attrs.field(factory=Script)
    sessions: Registry = attrs.field(factory=Registry)
    activity: Activity = attrs.field(factory=Activity)
    listeners: Listeners = attrs.field(factory=Listeners)
    limited_s: float = 0.0
    """How long the client must wait for its next turn."""
    memory: SessionMemory = attrs.field(init=False)
    tree: Tree = attrs.field(init=False)
    refs: dict[str, Ref] = attrs.field(factory=dict)
    _ids: "itertools.count[int]" = attrs.field(factory=lambda: itertools.count(1))

    def __attrs_post_init__(self) -> None:
        self.memory = session_memory(SESSION_ID, "token", samples=RATE_HZ)
        self.speech.answers.setdefault(Synthesise, speech_of(1.0))
        self.tools.answers.setdefault(ListTools, ToolList())

    def tune(self, **dialogue: Any) -> None:
        """Change settings of the dialogue."""
        changed: DialogueSettings = attrs.evolve(self.settings.dialogue, **dialogue)
        self.settings = attrs.evolve(self.settings, dialogue=changed)

    def permit(self, **policy: Any) -> None:
        """Say what tools may do."""
        self.settings = attrs.evolve(self.settings, tools=attrs.evolve(self.settings.tools, policy=policy))

    async def open(
        self,
        grow: Grow,
        *,
        capabilities: tuple[Any, ...] = ALL,
        language: str | None = None,
        has_made_handshake: bool = True,
    ) -> None:
        """Start everything, and do the handshake."""
        specs = [ChildSpec(Ref("vault"), lambda: Vault(lambda: self.memory)), *self.peer_specs()]
        self.refs = {spec.id: spec.ref for spec in specs}
        specs.append(ChildSpec(Ref("dialogue"), self._dialogue))
        self.refs["dialogue"] = specs[-1].ref
        self.tree = await grow(*specs, strategy=Strategy.ONE_FOR_ONE)
        if has_made_handshake:
            await self.configure(capabilities=capabilities, language=language)

    def peer_specs(self) -> list[ChildSpec]:
        """Return the scripted actors."""
        return [scripted(name, getattr(self, name)) for name in PEERS]

    async def configure(self, *, capabilities: tuple[Any, ...] = ALL, **options: Any) -> None:
        """Do what the connection does at a handshake."""
        self.memory.client.options = events.ConnectionRequest("tester", capabilities, **options)
        await self.dialogue.tell(Configured(self.memory.client.options))
        await wait_all_tasks_blocked()

    @property
    def dialogue(self) -> Ref:
        return self.refs["dialogue"]

    def turn_context(self, memory: TurnMemory | None = None, client: ClientView | None = None) -> TurnContext:
        """Return what a turn works with; the refs must be there."""
        guard = TurnGuard(self.count_turn)
        guard.wait_s = self.limited_s
        return TurnContext(
            peers=TurnPeers(**{name: self.refs[name] for name in PEERS}),
            dialogue=self.settings.dialogue,
            tools=self.settings.tools,
            lead_s=self.settings.speech.lead_s,
            grammar=self.grammar,
            memory=memory or self.memory.turns,
            client_view=client or self.memory.client,
            unix_time=lambda: 1_000_000.0,
            new_id=lambda: f"id{next(self._ids)}",
            guard=guard,
        )

    async def count_turn(self) -> float:
        """Return what the limits say."""
        return self.limited_s

    def options(self, capabilities: tuple[Any, ...] = ALL, **wanted: Any) -> SessionOptions:
        """Return what a client may ask for."""
        return SessionOptions(events.ConnectionRequest("tester", capabilities), **wanted)

    def statistics(self) -> DialogueStatistics:
        """Return what the dialogue shows of itself."""
        return shown_by(self.tree.status().children[-1], DialogueStatistics)

    def _dialogue(self) -> Dialogue:
        return Dialogue(self.refs["vault"], self.turn_context, self.sessions, self.activity, self.listeners)

    # --- what happens ----------------------------------------------------------------------------

    async def type(self, text: str) -> None:
        """Type a command."""
        await self.dialogue.tell(events.Text(text))
        await wait_all_tasks_blocked()

    async def begin_to_speak(self, at_ms: int = 0) -> None:
        """Let the audio actor report speech."""
        await self.dialogue.tell(SpeechBegan(at_ms))
        await wait_all_tasks_blocked()

    async def end_speech(self) -> None:
        """Let the audio actor report the end of an utterance."""
        await self.dialogue.tell(spoken())
        await wait_all_tasks_blocked()

    async def drop_speech(self) -> None:
        """Let what began be no speech after all."""
        await self.dialogue.tell(UtteranceDropped("too_short", 100))
        await wait_all_tasks_blocked()

    async def completed(self, count: int = 1) -> list[tuple[str, str]]:
        """Wait for that many ends of turns; return id and outcome of all there are."""
        await self.connection.wait_for_event(events.TurnCompleted, count)
        await wait_all_tasks_blocked()
        return [(event.turn_id, event.outcome) for event in self.connection.events(events.TurnCompleted)]

    def replies(self) -> list[tuple[str, bool]]:
        """Return the text of all replies, and whether each was truncated."""
        return [(event.text, event.truncated) for event in self.connection.events(events.Reply)]

    def assert_each_turn_was_completed_once(self) -> None:
        """Fail unless every turn id that the client has been shown has ended exactly once."""
        shown = {getattr(event, "turn_id", None) for event in self.connection.events()} - {None}
        ended = Counter(event.turn_id for event in self.connection.events(events.TurnCompleted))
        assert ended == dict.fromkeys(shown, 1)
        assert self.memory.turns.open_turns == set()
