"""The audio actor with scripted actors around it, for its tests."""

from collections.abc import Callable
from typing import Any

import attrs
import trio
from trio.testing import wait_all_tasks_blocked

from actors.audio import Audio, AudioPeers, WakeWord
from actors.vault import Vault
from backends.protocols import SpeechDetector
from protocol.messages import events
from protocol.messages.hearing import AudioReceived, UtterancePaused
from protocol.messages.session import Configured
from protocol.turns.session_memory import SessionMemory
from runtime import ChildSpec, Ref, Strategy, Tree
from tests.fake_sessions import session_memory
from tests.fakes import FakeDecoder, FakeDetector, FakeWakeWordDetector, Grow, Script, default_settings, scripted

RATE_HZ = 16_000


@attrs.define(eq=False)
class AudioHarness:
    """The audio actor with scripted actors around it."""

    connection: Script = attrs.field(factory=Script)
    dialogue: Script = attrs.field(factory=Script)
    metrics: Script = attrs.field(factory=Script)
    memory: SessionMemory = attrs.field(factory=lambda: session_memory("s", "t", samples=45 * RATE_HZ))
    breaks: list[int] = attrs.field(factory=list)
    """Frames, counted anew in each incarnation, at which the detector breaks."""
    make_detector: Callable[[], SpeechDetector] | None = None
    """Makes another detector than the fake one."""
    formats: list[events.AudioFormat] = attrs.field(factory=list)
    block_samples: int = 256
    speaking: dict[str, str] = attrs.field(factory=dict)
    ref: Ref = attrs.field(factory=lambda: Ref("audio"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow, **options: Any) -> None:
        """Start everything; the handshake is done."""
        vault = ChildSpec(Ref("vault"), lambda: Vault(lambda: self.memory))
        connection, dialogue = scripted("connection", self.connection), scripted("dialogue", self.dialogue)
        metrics = scripted("metrics", self.metrics)

        def make_decoder(audio: events.AudioFormat) -> FakeDecoder:
            self.formats.append(audio)
            return FakeDecoder()

        def make() -> Audio:
            return Audio(
                attrs.evolve(default_settings().audio, block_samples=self.block_samples, pre_roll_ms=320),
                AudioPeers(vault.ref, connection.ref, dialogue.ref, metrics.ref),
                make_decoder=make_decoder,
                detector=self.make_detector() if self.make_detector else FakeDetector(self.breaks),
                wake=WakeWord(default_settings().wake, FakeWakeWordDetector),
                speaking=self.speaking,
            )

        specs = (vault, connection, dialogue, metrics, ChildSpec(self.ref, make))
        self.tree = await grow(*specs, strategy=Strategy.ONE_FOR_ONE)
        await self.configure(**options)

    async def configure(self, **options: Any) -> None:
        """Do what the connection does at the handshake and when options change."""
        self.memory.client.options = events.ConnectionRequest("tester", ("stt",), **options)
        await self.ref.tell(Configured(self.memory.client.options))

    async def hear(self, pcm: bytes, *, frame_s: float = 0.1, is_live: bool = False) -> None:
        """Let audio come in, frame by frame; ``is_live`` takes as long as the audio is."""
        step = round(frame_s * RATE_HZ) * 2
        for at in range(0, len(pcm), step):
            if is_live:
                await trio.sleep(frame_s)
            await self.ref.tell(AudioReceived(pcm[at : at + step]))
        await wait_all_tasks_blocked()

    def heard(self) -> list[str]:
        """Return what kinds of things the dialogue was told, but for pauses."""
        return [type(message).__name__ for message in self.dialogue.seen if not isinstance(message, UtterancePaused)]

    def acks(self) -> list[int]:
        """Return the acknowledged samples."""
        return [event.samples for event in self.connection.events(events.AudioAck)]
