"""OpenAI's audio API: recordings to text, text to speech.

Rules kept here:

* This is background work: it is the first to be refused under load, rests while the server is under load, and
  never takes the last worker from live sessions.
* A recording is decoded as its segments are transcribed, by another process; of an hour only seconds are in memory.
* A recording counts as in work once its body has arrived whole; until then only ``Storage`` bounds it.
* A transcription that is streamed takes one segment after the other, as fast as its client reads them.
* Errors have OpenAI's shape, so that its clients show them.
"""

import contextlib
import logging
import math
import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, Literal, cast

import attrs
import trio
from quart import Response, jsonify, request
from werkzeug.datastructures import MultiDict

from backends.ingress.api_errors import ApiError, error_fields, error_response
from backends.ingress.audio_names import language_of_voice, model_of
from backends.ingress.audio_services import RETRY_AFTER_S, AudioServices, TranscriptionOptions
from backends.ingress.http_answers import admitted, held_for_answer
from backends.ingress.http_speech import SHOWN_CHARS, event, speech_answer, stream_of
from backends.ingress.http_utterance import is_utterance, utterance_answer
from backends.ingress.uploads import UploadFile, UploadRequest
from backends.protocols import BadAudio
from backends.speech.recordings import Cutter, Recording
from config.settings import Role
from protocol.audio.captions import FORMATS, Caption, to_srt, to_verbose, to_vtt, to_words, whole_text
from protocol.audio.remote_utterance import HEADER
from protocol.language.languages import normalised, primary
from protocol.messages.hearing import NoWords, Recognition, Utterance
from protocol.messages.recordings import CloseRecording
from runtime.messaging.errors import AskError, MailboxError

log = logging.getLogger("sayso.http")

