"""OpenAI's audio API: recordings to text, text to speech.

Rules kept here:

* This is background work: it is the first to be refused under load, rests while the server is under load, and
  never takes the last worker from live sessions.
* A recording is decoded as its segments are transcribed, by another process; of an hour only seconds are in memory.
* A recording counts as in work once its body has arrived whole; until then only ``Storage`` bounds it.
* Errors have OpenAI's shape, so that its clients show them.
"""

import contextlib
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final, Literal, cast

import attrs
import msgspec
import trio
from quart import Response, jsonify, request
from werkzeug.datastructures import MultiDict

from backends.ingress.api_errors import ApiError, error_response
from backends.ingress.http_answers import admitted
from backends.ingress.uploads import UploadFile, UploadRequest
from backends.protocols import BadAudio, SpeechDetector
from backends.speech.encoding import FORMATS as SPEECH_FORMATS
from backends.speech.encoding import encode
from backends.speech.piper import SPEED_MAX, SPEED_MIN
from backends.speech.recordings import Cutter, Read, Recording
from protocol.audio.captions import FORMATS, Caption, to_srt, to_verbose, to_vtt, to_words, whole_text
from protocol.language.languages import normalised, primary
from protocol.language.sentences import SentenceCutter
from protocol.messages.hearing import NoWords, Recognition, Utterance
from protocol.messages.recordings import CloseRecording
from protocol.messages.speaking import SpokenAudio
from runtime.messaging.errors import AskError, MailboxError

log = logging.getLogger("sayso.http")

TRANSCRIPTIONS: Final = "/v1/audio/transcriptions"
SPEECH: Final = "/v1/audio/speech"
MODELS: Final = "/v1/models"
USUAL_MODEL: Final = "whisper-1"
SPEECH_MODEL: Final = "tts-1"
VOICE_NAME: Final = re.compile(r"([a-z]{2,3})_[A-Z]{2}-")
MAX_AT_ONCE: Final = 2  # recordings in work: their segments wait in one queue
MAX_INPUT_CHARS: Final = 4_096  # OpenAI's
PATIENCE_S: Final = 120.0  # that a segment may wait while live sessions fill the queue
RETRY_AFTER_S: Final = 10.0
SHOWN_CHARS: Final = 80  # of a model's name, in an error message


@attrs.frozen
class TranscriptionOptions:
    """Options for transcribing a recording."""

    language: str | None = None
    model: str | None = None
    words: bool = False
    """Whether the answer has the times of the words."""


@attrs.frozen
class RecordingDecoder:
    """Decodes recordings: the ``media`` actor's reference, behind two functions."""

    read: Read
    """Raises ``AskError`` or ``MailboxError``."""
    close: Callable[[CloseRecording], None]
    count: Callable[[str], None]
    """Counts a recording that was not decoded, by its outcome."""


@attrs.frozen
class AudioServices:
    """The server's functions that the API calls."""

    media: RecordingDecoder
    transcribe: Callable[[Utterance, TranscriptionOptions], Awaitable[Recognition | NoWords]]
    """Raises ``AskError`` or ``MailboxError``."""
    synthesise: Callable[[str, str | None, float], Awaitable[SpokenAudio]]
    """Takes text, voice and speed; raises as ``transcribe`` does."""
    make_detector: Callable[[], SpeechDetector]
    at_once: int
    """How many segments of one recording may be in work: fewer than there are workers, if there are several."""
    rest_s: Callable[[], float | None]
    """Returns the seconds for which a recording must rest under load; ``None`` if it goes on."""
    models: Callable[[], Sequence[str]] = tuple
    """Returns the names of the models that transcribe recordings."""
    hearing_problem: Callable[[str | None, str | None], str | None] = lambda _language, _model: None
    """Returns why a language cannot be transcribed, by the given model if any; ``None`` if it can."""
    voices: Callable[[], Sequence[str] | None] = lambda: None
    """Returns the voices, the default first; ``None`` if any name may be one, empty without speech. Reads the disk."""


