"""Remote speech servers with OpenAI's audio API, with our own processes to fall back to.

Rules kept here:

* Each has the jobs and answers of a worker (``backends/speech/whisper.py``, ``piper.py``), so no caller
  depends on where the work is done.
* A server that is late, refuses, breaks off or sends invalid data costs one deadline; then our processes do the job.
  One that keeps failing is not asked for a while (``runtime/policies/breaker.py``).
* A server's transcript passes the same rules as our own recogniser's.
"""

import io
import logging
import wave
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar, cast

import attrs
import msgspec
import numpy as np
import trio

from backends.jobs import Clip, ClipTranscript, ClipTranscripts, SpeakText, SpokenText, TranscribeClips
from backends.json_faults import JSON_FAULTS
from backends.llm.http_model import CompletionTimeouts, LlmServer
from backends.protocols import JobPool, ProviderError
from config.settings import OpenAISpeechSettings, OpenAITranscriptionSettings
from protocol.audio import transcripts
from protocol.audio.transcripts import Evidence
from protocol.messages.hearing import INTERNAL_RATE_HZ, SpokenWord
from runtime.messaging.pace import Pace
from runtime.policies.breaker import Breaker, BreakerState
from runtime.workers.jobs import Job, ReplyT
from runtime.workers.pool import PoolUnavailable
from runtime.workers.pool_statistics import PoolStatistics

log = logging.getLogger("sayso.speech")

SPEECH_RATE_HZ: Final = 24_000  # what OpenAI's API means by "pcm"
PROMPT_MAX_CHARS: Final = 600  # Whisper takes 224 tokens
UNKNOWN_LOGPROB: Final = -0.2  # if a server gives none: neither sure nor doubtful
BAD_REQUEST: Final = 400

JobT = TypeVar("JobT", bound=Job[msgspec.Struct])


@attrs.frozen(kw_only=True)
class RemoteServerStatistics:
    """A moment's view of a speech server elsewhere.

    * ``url``: its address
    * ``breaker``: ``closed``, ``open`` (it is left alone) or ``probing`` (one request tries it)
    * ``answers``: how many jobs it has done
    * ``fallbacks``: how many jobs the pool was given in its stead
    """

    url: str
    breaker: str
    answers: int
    fallbacks: int


@attrs.frozen(kw_only=True)
class RemotePoolStatistics(PoolStatistics):
    """A moment's view of a pool behind a server elsewhere.

    * ``remote``: the server
    """

    remote: RemoteServerStatistics

    @property
    def has_local_workers(self) -> bool:
        """Say no: the server does most jobs, and how many it can do is not known."""
        return False