TRANSCRIPTIONS: Final = "/v1/audio/transcriptions"
TRANSLATIONS: Final = "/v1/audio/translations"
SPEECH: Final = "/v1/audio/speech"
MODELS: Final = "/v1/models"
USUAL_MODEL: Final = "whisper-1"
SPEECH_MODEL: Final = "tts-1"
VOICES: Final = "/v1/audio/voices"
MAX_AT_ONCE: Final = 2  # recordings in work: their segments wait in one queue
PATIENCE_S: Final = 120.0  # that a segment may wait while live sessions fill the queue


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

    async def translations(self) -> Response:
        """Transcribe an uploaded recording into English, whatever is spoken in it."""
        try:
            return await self._transcribed(cast("UploadRequest", request), translate=True)
        except ApiError as error:
            return error_response(error)

    async def speech(self) -> Response:
        """Speak a text."""
        try:
            self.refuse_other_roles("speak")
            self.refuse_under_load()
            return await speech_answer(self._services)
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

    async def voices(self) -> Response:
        """List the voices, the default first, as clients of speech servers expect it."""
        names = await trio.to_thread.run_sync(self._services.voices) or ()
        return jsonify({"voices": [{"id": name, "name": name, "language": language_of_voice(name)} for name in names]})

    async def _model_names(self) -> Sequence[str]:
        voices = await trio.to_thread.run_sync(self._services.voices)
        speaks = "speak" in self._services.does and (voices is None or bool(voices))
        recognisers = (*self._services.models(), USUAL_MODEL) if "recognise" in self._services.does else ()
        return (*recognisers, SPEECH_MODEL) if speaks else recognisers

    def refuse_under_load(self) -> None:
        """Raise ``ApiError`` while work that can wait has to."""
        retry_after_s = admitted().retry_deferrable_s
        if retry_after_s is not None:
            raise ApiError(503, "the server is under load; recordings and texts have to wait", None, retry_after_s)

    def refuse_other_roles(self, wanted: Role) -> None:
        """Raise ``ApiError`` for work that this server is not there for."""
        does = self._services.does
        if wanted not in does:
            raise ApiError(
                404, f"this server is there for other work: its role is {', '.join(does)} (supervisor.roles)"
            )

    # --- recordings ------------------------------------------------------------------------------

    async def _transcribed(self, upload_request: UploadRequest, *, translate: bool = False) -> Response:
        with contextlib.ExitStack() as held:
            held.callback(upload_request.close_uploads)
            with self.counting_refusals():
                self.refuse_other_roles("recognise")
                if HEADER not in request.headers:
                    self.refuse_under_load()
                upload, wanted = await self._received(upload_request, translate=translate)
                form = await upload_request.form
                if is_utterance(form):
                    tenant = admitted().identity.tenant
                    return await utterance_answer(self._services, form, upload, wanted.hearing, tenant)
                self.refuse_under_load()
                held.callback(self.take_place())
            job = self.job(upload.path, wanted.hearing, held)
            if wanted.is_streamed:
                held_for_answer().push(held.pop_all())
                return stream_of(self._events(job), "text/event-stream")
            await self.whole(job)
        return _page(job, wanted)

    @contextlib.contextmanager
    def counting_refusals(self) -> Iterator[None]:
        """Count what is refused before anything is decoded; the rest is counted by the decoder."""
        try:
            yield
        except ApiError as error:
            self._services.media.count("busy" if error.retry_after_s is not None else "bad_request")
            raise

    async def _received(
        self, upload_request: UploadRequest, *, translate: bool
    ) -> tuple[UploadFile, "TranscriptionForm"]:
        """Wait for the whole body, and return its file and fields; raises ``ApiError``."""
        form, files = await upload_request.form, await upload_request.files
        wanted = TranscriptionForm.read(form)
        self.check_model(wanted.hearing.model)
        if translate:
            wanted = self._translating(wanted)
        else:
            problem = self._services.hearing_problem(wanted.hearing.language, wanted.hearing.model)
            if problem is not None:
                raise ApiError(400, problem, "language")
        if "file" not in files:
            raise ApiError(400, "file must be a recording, sent as multipart/form-data", "file")
        return cast("UploadFile", files["file"].stream), wanted

    def _translating(self, wanted: "TranscriptionForm") -> "TranscriptionForm":
        """Return the fields for a translation, with the model that does it; raises ``ApiError`` if none can."""
        model = self._services.translator(wanted.hearing.model)
        if model is None:
            named = wanted.hearing.model
            which = "no model of this server translates" if named is None else f"model {named} does not translate"
            raise ApiError(400, f"{which}: one that hears other languages than English can, such as base", "model")
        return attrs.evolve(wanted, hearing=attrs.evolve(wanted.hearing, model=model, translate=True))

    def take_place(self) -> Callable[[], None]:
        """Take a place for a recording in work, and return what leaves it; raises ``ApiError`` if all are taken."""
        if self._at_once >= MAX_AT_ONCE:
            raise ApiError(503, f"{MAX_AT_ONCE} recordings are in work already", None, RETRY_AFTER_S)
        self._at_once += 1

        def leave() -> None:
            self._at_once -= 1

        return leave

    def check_model(self, name: str | None) -> None:
        """Raise ``ApiError`` for a model that is not offered."""
        offered = self._services.models()
        if name is not None and name not in offered:
            told = f"model must be one of {', '.join(offered)} or whisper-1, not {name[:SHOWN_CHARS]!r}"
            raise ApiError(404, told, "model", code="model_not_found")

    def job(self, path: str, wanted: TranscriptionOptions, held: contextlib.ExitStack) -> "RecordingJob":
        """Return the work on the recording at ``path``, which is closed with ``held``."""
        recording_id = secrets.token_hex(8)
        media = self._services.media
        recording = Recording(recording_id, path, media.read, Cutter(self._services.make_detector()))
        job = RecordingJob(self._services, recording, wanted)

        def close() -> None:
            if not recording.is_over:
                media.close(CloseRecording(recording_id, job.outcome))

        held.callback(close)
        return job

    async def whole(self, job: "RecordingJob") -> None:
        """Transcribe a whole recording; raises ``ApiError``."""
        try:
            await job.run()
        except BadAudio as error:
            raise ApiError(400, str(error), "file") from error
        except (AskError, MailboxError) as error:
            raise ApiError(503, f"the recording could not be transcribed: {error}", None, RETRY_AFTER_S) from error

    async def _events(self, job: "RecordingJob") -> AsyncIterator[bytes]:
        """Yield OpenAI's events of a transcription: a delta for each segment, and the whole."""
        texts: list[str] = []
        try:
            while (following := await job.following()) is not None:
                caption = await job.caption(*following)
                if caption is not None:
                    delta = f" {caption.text}" if texts else caption.text
                    texts.append(caption.text)
                    yield event({"type": "transcript.text.delta", "delta": delta})
        except BadAudio as error:
            yield _broken(ApiError(400, str(error), "file"))
        except (AskError, MailboxError) as error:
            log.warning("the rest of a recording could not be transcribed: %s", error)
            yield _broken(ApiError(503, "the rest of the recording could not be transcribed"))
        else:
            yield event({"type": "transcript.text.done", "text": " ".join(texts)})


