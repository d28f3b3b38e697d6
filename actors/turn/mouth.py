"""How a dialogue speaks: sentences in, paced audio out. Used by one turn at a time; it is no actor.

Rules kept here:

* A sentence is made into speech while the one before it is being sent.
* Audio goes out at most ``lead_s`` ahead of real time, so that a barge-in wastes little.
* When speech cannot be made the text is still shown: the mouth falls silent, once, and says why.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import attrs
import trio

from protocol.events import Degraded, SpeechAudioEnd, SpeechAudioStart
from protocol.messages import DropAudio, Send, SendAudio, SpokenAudio, Synthesise
from runtime import AskError, MailboxError, Ref

MAX_SENTENCES = 64  # longer answers wait here; the language model then waits with them
CHUNK_S = 0.1
SYNTHESIS_TIMEOUT_S = 20.0


@attrs.frozen
class Said:
    """A sentence and where it lies in the audio of its turn."""

    text: str
    start_s: float
    duration_s: float


@attrs.define
class Mouth:
    """Speaks one turn's sentences."""

    session_id: str
    turn_id: str
    speech: Ref
    connection: Ref
    voice: str | None
    lead_s: float
    is_audible: bool
    on_first_audio: Callable[[], None]
    _sentences: trio.MemorySendChannel[str] = attrs.field(init=False)
    _said: list[Said] = attrs.field(factory=list, init=False)
    _started_s: float | None = attrs.field(default=None, init=False)
    _sent_s: float = attrs.field(default=0.0, init=False)
    _is_ended: bool = attrs.field(default=False, init=False)

    async def say(self, sentence: str) -> None:
        """Queue one sentence; waits while ``MAX_SENTENCES`` are waiting."""
        if self.is_audible and sentence.strip():
            await self._sentences.send(sentence)

    @property
    def is_speaking(self) -> bool:
        """Whether the client is still hearing something, as far as one can tell from here."""
        return self._started_s is not None and trio.current_time() < self._started_s + self._sent_s

    def heard_until(self, heard_s: float | None) -> list[str]:
        """Return the sentences that were heard to at least their half by ``heard_s`` (by the clock if ``None``)."""
        if self._started_s is None:
            return []
        elapsed_s = heard_s if heard_s is not None else trio.current_time() - self._started_s
        return [said.text for said in self._said if said.start_s + said.duration_s / 2 <= elapsed_s]

    async def end(self, *, was_cut: bool) -> None:
        """Announce the end of the audio once, if there was any; when it ``was_cut``, forget what has not left yet."""
        if self._started_s is None:
            return
        if was_cut:
            self.connection.signal(DropAudio())
        if not self._is_ended:
            await self.connection.tell(Send(SpeechAudioEnd(self.turn_id)))
            self._is_ended = True

    async def wait_heard(self) -> None:
        """Wait until the client has heard all that was sent: until then there is something to interrupt."""
        if self._started_s is not None:
            await trio.sleep_until(self._started_s + self._sent_s)

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
                    await self.connection.tell(Send(Degraded("speech", str(error))))
                    continue
                await made.send((sentence, audio))

    async def _send(self, made: trio.MemoryReceiveChannel[tuple[str, SpokenAudio]]) -> None:
        async with made:
            async for sentence, audio in made:
                if self._started_s is None:
                    await self.connection.tell(Send(SpeechAudioStart(self.turn_id, "pcm_s16le", audio.sample_rate)))
                    self._started_s = trio.current_time()
                    self.on_first_audio()
                else:  # the client may have run out of audio meanwhile: what follows is heard that much later
                    self._started_s = max(self._started_s, trio.current_time() - self._sent_s)
                duration_s = len(audio.pcm) / 2 / audio.sample_rate
                self._said.append(Said(sentence, self._sent_s, duration_s))
                await self._send_paced(audio)

    async def _send_paced(self, audio: SpokenAudio) -> None:
        step = int(audio.sample_rate * CHUNK_S) * 2
        for offset in range(0, len(audio.pcm), step):
            chunk = audio.pcm[offset : offset + step]
            if self._started_s is not None:
                await trio.sleep_until(self._started_s + self._sent_s - self.lead_s)
            await self.connection.tell(SendAudio(chunk))
            self._sent_s += len(chunk) / 2 / audio.sample_rate


@asynccontextmanager
async def open_mouth(mouth: Mouth) -> AsyncIterator[Mouth]:
    """Run ``mouth`` for the block; leaving it waits until all is sent; ``mouth.end`` comes after."""
    sentences, to_make = trio.open_memory_channel[str](MAX_SENTENCES)
    made, to_send = trio.open_memory_channel[tuple[str, SpokenAudio]](1)
    mouth._sentences = sentences  # noqa: SLF001 - the two are one thing in two halves
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mouth._synthesise, to_make, made)  # noqa: SLF001
        nursery.start_soon(mouth._send, to_send)  # noqa: SLF001
        async with sentences:
            yield mouth