class RemoteFirst(Generic[JobT]):
    """A ``JobPool``: a server does jobs of one ``kind``, and ``pool`` what it cannot, and everything else."""

    def __init__(
        self,
        name: str,
        kind: type[JobT],
        work: Callable[[JobT, bytes], Awaitable[tuple[msgspec.Struct, bytes]]],
        pool: JobPool | None,
    ) -> None:
        """Take the pool to fall back to; None leaves the server alone with it all."""
        self._name = name
        self._kind = kind
        self._work = work
        self._pool = pool
        self._breaker = Breaker()
        self._answers = 0
        self._fallbacks = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the pool, if there is one, until cancelled."""
        if self._pool is not None:
            await self._pool.run(task_status=task_status)
            return
        task_status.started()
        await trio.sleep_forever()

    def set_on_change(self, on_change: Callable[[], None]) -> None:
        """Set a callback for every change of the pool's workers."""
        if self._pool is not None:
            self._pool.set_on_change(on_change)

    def set_pace(self, pace: Pace) -> None:
        """Look at the pool's idle workers as often as ``pace`` says."""
        if self._pool is not None:
            self._pool.set_pace(pace)

    def statistics(self) -> RemotePoolStatistics:
        """Return a moment's view of the pool and the server; without a pool the server counts as one worker."""
        server = RemoteServerStatistics(
            url=self._name,
            breaker=self._breaker.state.value,
            answers=self._answers,
            fallbacks=self._fallbacks,
        )
        if self._pool is not None:
            return RemotePoolStatistics(**attrs.asdict(self._pool.statistics(), recurse=False), remote=server)
        return RemotePoolStatistics(
            size=1,
            ready=int(self._breaker.state is BreakerState.CLOSED),
            spares=0,
            trouble=None,
            crashes=0,
            busy_ratio=0.0,
            rss_bytes=0,
            pss_bytes=0,
            workers=(),
            waiting=0,
            queue_min_delay_s=0.0,
            remote=server,
        )

    async def call(
        self, job: Job[ReplyT], blob: bytes = b"", *, timeout_s: float, attempts: int = 2
    ) -> tuple[ReplyT, bytes]:
        """Do one job; raises ``WorkerError``."""
        trouble = f"{self._name} does not do {job.name}"
        if isinstance(job, self._kind):
            answer = await self._try_remote(job, blob)
            if not isinstance(answer, str):
                return cast("tuple[ReplyT, bytes]", answer)  # the reply has the same type from the server
            trouble = answer
        if self._pool is None:
            raise PoolUnavailable(trouble, self._breaker.policy.pause_s)
        self._fallbacks += isinstance(job, self._kind)
        return await self._pool.call(job, blob, timeout_s=timeout_s, attempts=attempts)

    async def _try_remote(self, job: JobT, blob: bytes) -> tuple[msgspec.Struct, bytes] | str:
        """Return the server's answer, or in words why there is none."""
        retry_after_s = self._breaker.retry_after_s(trio.current_time())
        if retry_after_s is not None:
            return f"{self._name} kept failing and is asked again in {retry_after_s:.1f} s"
        try:
            answer = await self._work(job, blob)
        except ProviderError as error:
            was_closed = self._breaker.state is BreakerState.CLOSED
            self._breaker.fail(trio.current_time())
            level = logging.WARNING if was_closed else logging.DEBUG
            log.log(level, "%s: %s", job.name, error)
            return str(error)
        except BaseException:
            self._breaker.abandon(trio.current_time())
            raise
        self._breaker.succeed()
        self._answers += 1
        return answer


# --- to text -------------------------------------------------------------------------------------


class _Word(msgspec.Struct):
    word: str
    start: float
    end: float


class _Segment(msgspec.Struct):
    avg_logprob: float | None = None
    no_speech_prob: float | None = None


class _RemoteTranscript(msgspec.Struct):
    text: str
    language: str | None = None
    segments: list[_Segment] | None = None
    words: list[_Word] | None = None


@attrs.define
class RemoteRecogniser:
    """``POST /v1/audio/transcriptions``, one request an utterance."""

    server: LlmServer
    model: str
    timeout_s: float
    _is_verbose: bool = True
    """Whether the server takes ``verbose_json``, which not every model has."""

    @classmethod
    def from_settings(cls, settings: OpenAITranscriptionSettings) -> "RemoteRecogniser":
        """Return the recogniser that is configured."""
        server = _server(settings.url, settings.api_key, settings.timeout_s)
        return cls(server, settings.model, settings.timeout_s)

    async def transcribe(self, job: TranscribeClips, blob: bytes) -> tuple[ClipTranscripts, bytes]:
        """Do the job that ``WhisperWorker`` does; raises ``ProviderError``."""
        found: dict[int, ClipTranscript] = {}
        failures: list[ProviderError] = []

        async def hear(number: int, clip: Clip, pcm: bytes) -> None:
            try:
                found[number] = await self._hear(clip, pcm)
            except ProviderError as error:
                failures.append(error)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            start = 0
            for number, clip in enumerate(job.clips):
                nursery.start_soon(hear, number, clip, blob[start : start + clip.size_bytes])
                start += clip.size_bytes
        if failures:
            raise failures[0]
        return ClipTranscripts(tuple(found[number] for number in range(len(job.clips)))), b""

    async def _hear(self, clip: Clip, pcm: bytes) -> ClipTranscript:
        started_s = trio.current_time()
        try:
            body = await self._ask(clip, pcm)
        except ProviderError as error:
            if not self._is_verbose or getattr(error, "status", None) != BAD_REQUEST:
                raise
            self._is_verbose = False
            body = await self._ask(clip, pcm)
        try:
            heard = msgspec.json.decode(body, type=_RemoteTranscript)
        except JSON_FAULTS as error:
            raise ProviderError(f"{self.server.url} sent a transcription that cannot be read: {error}") from error
        return judged(heard, clip, pcm, compute_s=trio.current_time() - started_s)

    async def _ask(self, clip: Clip, pcm: bytes) -> bytes:
        fields = {"model": self.model, "response_format": "verbose_json" if self._is_verbose else "json"}
        if clip.language:
            fields["language"] = clip.language.partition("-")[0]
        if clip.vocabulary:
            fields["prompt"] = ", ".join(clip.vocabulary)[:PROMPT_MAX_CHARS]
        if clip.wants_words and self._is_verbose:
            fields["timestamp_granularities[]"] = "word"
        file = ("speech.wav", wav_of(pcm), "audio/wav")
        path = "/audio/translations" if clip.translate else "/audio/transcriptions"
        return await self.server.post_form(path, fields, file, self.timeout_s)


