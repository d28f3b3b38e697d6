"""One session's audio: frames in, utterances out.

Rules kept here:

* Samples are kept in the vault before they are processed, so a crash of this actor costs no word: the next
  incarnation processes again what was not committed.
* Whether there is speech, and when it ends, is decided by ``protocol/audio/endpointing.py``; nothing here waits for it.
* After a wake word, and which speech is meant at all, is decided by ``protocol/audio/wake.py``.
* A frame that cannot be audio is reported and dropped; the stream goes on.
* Frames that have arrived are processed before a stall is concluded.
"""

from collections import deque
from collections.abc import Callable

import attrs
import trio

from actors.connection.telling import ToClient
from backends.protocols import AudioDecoder, BadAudio, SpeechDetector, WakeWordDetector
from config.settings import AudioSettings, WakeSettings
from protocol.audio.audio_memory import AudioMemory
from protocol.audio.blocks import BlockSize
from protocol.audio.endpointing import Dropped, Ended, Endpointer, Grown, Onset, Paused
from protocol.audio.wake import Unheard, WakeEvent, WakeGate, Woken
from protocol.dialects.attach import ConnectionMessage
from protocol.dialects.client_memory import ClientView
from protocol.messages.events import (
    AudioAck,
    AudioDiscard,
    AudioEnd,
    AudioFormat,
    AudioStart,
    Bye,
    Respond,
    WakeDetected,
    WakeState,
)
from protocol.messages.hearing import (
    INTERNAL_RATE_HZ,
    AudioReceived,
    AudioRefused,
    NothingHeard,
    NothingOpen,
    PauseJudged,
    ReplyExpected,
    SpeechBegan,
    SpokenBefore,
    Utterance,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
)
from protocol.messages.inboxes import AudioMessage, DialogueMessage, MetricsMessage
from protocol.messages.records import Count
from protocol.messages.session import Configured, Send
from protocol.turns.last_sentence import AMEND_WITHIN_S
from protocol.turns.session_memory import RecallAudio, VaultMessage, ViewClient
from runtime import Actor, Ref

ACK_INTERVAL_S = 1.0  # protocol: at most one audio_ack a second
STALL_CHECK_S = 0.2  # seconds between checks while the client is away, or while ``AudioStalled`` waits in the mailbox
STANDSTILL_S = 0.25  # later than this, the process was stopped or the loop hung
MAX_BOTH_S = 12  # of an utterance and the one before it together: commands are shorter
BLOCK_BYTES = 2 * INTERNAL_RATE_HZ  # a second: one frame may be longer than all that the vault keeps


@attrs.frozen
class AudioStalled:
    """Audio to itself: in mid-speech no frame has come for too long, unless one is queued before this message."""

    last_frame_s: float
    """When the last known frame arrived, on Trio's clock."""


@attrs.frozen
class AudioPeers:
    """The actors that the audio actor sends to."""

    vault: Ref[VaultMessage]
    connection: Ref[ConnectionMessage]
    dialogue: Ref[DialogueMessage]
    metrics: Ref[MetricsMessage]


@attrs.define
class WakeWord:
    """The wake word that a session asked for, and its detector."""

    settings: WakeSettings
    make_detector: Callable[[str], WakeWordDetector]
    word: str = attrs.field(default="", init=False)
    """Empty if there is none."""
    _detector: WakeWordDetector | None = attrs.field(default=None, init=False)

    def choose(self, word: str) -> bool:
        """Listen for ``word``, for none if it is empty; return whether that is another one than before."""
        if word == self.word:
            return False
        self.word = word
        self._detector = self.make_detector(word) if word else None
        return True

    def find(self, pcm: bytes, start_sample: int) -> list[int]:
        """Return the positions where wake words ended; ``pcm`` begins at ``start_sample``."""
        return [] if self._detector is None else [start_sample + at for at in self._detector.find(pcm)]


@attrs.frozen(kw_only=True)
class AudioStatistics:
    """A moment's view of a session's audio.

    * ``samples``: how many have been looked at, at 16 kHz
    * ``is_speech``: whether an utterance is open
    * ``wake``: whether the wake word is awaited: ``open`` (there is none), ``asleep``, ``settling`` or ``listening``
    """

    samples: int
    is_speech: bool
    wake: str


