"""Speaks a turn's answer: sentences in, paced audio out. Used by one turn; it is no actor.

Rules kept here:

* A sentence is made into speech while the one before it is being sent.
* Audio goes out at most ``lead_s`` ahead of real time, so that a barge-in wastes little.
* What may be sent when, and what the client is told of it, is decided by ``protocol/turns/playback.py``.
* When synthesis fails the text is still shown, and the client is told the reason once.
"""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

import attrs
import trio

from actors.connection.telling import ToClient
from protocol.messages.events import (
    Degraded,
    Recovered,
    ServerEvent,
    SpeechAudioEnd,
    SpeechAudioPaused,
    SpeechAudioResumed,
    SpeechAudioStart,
)
from protocol.messages.inboxes import SpeechMessage
from protocol.messages.session import DropAudio, Send, SendAudio
from protocol.messages.speaking import SpokenAudio, Synthesise
from protocol.turns.playback import Clause, Playback, PlaybackNotice
from protocol.turns.turn_memory import TurnMemory
from runtime import AskError, MailboxError, Ref
from runtime.messaging.spans import add_span, span

MAX_SENTENCES = 64  # longer answers wait here; the language model then waits with them
CHUNK_S = 0.1
SYNTHESIS_TIMEOUT_S = 20.0


@attrs.define
class SpokenAnswer:
    """Speaks one turn's sentences."""

    session_id: str
    turn_id: str
    speech: Ref[SpeechMessage]
    client: ToClient
    voice: str | None
    lead_s: float
    on_first_audio: Callable[[], None]
    memory: TurnMemory = attrs.field(factory=TurnMemory)
    """Of the session: whether its client knows that speech cannot be made."""
    playback: Playback = attrs.field(factory=Playback)
    _sentences: trio.MemorySendChannel[str] | None = attrs.field(default=None, init=False)
    """The queue of sentences; ``None`` while the answer is not open, as for a client that wants no speech."""
    _unsent: int = attrs.field(default=0, init=False)
    """How many sentences have been queued and not been sent."""
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _asked_s: float | None = attrs.field(default=None, init=False)
    """When there was something to say first."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Speak for the block; leaving it waits until all is sent. ``end`` comes after."""
        sentences, to_make = trio.open_memory_channel[str](MAX_SENTENCES)
        made, to_send = trio.open_memory_channel[tuple[str, SpokenAudio]](1)
        self._sentences = sentences
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._synthesise, to_make, made)
            nursery.start_soon(self._send, to_send)
            async with sentences:
                yield

    async def say(self, sentence: str) -> None:
        """Queue one sentence; waits while ``MAX_SENTENCES`` are waiting."""
        if self._sentences is not None and sentence.strip():
            if self._asked_s is None:
                self._asked_s = trio.current_time()
            with suppress(trio.BrokenResourceError):  # speech cannot be made, and the client knows
                await self._sentences.send(sentence)
                self._unsent += 1

    async def wait_sent(self) -> None:
        """Wait until all that was said so far is sent, or cannot be."""
        while self._unsent > 0 and self._sentences is not None:
            await self._changed.wait()

    @property
    def is_speaking(self) -> bool:
        """Whether the client is still playing the answer, by our estimate, or will again."""
        return self.playback.is_audible(trio.current_time())

    def heard_until(self, heard_s: float | None) -> list[str]:
        """Return the clauses that were heard to at least their half by ``heard_s`` (by the clock if ``None``)."""
        return self.playback.heard_until(self.playback.heard_s(trio.current_time()) if heard_s is None else heard_s)

    async def hold(self) -> None:
        """Pause at once, until ``resume``."""
        await self._tell(self.playback.hold(trio.current_time()))

    async def resume(self) -> None:
        """Continue from the beginning of the clause that was cut."""
        await self._tell(self.playback.resume(trio.current_time()))

    async def end(self) -> None:
        """Announce the end of the audio once, if there was any."""
        await self._tell(self.playback.finish())

    async def cut(self) -> None:
        """End the answer now, and drop audio that was not sent."""
        await self._tell(self.playback.cut(trio.current_time()))

    async def wait_heard(self) -> None:
        """Wait until the client has played all that was sent: until then it can be interrupted."""
        while self.is_speaking:
            with trio.move_on_at(self.playback.audible_until_s):
                await self._changed.wait()
            await self._deliver()
            await self.end()

    # --- inside ----------------------------------------------------------------------------------

    async def _synthesise(
        self, sentences: trio.MemoryReceiveChannel[str], made: trio.MemorySendChannel[tuple[str, SpokenAudio]]
    ) -> None:
        async with sentences, made:
            async for sentence in sentences:
                request = Synthesise(self.session_id, sentence, self.voice)
                try:
                    with span("synthesise"):
                        audio = await self.speech.ask(request, timeout_s=SYNTHESIS_TIMEOUT_S, linked=True)
                except (AskError, MailboxError) as error:
                    sentences.close()  # nothing more can be said
                    self.memory.is_voiceless = True
                    self._sentences = None
                    await self._tell(())
                    await self.client.tell(Send(Degraded("speech", str(error))))
                    return
                if self.memory.is_voiceless:
                    self.memory.is_voiceless = False
                    await self.client.tell(Send(Recovered("speech", "it speaks again")))
                await made.send((sentence, audio))

    async def _send(self, made: trio.MemoryReceiveChannel[tuple[str, SpokenAudio]]) -> None:
        async with made:
            async for sentence, audio in made:
                self.playback.add(sentence, audio)
                await self._deliver()
                self._unsent -= 1
                await self._tell(())

    async def _deliver(self) -> None:
        """Send the waiting audio while the answer is not held."""
        while not self.playback.is_drained:
            if self.playback.is_held:
                await self._changed.wait()
            elif notices := self.playback.start():
                await self._tell(notices)  # it may be held meanwhile
            else:
                await self._send_paced(*self.playback.begin(trio.current_time()))

    async def _send_paced(self, clause: Clause, audio: SpokenAudio) -> None:
        step = int(audio.sample_rate * CHUNK_S) * 2
        for offset in range(0, len(audio.pcm), step):
            chunk = audio.pcm[offset : offset + step]
            await trio.sleep_until(self.playback.end_s - self.lead_s)
            if self.playback.is_current(clause):
                await self.client.tell(SendAudio(chunk))
            if not self.playback.is_current(clause):  # held meanwhile: all of it is sent again, or nothing
                return
            self.playback.sent_s += len(chunk) / 2 / audio.sample_rate

    async def _tell(self, notices: Iterable[PlaybackNotice]) -> None:
        """Wake the senders, and notify the connection and the client."""
        self._changed.set()
        self._changed = trio.Event()
        for notice in notices:
            if notice is PlaybackNotice.DROP:
                self.client.signal(DropAudio())
            else:
                await self.client.tell(Send(self._event_of(notice)))
            if notice is PlaybackNotice.STARTED:
                self.on_first_audio()
                now_s = trio.current_time()
                add_span("first sound", now_s if self._asked_s is None else self._asked_s, now_s)

    def _event_of(self, notice: PlaybackNotice) -> ServerEvent:
        match notice:
            case PlaybackNotice.STARTED:
                return SpeechAudioStart(self.turn_id, "pcm_s16le", self.playback.sample_rate)
            case PlaybackNotice.PAUSED:
                return SpeechAudioPaused(self.turn_id)
            case PlaybackNotice.RESUMED:
                return SpeechAudioResumed(self.turn_id, round(self.playback.sent_s * 1000))
            case PlaybackNotice.ENDED:
                return SpeechAudioEnd(self.turn_id)
        raise AssertionError(f"{notice} is not for the client")