def judged(heard: _RemoteTranscript, clip: Clip, pcm: bytes, *, compute_s: float) -> ClipTranscript:
    """Return a server's words as a worker's reply: believed, or with the reason why not."""
    duration_s = len(pcm) / 2 / INTERNAL_RATE_HZ
    segments = heard.segments or []
    logprobs = [segment.avg_logprob for segment in segments if segment.avg_logprob is not None]
    silences = [segment.no_speech_prob for segment in segments if segment.no_speech_prob is not None]
    logprob = sum(logprobs) / len(logprobs) if logprobs else UNKNOWN_LOGPROB
    language = heard.language if heard.language and len(heard.language) <= 3 else clip.language or ""  # noqa: PLR2004 - "english" is no code
    evidence = Evidence(
        text=heard.text,
        language=language,
        duration_s=duration_s,
        voiced_s=duration_s,  # the audio actor has detected speech already
        level_dbfs=level_dbfs(pcm),
        avg_logprob=logprob,
        no_speech_prob=min(silences, default=None),
    )
    reason = transcripts.no_speech_reason(evidence)
    words = heard.words or () if clip.wants_words and reason is None else ()
    return ClipTranscript(
        text=transcripts.tidy(heard.text) if reason is None else "",
        language=language,
        confidence=transcripts.confidence(logprob),
        no_speech=reason,
        compute_s=compute_s,
        words=tuple(SpokenWord(word.word, round(1000 * word.start), round(1000 * word.end), 1.0) for word in words),
    )


def level_dbfs(pcm: bytes) -> float:
    """Return the level of s16le samples in dB below full scale; -120 if there are none."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768
    return float(20 * np.log10(max(np.sqrt(np.mean(samples**2)), 1e-6))) if len(samples) else -120.0


def wav_of(pcm: bytes) -> bytes:
    """Return 16 kHz mono s16le samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, INTERNAL_RATE_HZ, 0, "NONE", "NONE"))
        writer.writeframes(pcm)
    return file.getvalue()


# --- to speech -----------------------------------------------------------------------------------


@attrs.define
class RemoteSynthesiser:
    """``POST /v1/audio/speech``, one request a sentence."""

    server: LlmServer
    settings: OpenAISpeechSettings
    fallback_voice: str | None = None
    """The pool's default voice: it is mapped to the server's default."""

    @classmethod
    def from_settings(cls, settings: OpenAISpeechSettings, fallback_voice: str | None = None) -> "RemoteSynthesiser":
        """Return the synthesiser that is configured."""
        return cls(_server(settings.url, settings.api_key, settings.timeout_s), settings, fallback_voice)

    async def speak(self, job: SpeakText, _blob: bytes) -> tuple[SpokenText, bytes]:
        """Do the job that ``PiperWorker`` does; raises ``ProviderError``."""
        is_usual = job.voice in (None, self.fallback_voice)
        wanted = {
            "model": self.settings.model,
            "input": job.text,
            "voice": self.settings.voice if is_usual else job.voice,
            "response_format": "pcm",
            "speed": job.speed,
        }
        body = msgspec.json.encode(wanted)
        pcm = await self.server.post("/audio/speech", body, self.settings.timeout_s)
        if len(pcm) % 2 or not pcm:
            raise ProviderError(f"{self.server.url} sent {len(pcm)} bytes for speech, which are no 16-bit samples")
        return SpokenText(SPEECH_RATE_HZ), pcm


def _server(url: str, api_key: str, timeout_s: float) -> LlmServer:
    return LlmServer(url, api_key=api_key, patience=CompletionTimeouts(connect_s=min(3.0, timeout_s)))