class Audio(Actor[AudioMessage | AudioStalled]):
    """Decodes, detects and cuts one session's audio."""

    def __init__(
        self,
        settings: AudioSettings,
        peers: AudioPeers,
        *,
        make_decoder: Callable[[AudioFormat], AudioDecoder],
        detector: SpeechDetector,
        wake: WakeWord,
        speaking: dict[str, str],
    ) -> None:
        """Serve one session; during speech its name is in ``speaking``, with its tenant."""
        self._settings = settings
        self._peers = peers
        self._make_decoder = make_decoder
        self._detector = detector
        self._speaking = speaking
        self._decoder: AudioDecoder | None = None
        self._format: AudioFormat | None = None
        self._wake = wake
        self._gate = WakeGate(Endpointer(settings), wake.settings)
        self._memory: AudioMemory
        self._client: ClientView
        self._heard = HeardAt()
        self._heard_samples = 0
        self._block = BlockSize(settings.block_samples, settings.max_block_samples)
        self._last_frame_s = 0.0
        self._last_ack_s = 0.0
        self._last_ended: tuple[Ended, float] | None = None
        self._has_begun = trio.Event()

    async def on_start(self) -> None:
        """Continue the stream where the last incarnation had committed it."""
        self._memory = await self._peers.vault.ask(RecallAudio())
        self._client = await self._peers.vault.ask(ViewClient())
        self._gate = WakeGate(Endpointer(self._settings), self._wake.settings, self._memory.wake)
        self._last_frame_s = trio.current_time()
        if self._client.options is not None:
            self._choose(Configured(self._client.options))
            await self._hear_again()
        self.context.nursery.start_soon(self._watch_for_stall)

    async def handle(self, message: AudioMessage | AudioStalled) -> None:
        """Handle one frame or one command."""
        match message:
            case AudioReceived(frame):
                await self._take(frame)
            case Configured():
                self._last_frame_s = trio.current_time()  # a client that is back sends the missing audio only now
                await self._configure(message)
            case AudioStart():
                self._memory.is_pressed = True
                await self._emit(self._gate.press())
            case AudioEnd():
                self._memory.is_pressed = False
                await self._listen_on()
                await self._end_audio()
            case AudioDiscard():
                self._memory.is_pressed = False
                await self._listen_on()
                await self._emit(self._gate.discard())
            case Respond() | Bye():
                await self._peers.dialogue.tell(message)
            case PauseJudged() | ReplyExpected() | NothingHeard():
                await self._emit(self._note(message))
            case AudioStalled(last_frame_s):
                if last_frame_s == self._last_frame_s and self._gate.is_open:
                    self._memory.is_pressed = False
                    await self._emit(self._gate.stall())
            case _:
                self.unhandled(message)

    def statistics(self) -> AudioStatistics:
        """Return the position in the stream."""
        gate = self._gate
        return AudioStatistics(samples=gate.position, is_speech=gate.is_open, wake=gate.phase.value)

    @property
    def _to_client(self) -> ToClient:
        return ToClient(self._peers.connection, self._client)

    async def _configure(self, configured: Configured) -> None:
        """Take the options; with another wake word the session is asleep, which the client knows."""
        is_another_word = self._choose(configured)
        happened = self._gate.require(bool(self._wake.word))
        if is_another_word:
            happened += self._gate.begin_again()
        self._memory.wake.is_told_listening = self._gate.is_listening
        await self._emit(happened)

    def _choose(self, configured: Configured) -> bool:
        """Take the options; return whether the wake word is another one."""
        options = configured.options
        self._gate.endpointer.hands_free = is_hands_free = options.mode == "hands_free"
        self._gate.endpointer.tells_growth = options.interim
        if options.audio != self._format:
            self._format = options.audio
            self._decoder = self._make_decoder(options.audio)
        return self._wake.choose(options.wake or "" if is_hands_free else "")

    async def _take(self, frame: bytes) -> None:
        if self._decoder is None:  # the session table lets no audio through before the handshake
            raise AssertionError("audio before connection_request")
        try:
            pcm = self._decoder.decode(frame)
        except BadAudio as error:
            await self._to_client.tell(AudioRefused(str(error)))
            return
        self._last_frame_s = trio.current_time()
        for start in range(0, len(pcm), BLOCK_BYTES):
            if start:
                await trio.lowlevel.checkpoint()  # a long frame leaves the loop to others after every second
            self._memory.pcm.append(pcm[start : start + BLOCK_BYTES])
            if self._memory.pcm.end - self._heard_samples >= self._block.samples:
                await self._listen_on()
        if self._last_frame_s - self._last_ack_s >= ACK_INTERVAL_S:
            await self._acknowledge()

    def _note(self, message: PauseJudged | ReplyExpected | NothingHeard) -> list[WakeEvent]:
        """Take what the dialogue knows of the words."""
        match message:
            case PauseJudged(end_sample, verdict):
                return self._gate.judge(end_sample, verdict)
            case ReplyExpected(for_s):
                return self._gate.expect(for_s)
            case NothingHeard():
                return self._gate.listen_again()

    async def _end_audio(self) -> None:
        """End an open utterance by hand; say so if there was none."""
        happened = self._gate.release()
        await self._emit(happened)
        if not any(isinstance(event, Ended) for event in happened):
            await self._peers.dialogue.tell(NothingOpen(_ms(self._memory.pcm.end)))
        await self._acknowledge()

    async def _hear_again(self) -> None:
        """Run the detectors over kept samples that were not committed."""
        start, end = self._memory.replay_from(), self._memory.pcm.end
        self._gate.seek(start)
        if self._memory.is_pressed:
            await self._emit(self._gate.press())
        self._heard_samples = start
        while self._heard_samples < end:
            await self._listen(min(end, self._heard_samples + INTERNAL_RATE_HZ))
            await trio.lowlevel.checkpoint()

    async def _listen_on(self) -> None:
        """Process the new samples, and adapt the block size to the time that it takes."""
        began_s = trio.current_time()
        await self._listen(self._memory.pcm.end)
        self._block.adjust(trio.current_time() - began_s, is_silent=not self._gate.is_open)

    async def _listen(self, end: int) -> None:
        """Process kept samples before ``end`` that were not processed yet."""
        start, self._heard_samples = self._heard_samples, end
        pcm = self._memory.pcm.slice(start, end)
        self._heard.mark(end, trio.current_time())
        wakes = self._wake.find(pcm, start)
        await self._emit(self._gate.feed(self._detector.probabilities(pcm), wakes))
        self._memory.commit(self._gate.unneeded_end_sample)

    async def _emit(self, events: list[WakeEvent]) -> None:
        for event in events:
            match event:
                case Onset():
                    self._has_begun.set()
                    self._speaking[self.context.ref.name] = self._client.tenant
                    self._memory.speech_start = event.start_sample
                    await self._peers.dialogue.tell(SpeechBegan(at_ms=_ms(event.at_sample)))
                case Paused(start_sample, end_sample):
                    paused = UtterancePaused(self._utterance(start_sample, end_sample), end_sample)
                    await self._peers.dialogue.tell(paused)
                case Grown(start_sample, end_sample):
                    await self._peers.dialogue.tell(UtteranceGrew(self._utterance(start_sample, end_sample)))
                case Dropped():
                    self._memory.commit(event.end_sample)
                    self._speaking.pop(self.context.ref.name, None)
                    await self._peers.dialogue.tell(UtteranceDropped(event.reason, at_ms=_ms(event.end_sample)))
                case Ended():
                    self._speaking.pop(self.context.ref.name, None)
                    await self._peers.dialogue.tell(self._utterance_ended(event))
                    self._memory.commit(event.end_sample)
                    await self._acknowledge()
                case Woken(at_sample):
                    await self._wake_up(at_sample)
                case Unheard():
                    self._peers.metrics.tell_nowait(Count("unheard_utterances_total"))
        if self._gate.is_listening is not self._memory.wake.is_told_listening:
            await self._tell_state()

    async def _wake_up(self, at_sample: int) -> None:
        """The wake word was heard: an utterance begins, and the client is told."""
        self._has_begun.set()
        self._speaking[self.context.ref.name] = self._client.tenant
        self._memory.speech_start = at_sample
        self._peers.metrics.tell_nowait(Count("wakes_total", (self._wake.word,)))
        detected = WakeDetected(self._wake.word, _ms(at_sample), self._at_client_rate(at_sample))
        await self._to_client.tell(Send(detected))
        await self._peers.dialogue.tell(SpeechBegan(at_ms=_ms(at_sample)))

    async def _tell_state(self) -> None:
        """Tell the client whether speech is taken now."""
        self._memory.wake.is_told_listening = is_listening = self._gate.is_listening
        state = WakeState("listening", round(self._gate.window_s, 3)) if is_listening else WakeState("asleep")
        await self._to_client.tell(Send(state))

    def _utterance_ended(self, event: Ended) -> UtteranceEnded:
        self._memory.handed.append((event.start_sample, event.end_sample))
        utterance = self._utterance(event.start_sample, event.end_sample)
        last_voice_s = self._heard.time_of(event.last_voice_sample)
        before = self._spoken_before(event)
        self._last_ended = event, last_voice_s
        return UtteranceEnded(utterance, event.reason, last_voice_s, before)

    def _spoken_before(self, event: Ended) -> SpokenBefore | None:
        """Return the utterance before this one, if that followed it closely and its samples are still there."""
        if self._last_ended is None:
            return None
        last, last_voice_s = self._last_ended
        is_close = event.start_sample - last.end_sample <= AMEND_WITHIN_S * INTERNAL_RATE_HZ
        is_short = event.end_sample - last.start_sample <= MAX_BOTH_S * INTERNAL_RATE_HZ
        if not (is_close and is_short and last.start_sample >= self._memory.pcm.start):
            return None
        return SpokenBefore(last_voice_s, self._utterance(last.start_sample, event.end_sample))

    def _utterance(self, start_sample: int, end_sample: int) -> Utterance:
        pcm = self._memory.pcm.slice(start_sample, end_sample)
        return Utterance(pcm, start_ms=_ms(start_sample), end_ms=_ms(end_sample))

    async def _acknowledge(self) -> None:
        if self._format is None:
            return
        self._last_ack_s = trio.current_time()
        await self._to_client.tell(Send(AudioAck(self._at_client_rate(self._memory.pcm.end))))

    def _at_client_rate(self, sample: int) -> int:
        rate_hz = INTERNAL_RATE_HZ if self._format is None else self._format.sample_rate
        return sample * rate_hz // INTERNAL_RATE_HZ

    async def _watch_for_stall(self) -> None:
        """During speech, notice that no audio arrives; sleep otherwise."""
        limit_s = self._settings.stall_ms / 1000
        try:
            while True:
                if not self._gate.is_open:
                    self._has_begun = trio.Event()
                    await self._has_begun.wait()
                look_s = max(self._last_frame_s + limit_s, trio.current_time() + STALL_CHECK_S)
                if self._client.is_lost:  # the missing audio comes with the client's return
                    look_s = trio.current_time() + STALL_CHECK_S
                await trio.sleep_until(look_s)
                now_s = trio.current_time()
                if self._client.is_lost or now_s - look_s > STANDSTILL_S:  # it may wait in the socket
                    self._last_frame_s = now_s
                elif now_s >= self._last_frame_s + limit_s:
                    self.context.ref.tell_nowait(AudioStalled(self._last_frame_s))
        finally:  # also of a crash
            self._speaking.pop(self.context.ref.name, None)


@attrs.define
class HeardAt:
    """Clock times of the last blocks, by the sample at which each ended."""

    _marks: deque[tuple[int, float]] = attrs.field(factory=lambda: deque(maxlen=512))

    def mark(self, end_sample: int, now_s: float) -> None:
        """Note that everything before ``end_sample`` was processed by ``now_s``."""
        self._marks.append((end_sample, now_s))

    def time_of(self, sample: int) -> float:
        """Return when ``sample`` was spoken: its block's time less what followed it in that block.

        Never earlier than the block before, so that audio sent faster than real time is not dated back.
        """
        before_s = -1.0
        for end_sample, now_s in self._marks:
            if sample <= end_sample:
                return max(before_s, now_s - (end_sample - sample) / INTERNAL_RATE_HZ)
            before_s = now_s
        return before_s


def _ms(sample: int) -> int:
    return sample * 1000 // INTERNAL_RATE_HZ
