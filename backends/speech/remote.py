"""Speech servers elsewhere that speak OpenAI's audio API, with our own processes behind them.

Rules kept here:

* Each has the jobs and answers of a worker (``backends/speech/whisper.py``, ``piper.py``), so nobody in front of it
  knows where the work is done.
* A server that is late, refuses, breaks off or talks nonsense costs one deadline; then our own processes do the job.
  One that keeps failing is left alone for a while (``runtime/policies/breaker.py``).
* What a server claims to have heard passes the same rules as our own recogniser's words.
"""

import io
import logging
import wave
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import attrs
import msgspec
import numpy as np
import trio

from backends.llm.http_model import CompletionTimeouts, LlmServer
from backends.protocols import JobPool, ProviderError
from config.settings import OpenAISpeechSettings, OpenAITranscriptionSettings
from protocol.audio import transcripts
from protocol.audio.transcripts import Evidence
from protocol.messages.hearing import INTERNAL_RATE_HZ
from runtime.policies.breaker import Breaker, BreakerState
from runtime.workers.pool import PoolUnavailable

log = logging.getLogger("sayso.speech")

SPEECH_RATE_HZ: Final = 24_000  # what OpenAI's API means by "pcm"
PROMPT_MAX_CHARS: Final = 600  # Whisper takes 224 tokens
UNKNOWN_LOGPROB: Final = -0.2  # where a server does not say: neither sure nor doubtful
BAD_REQUEST: Final = 400

Work = Callable[[Mapping[str, Any], bytes], Awaitable[tuple[dict[str, Any], bytes]]]


class RemoteFirst:
    """A ``JobPool``: a server does ``method``, and ``pool`` what it cannot, and everything else."""

    def __init__(self, name: str, method: str, work: Work, pool: JobPool | None) -> None:
        """Take the pool to fall back to; None leaves the server alone with it all."""
        self._name = name
        self._method = method
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
        """Call ``on_change()`` whenever the workers of the pool may have changed."""
        if self._pool is not None:
            self._pool.set_on_change(on_change)

    def statistics(self) -> Mapping[str, Any]:
        """Show the server and the pool behind it."""
        is_well = self._breaker.state is BreakerState.CLOSED
        alone = {"size": 1, "ready": int(is_well), "waiting": 0, "rss_bytes": 0, "pss_bytes": 0, "busy_ratio": 0.0}
        behind = alone | {"workers": []} if self._pool is None else self._pool.statistics()
        remote = {"breaker": self._breaker.state.value, "answers": self._answers, "fallbacks": self._fallbacks}
        return {**behind, "remote": {"url": self._name, **remote}}

    async def call(
        self, method: str, params: dict[str, Any], blob: bytes, *, timeout_s: float, attempts: int = 2
    ) -> tuple[dict[str, Any], bytes]:
        """Do one job; raises ``WorkerError``."""
        trouble = f"{self._name} does not do {method}"
        if method == self._method:
            answer = await self._try_remote(params, blob)
            if not isinstance(answer, str):
                return answer
            trouble = answer
        if self._pool is None:
            raise PoolUnavailable(trouble, self._breaker.policy.pause_s)
        self._fallbacks += method == self._method
        return await self._pool.call(method, params, blob, timeout_s=timeout_s, attempts=attempts)

    async def _try_remote(self, params: Mapping[str, Any], blob: bytes) -> tuple[dict[str, Any], bytes] | str:
        """Return the server's answer, or in words why there is none."""
        retry_after_s = self._breaker.retry_after_s(trio.current_time())
        if retry_after_s is not None:
            return f"{self._name} kept failing and is asked again in {retry_after_s:.1f} s"
        try:
            answer = await self._work(params, blob)
        except ProviderError as error:
            was_closed = self._breaker.state is BreakerState.CLOSED
            self._breaker.fail(trio.current_time())
            level = logging.WARNING if was_closed else logging.DEBUG
            log.log(level, "%s: %s", self._method, error)
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

    async def transcribe(self, params: Mapping[str, Any], blob: bytes) -> tuple[dict[str, Any], bytes]:
        """Do the job that ``WhisperWorker.handle("transcribe", ...)`` does; raises ``ProviderError``."""
        items = params["items"]
        answers: list[dict[str, Any]] = [{} for _ in items]
        failures: list[ProviderError] = []

        async def hear(number: int, pcm: bytes) -> None:
            try:
                answers[number] = await self._hear(items[number], pcm)
            except ProviderError as error:
                failures.append(error)
                nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            start = 0
            for number, item in enumerate(items):
                nursery.start_soon(hear, number, blob[start : start + item["bytes"]])
                start += item["bytes"]
        if failures:
            raise failures[0]
        return {"items": answers}, b""

    async def _hear(self, item: Mapping[str, Any], pcm: bytes) -> dict[str, Any]:
        started_s = trio.current_time()
        try:
            body = await self._ask(item, pcm)
        except ProviderError as error:
            if not self._is_verbose or getattr(error, "status", None) != BAD_REQUEST:
                raise
            self._is_verbose = False
            body = await self._ask(item, pcm)
        try:
            heard = msgspec.json.decode(body, type=_RemoteTranscript)
        except msgspec.DecodeError as error:
            raise ProviderError(f"{self.server.url} sent a transcription that cannot be read: {error}") from error
        return answer_of(heard, item, pcm) | {"compute_s": trio.current_time() - started_s}

    async def _ask(self, item: Mapping[str, Any], pcm: bytes) -> bytes:
        fields = {"model": self.model, "response_format": "verbose_json" if self._is_verbose else "json"}
        if item["language"]:
            fields["language"] = item["language"].partition("-")[0]
        if item["vocabulary"]:
            fields["prompt"] = ", ".join(item["vocabulary"])[:PROMPT_MAX_CHARS]
        if item.get("words") and self._is_verbose:
            fields["timestamp_granularities[]"] = "word"
        file = ("speech.wav", wav_of(pcm), "audio/wav")
        return await self.server.post_form("/audio/transcriptions", fields, file, self.timeout_s)