class AudioApi:
    """The routes of the audio API."""

    def __init__(self, services: AudioServices) -> None:
        self._services = services
        self._at_once = 0

    async def transcriptions(self) -> Response:
        """Transcribe an uploaded recording."""
        try:
            return await self._transcribed(cast("UploadRequest", request))
        except ApiError as error:
            return error_response(error)

    async def speech(self) -> Response:
        """Speak a text."""
        try:
            self._refuse_under_load()
            return await self._spoken()
        except ApiError as error:
            return error_response(error)

    async def models(self) -> Response:
        """List the models, as OpenAI does."""
        return jsonify({"object": "list", "data": [_model(name) for name in await self._model_names()]})

    async def model(self, name: str) -> Response:
        """Show one model, as OpenAI does."""
        if name not in await self._model_names():
            return error_response(
                ApiError(404, f"the model {name[:SHOWN_CHARS]!r} does not exist", "model", code="model_not_found")
            )
        return jsonify(_model(name))

    async def _model_names(self) -> Sequence[str]:
        voices = await trio.to_thread.run_sync(self._services.voices)
        speaks = () if voices is not None and not voices else (SPEECH_MODEL,)
        return (*self._services.models(), USUAL_MODEL, *speaks)

    def _refuse_under_load(self) -> None:
        retry_after_s = admitted().retry_deferrable_s
        if retry_after_s is not None:
            raise ApiError(503, "the server is under load; recordings and texts have to wait", None, retry_after_s)

    # --- recordings ------------------------------------------------------------------------------

    async def _transcribed(self, upload_request: UploadRequest) -> Response:
        try:
            with self._counting_refusals():
                self._refuse_under_load()
                upload, wanted = await self._received(upload_request)
                self._take_place()
            try:
                return await self._answer(upload, wanted)
            finally:
                self._at_once -= 1
        finally:
            upload_request.close_uploads()

    @contextlib.contextmanager
    def _counting_refusals(self) -> Iterator[None]:
        """Count what is refused before anything is decoded; the rest is counted by the decoder."""
        try:
            yield
        except ApiError as error:
            self._services.media.count("busy" if error.retry_after_s is not None else "bad_request")
            raise

    async def _received(self, upload_request: UploadRequest) -> tuple[UploadFile, "TranscriptionForm"]:
        """Wait for the whole body, and return its file and fields; raises ``ApiError``."""
        form, files = await upload_request.form, await upload_request.files
        wanted = TranscriptionForm.read(form)
        self._check_model(wanted.hearing.model)
        problem = self._services.hearing_problem(wanted.hearing.language, wanted.hearing.model)
        if problem is not None:
            raise ApiError(400, problem, "language")
        if "file" not in files:
            raise ApiError(400, "file must be a recording, sent as multipart/form-data", "file")
        return cast("UploadFile", files["file"].stream), wanted

    def _take_place(self) -> None:
        """Take one of the places for recordings in work; raises ``ApiError`` if all are taken."""
        if self._at_once >= MAX_AT_ONCE:
            raise ApiError(503, f"{MAX_AT_ONCE} recordings are in work already", None, RETRY_AFTER_S)
        self._at_once += 1

    def _check_model(self, name: str | None) -> None:
        offered = self._services.models()
        if name is not None and name not in offered:
            told = f"model must be one of {', '.join(offered)} or whisper-1, not {name[:SHOWN_CHARS]!r}"
            raise ApiError(404, told, "model", code="model_not_found")

    async def _answer(self, upload: UploadFile, wanted: "TranscriptionForm") -> Response:
        recording_id = secrets.token_hex(8)
        media = self._services.media
        recording = Recording(recording_id, upload.path, media.read, Cutter(self._services.make_detector()))
        job = RecordingJob(self._services, recording, wanted.hearing)
        outcome: Literal["abandoned", "unavailable"] = "abandoned"
        try:
            await job.run()
        except BadAudio as error:
            raise ApiError(400, str(error), "file") from error
        except (AskError, MailboxError) as error:
            outcome = "unavailable"
            raise ApiError(503, f"the recording could not be transcribed: {error}", None, RETRY_AFTER_S) from error
        finally:
            if not recording.is_over:
                media.close(CloseRecording(recording_id, outcome))
        captions = job.captions()
        if wanted.is_streamed:
            return Response(events_of(captions), mimetype="text/event-stream")
        match wanted.response_format:
            case "text":
                return Response(whole_text(captions) + "\n", mimetype="text/plain")
            case "srt":
                return Response(to_srt(captions), mimetype="application/x-subrip")
            case "vtt":
                return Response(to_vtt(captions), mimetype="text/vtt")
            case "verbose_json":
                language = wanted.hearing.language or job.heard_language
                page = to_verbose(captions, language=language, duration_s=recording.duration_s)
                return jsonify(page | {"words": to_words(captions)} if wanted.hearing.words else page)
            case _:
                return jsonify({"text": whole_text(captions)})

    # --- speech ----------------------------------------------------------------------------------

    async def _spoken(self) -> Response:
        wanted = await SpeechForm.read()
        voices = await trio.to_thread.run_sync(self._services.voices)
        if wanted.voice is not None and voices and wanted.voice not in voices:
            raise ApiError(400, f"voice must be one of {', '.join(voices)}, not {wanted.voice[:80]!r}", "voice")
        voice_language = language_of_voice(wanted.voice or (voices[0] if voices else ""))
        spoken: list[SpokenAudio] = []
        try:
            for sentence in sentences_of(wanted.input, voice_language):
                part = await self._services.synthesise(sentence, wanted.voice, wanted.speed)
                spoken.append(part)
        except (AskError, MailboxError) as error:
            raise ApiError(503, f"the text could not be spoken: {error}", None, RETRY_AFTER_S) from error
        if not spoken:
            raise ApiError(400, "input must hold something that can be spoken", "input")
        pcm, rate_hz = b"".join(audio.pcm for audio in spoken), spoken[0].sample_rate
        data = await trio.to_thread.run_sync(encode, pcm, rate_hz, wanted.response_format)
        return Response(data, mimetype=SPEECH_FORMATS[wanted.response_format].content_type)