@attrs.define
class RecordingJob:
    """Transcribes one recording, a few segments at a time."""

    _services: AudioServices
    recording: Recording
    _wanted: TranscriptionOptions
    heard_language: str = ""
    outcome: Literal["abandoned", "unavailable"] = "abandoned"
    """What is told of a recording that was not transcribed to its end."""
    _found: dict[int, Caption] = attrs.field(factory=dict)
    _next: int = 0
    _reading: trio.Lock = attrs.field(factory=trio.Lock)

    async def run(self) -> None:
        """Transcribe the whole recording; raises ``BadAudio``, ``AskError`` or ``MailboxError``."""
        failures: list[Exception] = []
        async with trio.open_nursery() as nursery:
            for _ in range(self._services.pace.at_once):
                nursery.start_soon(self._work, failures, nursery.cancel_scope)
        if failures:
            raise failures[0]

    def captions(self) -> list[Caption]:
        """Return the captions in order of time."""
        return [self._found[number] for number in sorted(self._found)]

    async def following(self) -> tuple[int, Utterance] | None:
        """Return the next segment with its number, ``None`` at the end; raises as ``run`` does."""
        async with self._reading:
            utterance = await self.recording.next_utterance()
            if utterance is None:
                return None
            self._next += 1
            return self._next, utterance

    async def caption(self, number: int, utterance: Utterance) -> Caption | None:
        """Transcribe a segment; ``None`` if it has no words. Raises ``AskError`` or ``MailboxError``."""
        try:
            answer = await self._ask(utterance)
        except (AskError, MailboxError):
            self.outcome = "unavailable"
            raise
        if not isinstance(answer, Recognition):
            return None
        self.heard_language = self.heard_language or answer.language
        self._found[number] = Caption.of(utterance, answer)
        return self._found[number]

    async def _work(self, failures: list[Exception], scope: trio.CancelScope) -> None:
        try:
            while (following := await self.following()) is not None:
                await self.caption(*following)
        except (BadAudio, AskError, MailboxError) as error:
            self.outcome = "abandoned" if isinstance(error, BadAudio) else "unavailable"
            failures.append(error)
            scope.cancel()

    async def _ask(self, utterance: Utterance) -> Recognition | NoWords:
        """Transcribe a segment: wait until the server is not under load, and ask again while the queue is full."""
        give_up_s = trio.current_time() + PATIENCE_S
        while True:
            pause_s = self._services.pace.rest_s()
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
            told = f"response_format must be one of {', '.join(FORMATS)}, not {wanted[:20]!r}"
            raise ApiError(400, told, "response_format")
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
        model = model_of(form.get("model"))
        is_streamed = (form.get("stream") or "").lower() in {"true", "1"}
        if is_streamed and wanted != "json":
            raise ApiError(400, f"stream=true needs response_format json, not {wanted}", "stream")
        return cls(TranscriptionOptions(language, model, "word" in granularities), wanted, is_streamed)


def _page(job: RecordingJob, wanted: TranscriptionForm) -> Response:
    """Return the whole transcription in the wanted form."""
    captions = job.captions()
    duration_s = job.recording.duration_s
    usage = {"type": "duration", "seconds": math.ceil(duration_s)}
    match wanted.response_format:
        case "text":
            return Response(whole_text(captions) + "\n", mimetype="text/plain")
        case "srt":
            return Response(to_srt(captions), mimetype="application/x-subrip")
        case "vtt":
            return Response(to_vtt(captions), mimetype="text/vtt")
        case "verbose_json":
            language = wanted.hearing.language or job.heard_language
            page = to_verbose(captions, language=language, duration_s=duration_s, translate=wanted.hearing.translate)
            words = {"words": to_words(captions)} if wanted.hearing.words else {}
            return jsonify(page | words | {"usage": usage})
        case _:
            return jsonify({"text": whole_text(captions), "usage": usage})


def _broken(error: ApiError) -> bytes:
    return event({"type": "error", "error": error_fields(error)})


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "sayso"}
