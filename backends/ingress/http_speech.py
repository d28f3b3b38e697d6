"""OpenAI's text to speech: the sound goes out sentence by sentence, as it is made.

Rules kept here:

* The first sentence is spoken before the answer begins, so that what cannot be done is an error with a status.
* The next sentence is made when the one before it has been taken: a client that reads slowly costs nothing else.
* One sentence is sent whole, with its length. A stream has none, in its head neither.
* What fails in mid-answer cuts a sound off, and is an event where the client reads events.
"""

import base64
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final

import attrs
import msgspec
import trio
from quart import Response, request

from backends.ingress.api_errors import ApiError
from backends.ingress.audio_names import VoiceObject, language_of_voice, voice_of
from backends.ingress.audio_services import RETRY_AFTER_S, AudioServices
from backends.ingress.hypercorn_bridge import AnswerCutOff
from backends.ingress.json_body import BadBody, read_json
from backends.speech.encoding import FORMATS, FileEncoder, StreamedFile, encode
from backends.speech.piper import SPEED_MAX, SPEED_MIN
from protocol.language.sentences import SentenceCutter
from protocol.messages.speaking import SpokenAudio
from runtime.messaging.errors import AskError, MailboxError

log = logging.getLogger("sayso.http")

MAX_INPUT_CHARS: Final = 4_096  # OpenAI's
SHOWN_CHARS: Final = 80  # of a name, in an error message
STREAM_TIMEOUT_S: Final = 3_600.0  # for one answer, which a client may read as slowly as it plays
STREAM_FORMATS: Final = ("audio", "sse")


class _SpeechBody(msgspec.Struct):
    input: str
    model: str | None = None
    voice: str | VoiceObject | None = None
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
    are_events: bool = False
    """Whether the sound is wanted as Server-Sent Events."""

    @classmethod
    def parse(cls, data: str | bytes) -> "SpeechForm":
        """Check the body; raises ``ApiError``."""
        try:
            body = read_json(data, _SpeechBody)
        except BadBody as error:
            raise ApiError(400, f"the body must be JSON with model, input and voice: {error}") from error
        if not 0 < len(body.input) <= MAX_INPUT_CHARS:
            raise ApiError(400, f"input must have 1 to {MAX_INPUT_CHARS} characters, not {len(body.input)}", "input")
        form = body.response_format or "mp3"
        if form not in FORMATS:
            told = f"response_format must be one of {', '.join(FORMATS)}, not {form[:20]!r}"
            raise ApiError(400, told, "response_format")
        stream = body.stream_format or "audio"
        if stream not in STREAM_FORMATS:
            told = f"stream_format must be one of {', '.join(STREAM_FORMATS)}, not {stream[:20]!r}"
            raise ApiError(400, told, "stream_format")
        speed = 1.0 if body.speed is None else body.speed
        if not SPEED_MIN <= speed <= SPEED_MAX:
            raise ApiError(400, f"speed must be between {SPEED_MIN:g} and {SPEED_MAX:g}, not {speed:g}", "speed")
        return cls(body.input, voice_of(body.voice), form, speed, stream == "sse")


async def speech_answer(services: AudioServices) -> Response:
    """Speak the text of the request at hand; raises ``ApiError``."""
    wanted = SpeechForm.parse(await request.get_data(as_text=False))
    voices = await trio.to_thread.run_sync(services.voices)
    if wanted.voice is not None and voices and wanted.voice not in voices:
        told = f"voice must be one of {', '.join(voices)}, not {wanted.voice[:SHOWN_CHARS]!r}"
        raise ApiError(400, told, "voice")
    language = language_of_voice(wanted.voice or (voices[0] if voices else ""))
    sentences = sentences_of(wanted.input, language)
    if not sentences:
        raise ApiError(400, "input must hold something that can be spoken", "input")
    job = SpeechJob(services, wanted, sentences[1:])
    try:
        first = await job.speak(sentences[0])
    except (AskError, MailboxError) as error:
        raise ApiError(503, f"the text could not be spoken: {error}", None, RETRY_AFTER_S) from error
    if wanted.are_events:
        return stream_of(job.events(first), "text/event-stream")
    content_type = FORMATS[wanted.response_format].content_type
    if not job.rest:
        whole = await trio.to_thread.run_sync(encode, first.pcm, first.sample_rate, wanted.response_format)
        return Response(whole, mimetype=content_type)
    return stream_of(job.sound(first), content_type)


@attrs.frozen
class SpeechJob:
    """One text that is spoken."""

    services: AudioServices
    wanted: SpeechForm
    rest: Sequence[str]
    """Its sentences after the first one."""

    async def speak(self, sentence: str) -> SpokenAudio:
        """Return a sentence's speech; raises ``AskError`` or ``MailboxError``."""
        return await self.services.synthesise(sentence, self.wanted.voice, self.wanted.speed)

    async def sound(self, first: SpokenAudio) -> AsyncIterator[bytes]:
        """Yield the sound in the wanted format, as it is made; raises ``AnswerCutOff``."""
        try:
            async with aclosing(self._parts(first)) as parts:
                async for part in parts:
                    yield part
        except (AskError, MailboxError) as error:
            raise AnswerCutOff(f"the rest of a text could not be spoken: {error}") from error

    async def events(self, first: SpokenAudio) -> AsyncIterator[bytes]:
        """Yield OpenAI's events of the sound."""
        try:
            async with aclosing(self._parts(first)) as parts:
                async for part in parts:
                    yield event({"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()})
        except (AskError, MailboxError) as error:
            log.warning("the rest of a text could not be spoken: %s", error)
            yield event({"type": "error", "error": {"type": "server_error", "message": "the rest could not be spoken"}})
            return
        yield event({"type": "speech.audio.done"})

    async def _parts(self, first: SpokenAudio) -> AsyncGenerator[bytes]:
        file = StreamedFile()
        encoder = await trio.to_thread.run_sync(FileEncoder, first.sample_rate, self.wanted.response_format, file)
        await trio.to_thread.run_sync(encoder.feed, first.pcm)
        if data := file.take():
            yield data
        for sentence in self.rest:
            audio = await self.speak(sentence)
            await trio.to_thread.run_sync(encoder.feed, audio.pcm)
            if data := file.take():
                yield data
        await trio.to_thread.run_sync(encoder.finish)
        if data := file.take():
            yield data


def stream_of(body: AsyncIterator[bytes], content_type: str) -> Response:
    """Return an answer that is sent as it is made."""
    response = Response(body, mimetype=content_type)
    response.timeout = STREAM_TIMEOUT_S
    return response


def event(fields: dict[str, object]) -> bytes:
    """Return a Server-Sent Event."""
    return b"data: %s\n\n" % msgspec.json.encode(fields)


def sentences_of(text: str, language: str = "en") -> list[str]:
    """Return a text in pieces short enough for a job; its numbers are written out in the language."""
    cutter = SentenceCutter(language)
    return [*cutter.feed(text), *cutter.flush()]