@attrs.define
class RecordingJob:
    """Transcribes one recording, a few segments at a time."""

    _services: AudioServices
    _recording: Recording
    _wanted: TranscriptionOptions
    heard_language: str = ""
    _found: dict[int, Caption] = attrs.field(factory=dict)
    _next: int = 0
    _reading: trio.Lock = attrs.field(factory=trio.Lock)

    async def run(self) -> None:
        """Transcribe the whole recording; raises ``BadAudio``, ``AskError`` or ``MailboxError``."""
        failures: list[Exception] = []
        async with trio.open_nursery() as nursery:
            for _ in range(self._services.at_once):
                nursery.start_soon(self._work, failures, nursery.cancel_scope)
        if failures:
            raise failures[0]

    def captions(self) -> list[Caption]:
        """Return the captions in order of time."""
        return [self._found[number] for number in sorted(self._found)]

    async def _work(self, failures: list[Exception], scope: trio.CancelScope) -> None:
        try:
            while (following := await self._following()) is not None:
                number, utterance = following
                answer = await self._ask(utterance)
                if isinstance(answer, Recognition):
                    self.heard_language = self.heard_language or answer.language
                    self._found[number] = Caption.of(utterance, answer)
        except (BadAudio, AskError, MailboxError) as error:
            failures.append(error)
            scope.cancel()

    async def _following(self) -> tuple[int, Utterance] | None:
        async with self._reading:
            utterance = await self._recording.next_utterance()
            if utterance is None:
                return None
            self._next += 1
            return self._next, utterance

    async def _ask(self, utterance: Utterance) -> Recognition | NoWords:
        """Transcribe a segment: wait until the server is not under load, and ask again while the queue is full."""
        give_up_s = trio.current_time() + PATIENCE_S
        while True:
            pause_s = self._services.rest_s()
            if pause_s is None or trio.current_time() + pause_s > give_up_s:
                try:
                    return await self._services.transcribe(utterance, self._wanted)
                except (AskError, MailboxError) as error:
                    pause_s = getattr(error, "retry_after_s", None)
                    if pause_s is None or trio.current_time() + pause_s > give_up_s:
                        raise
            await trio.sleep(pause_s)


# --- request bodies -------------------------------------------------------------------------------