def answer_of(heard: _RemoteTranscript, item: Mapping[str, Any], pcm: bytes) -> dict[str, Any]:
    """Return a server's words as a worker's answer: believed, or with the reason why not."""
    duration_s = len(pcm) / 2 / INTERNAL_RATE_HZ
    segments = heard.segments or []
    logprobs = [segment.avg_logprob for segment in segments if segment.avg_logprob is not None]
    silences = [segment.no_speech_prob for segment in segments if segment.no_speech_prob is not None]
    logprob = sum(logprobs) / len(logprobs) if logprobs else UNKNOWN_LOGPROB
    language = heard.language if heard.language and len(heard.language) <= 3 else item["language"] or ""  # noqa: PLR2004 - "english" is no code
    evidence = Evidence(
        text=heard.text,
        language=language,
        duration_s=duration_s,
        voiced_s=duration_s,  # the audio actor has heard a voice, or nobody would ask
        level_dbfs=level_dbfs(pcm),
        avg_logprob=logprob,
        no_speech_prob=min(silences, default=None),
    )
    reason = transcripts.no_speech_reason(evidence)
    answer: dict[str, Any] = {
        "text": transcripts.tidy(heard.text) if reason is None else "",
        "language": language,
        "confidence": transcripts.confidence(logprob),
        "alternatives": [],
        "no_speech": reason,
    }
    words = [(word.word, round(1000 * word.start), round(1000 * word.end), 1.0) for word in heard.words or ()]
    return answer | {"words": words} if item.get("words") and reason is None else answer


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
    stand_in_voice: str | None = None
    """The usual voice of the pool behind the server, which means the server's own usual one."""

    @classmethod
    def from_settings(cls, settings: OpenAISpeechSettings, stand_in_voice: str | None = None) -> "RemoteSynthesiser":
        """Return the synthesiser that is configured."""
        return cls(_server(settings.url, settings.api_key, settings.timeout_s), settings, stand_in_voice)

    async def speak(self, params: Mapping[str, Any], _blob: bytes) -> tuple[dict[str, Any], bytes]:
        """Do the job that ``PiperWorker.handle("speak", ...)`` does; raises ``ProviderError``."""
        is_usual = params["voice"] in (None, self.stand_in_voice)
        wanted = {
            "model": self.settings.model,
            "input": params["text"],
            "voice": self.settings.voice if is_usual else params["voice"],
            "response_format": "pcm",
            "speed": params["speed"],
        }
        body = msgspec.json.encode(wanted)
        pcm = await self.server.post("/audio/speech", body, self.settings.timeout_s)
        if len(pcm) % 2 or not pcm:
            raise ProviderError(f"{self.server.url} sent {len(pcm)} bytes for speech, which are no 16-bit samples")
        return {"sample_rate": SPEECH_RATE_HZ, "samples": len(pcm) // 2}, pcm


def _server(url: str, api_key: str, timeout_s: float) -> LlmServer:
    return LlmServer(url, api_key=api_key, patience=CompletionTimeouts(connect_s=min(3.0, timeout_s)))
