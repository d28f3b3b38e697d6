"""How a dialogue speaks: sentences in, paced audio out. Used by one turn at a time; it is no actor.

Rules kept here:

* A sentence is made into speech while the one before it is being sent.
* Audio goes out at most ``lead_s`` ahead of real time, so that a barge-in wastes little.
* A voice holds the answer. If it was nothing, the answer goes on at the clause that was cut; words end it.
* When speech cannot be made the text is still shown: the spoken falls silent, once, and says why.
"""

import math
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from actors.client.telling import ToClient
from protocol.messages.events import Degraded, SpeechAudioEnd, SpeechAudioPaused, SpeechAudioResumed, SpeechAudioStart
from protocol.messages.inboxes import SpeechMessage
from protocol.messages.session import DropAudio, Send, SendAudio
from protocol.messages.speaking import SpokenAudio, Synthesise
from protocol.turns.playback import Playback
from runtime import AskError, MailboxError, Ref

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
    is_audible: bool
    on_first_audio: Callable[[], None]
    _sentences: trio.MemorySendChannel[str] = attrs.field(init=False)
    _to_send: deque[tuple[str, SpokenAudio]] = attrs.field(factory=deque, init=False)
    _playback: Playback = attrs.field(factory=Playback, init=False)
    _held_s: float | None = attrs.field(default=None, init=False)
    """While it is held: how much had been heard."""
    _holds: int = attrs.field(default=0, init=False)
    _changed: trio.Event = attrs.field(factory=trio.Event, init=False)
    _is_ended: bool = attrs.field(default=False, init=False)

    async def say(self, sentence: str) -> None:
        """Queue one sentence; waits while ``MAX_SENTENCES`` are waiting."""
        if self.is_audible and sentence.strip():
            await self._sentences.send(sentence)

    @property
    def is_speaking(self) -> bool:
        """Whether the client is still hearing something, as far as one can tell from here, or will again."""
        is_held = self._held_s is not None and self._playback.has_begun
        return is_held or trio.current_time() < self._playback.end_s

    def heard_until(self, heard_s: float | None) -> list[str]:
        """Return the clauses that were heard to at least their half by ``heard_s`` (by the clock if ``None``)."""
        return self._playback.heard_until(self._heard_s() if heard_s is None else heard_s)

    async def hold(self) -> None:
        """Fall silent at once; ``go_on`` ends it."""
        if self._held_s is not None:
            return
        self._held_s = self._heard_s()
        self._holds += 1
        self._change()
        if self._playback.has_begun:
            self.client.signal(DropAudio())
            await self.client.tell(Send(SpeechAudioPaused(self.turn_id)))

    async def go_on(self) -> None:
        """Speak on, from the beginning of the clause that was cut."""
        if self._held_s is None:
            return
        if self._playback.has_begun:
            again = self._playback.rewind(self._held_s, trio.current_time())
            self._to_send.extendleft(reversed(again))
            self._is_ended = self._is_ended and not again
            await self.client.tell(Send(SpeechAudioResumed(self.turn_id, round(self._playback.sent_s * 1000))))
        self._held_s = None
        self._change()

    async def end(self, *, was_cut: bool) -> None:
        """Announce the end of the audio once, if there was any; when it ``was_cut``, forget what has not left yet."""
        if not self._playback.has_begun:
            return
        if was_cut:
            self.client.signal(DropAudio())
        if not self._is_ended:
            await self.client.tell(Send(SpeechAudioEnd(self.turn_id)))
            self._is_ended = True

    async def wait_heard(self) -> None:
        """Wait until the client has heard all that was sent: until then there is something to interrupt."""
        while self.is_speaking:
            with trio.move_on_at(math.inf if self._held_s is not None else self._playback.end_s):
                await self._changed.wait()
            await self._deliver()
            await self.end(was_cut=False)

    # --- inside ----------------------------------------------------------------------------------

    async def _synthesise(
        self, sentences: trio.MemoryReceiveChannel[str], made: trio.MemorySendChannel[tuple[str, SpokenAudio]]
    ) -> None:
        async with sentences, made:
            async for sentence in sentences:
                request = Synthesise(self.session_id, sentence, self.voice)
                try:
                    audio = await self.speech.ask(request, timeout_s=SYNTHESIS_TIMEOUT_S, linked=True)
                except (AskError, MailboxError) as error:
                    self.is_audible = False
                    await self.client.tell(Send(Degraded("speech", str(error))))
                    continue
                await made.send((sentence, audio))

    async def _send(self, made: trio.MemoryReceiveChannel[tuple[str, SpokenAudio]]) -> None:
        async with made:
            async for sentence, audio in made:
                self._to_send.append((sentence, audio))
                await self._deliver()

    async def _deliver(self) -> None:
        """Send what is waiting, as soon as nobody holds it."""
        while self._to_send or self._held_s is not None:
            if self._held_s is not None:
                await self._changed.wait()
                continue
            sentence, audio = self._to_send.popleft()
            if not self._playback.has_begun:
                await self.client.tell(Send(SpeechAudioStart(self.turn_id, "pcm_s16le", audio.sample_rate)))
                self.on_first_audio()
            self._playback.begin(sentence, audio, trio.current_time())
            await self._send_paced(audio)

    async def _send_paced(self, audio: SpokenAudio) -> None:
        holds = self._holds
        step = int(audio.sample_rate * CHUNK_S) * 2
        for offset in range(0, len(audio.pcm), step):
            chunk = audio.pcm[offset : offset + step]
            await trio.sleep_until(self._playback.end_s - self.lead_s)
            if holds == self._holds:
                await self.client.tell(SendAudio(chunk))
            if holds != self._holds:  # held meanwhile: all of it is sent again, or nothing
                return
            self._playback.sent_s += len(chunk) / 2 / audio.sample_rate

    def _heard_s(self) -> float:
        return self._playback.heard_s(trio.current_time()) if self._held_s is None else self._held_s

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def speaking_of(spoken: SpokenAnswer) -> AsyncIterator[SpokenAnswer]:
    """Run ``spoken`` for the block; leaving it waits until all is sent; ``spoken.end`` comes after."""
    sentences, to_make = trio.open_memory_channel[str](MAX_SENTENCES)
    made, to_send = trio.open_memory_channel[tuple[str, SpokenAudio]](1)
    spoken._sentences = sentences  # noqa: SLF001 - the two are one thing in two halves
    async with trio.open_nursery() as nursery:
        nursery.start_soon(spoken._synthesise, to_make, made)  # noqa: SLF001
        nursery.start_soon(spoken._send, to_send)  # noqa: SLF001
        async with sentences:
            yield spoken