@attrs.frozen
class TranscriptionForm:
    """The fields that come with a recording; others of OpenAI's are taken and have no effect."""

    hearing: TranscriptionOptions
    response_format: str
    is_streamed: bool = False

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> "TranscriptionForm":
        """Check the fields; raises ``ApiError``."""
        wanted = form.get("response_format") or "json"
        if wanted not in FORMATS:
            raise ApiError(400, f"response_format must be one of {', '.join(FORMATS)}, not {wanted[:20]!r}")
        fields = ("timestamp_granularities[]", "timestamp_granularities")
        granularities = {text for name in fields for text in form.getlist(name)}
        if granularities - {"word", "segment"}:
            raise ApiError(400, "timestamp_granularities must be word or segment", "timestamp_granularities")
        if "word" in granularities and wanted != "verbose_json":
            raise ApiError(400, "times of words need response_format verbose_json", "timestamp_granularities")
        try:
            language = primary(normalised(form.get("language") or ""))
        except ValueError as error:
            raise ApiError(400, str(error), "language") from error
        model = None if form.get("model") in OPENAI_MODELS else form.get("model") or None
        is_streamed = (form.get("stream") or "").lower() in {"true", "1"}
        if is_streamed and wanted != "json":
            raise ApiError(400, f"stream=true needs response_format json, not {wanted}", "stream")
        return cls(TranscriptionOptions(language, model, "word" in granularities), wanted, is_streamed)


class _SpeechBody(msgspec.Struct):
    input: str
    model: str | None = None
    voice: str | None = None
    response_format: str | None = None
    speed: float | None = None
    stream_format: str | None = None


@attrs.frozen
class SpeechForm:
    """A text to be spoken."""

    input: str
    voice: str | None
    response_format: str
    speed: float

    @classmethod
    async def read(cls) -> "SpeechForm":
        """Check the body; raises ``ApiError``."""
        try:
            body = msgspec.json.decode(await request.get_data(as_text=False), type=_SpeechBody)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ApiError(400, f"the body must be JSON with model, input and voice: {error}") from error
        if not 0 < len(body.input) <= MAX_INPUT_CHARS:
            raise ApiError(400, f"input must have 1 to {MAX_INPUT_CHARS} characters, not {len(body.input)}", "input")
        form = body.response_format or "mp3"
        if form not in SPEECH_FORMATS:
            raise ApiError(400, f"response_format must be one of {', '.join(SPEECH_FORMATS)}, not {form[:20]!r}")
        if body.stream_format not in {None, "audio"}:
            raise ApiError(400, f"stream_format must be audio, not {str(body.stream_format)[:20]!r}", "stream_format")
        speed = 1.0 if body.speed is None else body.speed
        if not SPEED_MIN <= speed <= SPEED_MAX:
            raise ApiError(400, f"speed must be between {SPEED_MIN:g} and {SPEED_MAX:g}, not {speed:g}", "speed")
        voice = None if body.voice in OPENAI_VOICES else body.voice or None
        return cls(body.input, voice, form, speed)


# OpenAI's own models mean the usual one here
OPENAI_MODELS: Final = frozenset({"whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe"})
# OpenAI's own voices mean nothing here: a request for one gets the configured voice
OPENAI_VOICES: Final = frozenset(
    {"alloy", "ash", "ballad", "coral", "echo", "fable", "nova", "onyx", "sage", "shimmer", "verse", "marin", "cedar"}
)


def sentences_of(text: str, language: str = "en") -> list[str]:
    """Return a text in pieces short enough for a job; its numbers are written out in the language."""
    cutter = SentenceCutter(language)
    return [*cutter.feed(text), *cutter.flush()]


def language_of_voice(name: str) -> str:
    """Return the "de" of Piper's "de_DE-thorsten-medium"; English for a name that does not tell."""
    match = VOICE_NAME.match(name)
    return "en" if match is None else match[1]


def events_of(captions: Sequence[Caption]) -> str:
    """Return OpenAI's Server-Sent Events of a transcription: a delta for each caption, and the whole."""
    deltas = [{"type": "transcript.text.delta", "delta": caption.text + " "} for caption in captions]
    whole = {"type": "transcript.text.done", "text": whole_text(captions)}
    return "".join(f"data: {json.dumps(event)}\n\n" for event in (*deltas, whole))


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "sayso"}
