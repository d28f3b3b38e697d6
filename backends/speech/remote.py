"""Speech servers elsewhere with OpenAI's audio API: one adapter for each address (``remote_pool.py`` chooses).

Rules kept here:

* Each has the jobs and answers of a worker (``backends/speech/whisper.py``, ``piper.py``), so no caller
  depends on where the work is done.
* A server that is late, refuses, breaks off or sends invalid data is a ``ProviderError``.
* A server's transcript passes the same rules as our own recogniser's.
"""

import enum
import io
import logging
import wave
from typing import Final

import attrs
import msgspec
import numpy as np
import trio

from backends.jobs import Clip, ClipTranscript, ClipTranscripts, SpeakText, SpokenText, TranscribeClips
from backends.json_faults import JSON_FAULTS
from backends.llm.http_model import CompletionTimeouts, LlmServer, ModelServerRefused
from backends.protocols import ProviderError
from config.settings import OpenAISpeechSettings, OpenAITranscriptionSettings
from protocol.audio import remote_utterance, transcripts
from protocol.audio.remote_utterance import UtteranceAnswer, UtteranceRequest, Versioned
from protocol.audio.transcripts import Evidence
from protocol.messages.hearing import INTERNAL_RATE_HZ, SpokenWord

log = logging.getLogger("sayso.speech")

SPEECH_RATE_HZ: Final = 24_000  # what OpenAI's API means by "pcm"
PROMPT_MAX_CHARS: Final = 600  # Whisper takes 224 tokens
UNKNOWN_LOGPROB: Final = -0.2  # if a server gives none: neither sure nor doubtful
BAD_REQUEST: Final = frozenset({400, 422})


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
    sayso: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    """Empty of a server that is no sayso."""


class RequestForm(enum.Enum):
    """What a server is asked with, the most first; it is asked with less if it refuses more."""

    UTTERANCE = "sayso's vocabulary and alternatives"
    VERBOSE = "OpenAI's verbose_json"
    PLAIN = "OpenAI's json"

    @property
    def lesser(self) -> "RequestForm | None":
        """The next one; ``None`` after the last."""
        forms = list(RequestForm)
        number = forms.index(self) + 1
        return forms[number] if number < len(forms) else None


@attrs.define
class RemoteRecogniser:
    """``POST /v1/audio/transcriptions``, one request an utterance."""

    server: LlmServer
    model: str
    timeout_s: float
    _form: RequestForm = RequestForm.UTTERANCE
    """The most that the server has taken: not every server and model has ``verbose_json``."""
    _is_sayso: bool | None = None
    """Whether it has answered as another sayso; ``None`` before its first answer."""

    @classmethod
    def from_settings(cls, settings: OpenAITranscriptionSettings, url: str) -> "RemoteRecogniser":
        """Return the recogniser at one of the addresses of the settings."""
        server = _server(url, settings.api_key, settings.timeout_s)
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
        body = await self._accepted(clip, pcm)
        try:
            heard = msgspec.json.decode(body, type=_RemoteTranscript)
            own = own_answer(heard.sayso) if bytes(heard.sayso) else None
        except JSON_FAULTS as error:
            raise ProviderError(f"{self.server.url} sent a transcription that cannot be read: {error}") from error
        self._note_kind(is_sayso=own is not None)
        if own is not None:
            return own
        return judged(heard, clip, pcm, compute_s=trio.current_time() - started_s)

    async def _accepted(self, clip: Clip, pcm: bytes) -> bytes:
        """Return the answer to the most that the server takes."""
        form = self._form
        while True:
            try:
                body = await self._ask(clip, pcm, form)
            except ModelServerRefused as error:
                lesser = form.lesser
                if error.status not in BAD_REQUEST or lesser is None:
                    raise
                refusal, form = error, lesser
            else:
                if form is not self._form:
                    log.warning("%s is asked with %s: %s", self.server.url, form.value, refusal.said or refusal)
                    self._form = form
                return body

    async def _ask(self, clip: Clip, pcm: bytes, form: RequestForm) -> bytes:
        fields = {"model": self.model, "response_format": "json" if form is RequestForm.PLAIN else "verbose_json"}
        headers = {}
        if form is RequestForm.UTTERANCE:
            headers[remote_utterance.HEADER] = str(remote_utterance.VERSION)
            fields[remote_utterance.FIELD] = self._own_request(clip)
        if clip.language:
            fields["language"] = clip.language.partition("-")[0]
        if clip.vocabulary:
            fields["prompt"] = ", ".join(clip.vocabulary)[:PROMPT_MAX_CHARS]
        if clip.wants_words and form is not RequestForm.PLAIN:
            fields["timestamp_granularities[]"] = "word"
        file = ("speech.wav", wav_of(pcm), "audio/wav")
        path = "/audio/translations" if clip.translate else "/audio/transcriptions"
        return await self.server.post_form(path, fields, file, self.timeout_s, headers)

    # --- another sayso ---------------------------------------------------------------------------

    def _own_request(self, clip: Clip) -> str:
        request = UtteranceRequest(
            version=remote_utterance.VERSION,
            within_s=min(self.timeout_s, remote_utterance.MOST_WITHIN_S),
            language=clip.language,
            vocabulary=remote_utterance.sendable(clip.vocabulary),
            wants_words=clip.wants_words,
        )
        return msgspec.json.encode(request).decode()

    def _note_kind(self, *, is_sayso: bool) -> None:
        if is_sayso is not self._is_sayso:
            what = "as another sayso" if is_sayso else "as a server with OpenAI's API: without alternatives"
            log.info("%s answers %s", self.server.url, what)
        self._is_sayso = is_sayso


def own_answer(sent: msgspec.Raw) -> ClipTranscript | None:
    """Return what another sayso has recognised; ``None`` if it is of an unknown version."""
    if msgspec.json.decode(sent, type=Versioned).version != remote_utterance.VERSION:
        return None
    answer = msgspec.json.decode(sent, type=UtteranceAnswer)
    return ClipTranscript(
        text=answer.text,
        language=answer.language,
        confidence=answer.confidence,
        alternatives=answer.alternatives,
        no_speech=answer.no_speech,
        compute_s=answer.compute_s,
        words=answer.words,
    )


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
    def from_settings(
        cls, settings: OpenAISpeechSettings, url: str, fallback_voice: str | None = None
    ) -> "RemoteSynthesiser":
        """Return the synthesiser at one of the addresses of the settings."""
        return cls(_server(url, settings.api_key, settings.timeout_s), settings, fallback_voice)

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
