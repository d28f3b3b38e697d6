"""One utterance of another sayso: recognised at once and whole, with its vocabulary and alternatives.

Rules kept here:

* It is live work: a person waits for it. It neither rests under load nor waits for recordings, and takes its turn in
  the queue as a session of its sender.
* It is no recording: its end was found by the asking server. So it is neither decoded nor cut, and a WAV file of one
  kind is read here, by plain Python.
* An utterance that nobody waits for any more is given up.
"""

from typing import Final

import attrs
import msgspec
from quart import Response, jsonify
from werkzeug.datastructures import MultiDict

from backends.ingress.api_errors import ApiError
from backends.ingress.audio_services import RETRY_AFTER_S, AudioServices, LiveUtterance, TranscriptionOptions
from backends.ingress.uploads import UploadFile
from backends.json_faults import JSON_FAULTS
from backends.speech.wav import PCM, WavKind, wav_parts
from protocol.audio.remote_utterance import FIELD, VERSION, UtteranceAnswer, UtteranceRequest, Versioned
from protocol.audio.transcripts import FULL_WINDOW_S
from protocol.language.languages import normalised
from protocol.messages.hearing import INTERNAL_RATE_HZ, NoWords, Recognition, Utterance
from runtime.messaging.errors import AskError, MailboxError

HEADER_MAX_BYTES: Final = 4_096
MAX_BYTES: Final = FULL_WINDOW_S * INTERNAL_RATE_HZ * 2
KIND: Final = WavKind(PCM, 1, INTERNAL_RATE_HZ, 2)


def is_utterance(form: MultiDict[str, str]) -> bool:
    """Return whether a form holds an utterance of another sayso."""
    return FIELD in form


def read_request(form: MultiDict[str, str]) -> UtteranceRequest:
    """Return what an utterance is to be recognised with; raises ``ApiError``."""
    if (form.get("response_format") or "json") != "verbose_json":
        raise ApiError(400, f"{FIELD} needs response_format verbose_json", "response_format")
    try:
        version = msgspec.json.decode(form[FIELD], type=Versioned).version
        if version == VERSION:
            return msgspec.json.decode(form[FIELD], type=UtteranceRequest)
    except JSON_FAULTS as error:
        raise ApiError(400, f"{FIELD} must be JSON with version {VERSION}: {error}", FIELD) from error
    told = f"{FIELD}.version must be {VERSION}, not {version}: the servers are of different versions of sayso"
    raise ApiError(400, told, FIELD, code="unknown_version")


def read_samples(upload: UploadFile) -> Utterance:
    """Return the utterance of a form's file; raises ``ApiError``."""
    rule = f"file must be a WAV file of 16 kHz, mono, 16 bits, of {FULL_WINDOW_S} s at most"
    if upload.size_bytes > MAX_BYTES + HEADER_MAX_BYTES:
        raise ApiError(400, f"{rule}, not of {upload.size_bytes:,} bytes", "file")
    try:
        kind, pcm = wav_parts(upload.read_all())
    except ValueError as error:
        raise ApiError(400, f"{rule}: {error}", "file") from error
    if kind != KIND or len(pcm) % 2 or len(pcm) > MAX_BYTES:
        raise ApiError(400, f"{rule}, not {attrs.asdict(kind)} with {len(pcm):,} bytes", "file")
    return Utterance(pcm, 0, round(1000 * len(pcm) / 2 / INTERNAL_RATE_HZ))


async def utterance_answer(
    services: AudioServices, form: MultiDict[str, str], upload: UploadFile, options: TranscriptionOptions, tenant: str
) -> Response:
    """Recognise the utterance of a form for ``tenant``; raises ``ApiError``."""
    wanted = read_request(form)
    options = attrs.evolve(
        options,
        language=_language(wanted.language),
        words=wanted.wants_words,
        live=LiveUtterance(tenant, wanted.vocabulary, wanted.within_s),
    )
    utterance = read_samples(upload)
    try:
        found = await services.transcribe(utterance, options)
    except (AskError, MailboxError) as error:
        retry_after_s = getattr(error, "retry_after_s", None) or RETRY_AFTER_S
        raise ApiError(503, f"the utterance could not be recognised: {error}", None, retry_after_s) from error
    answer = answer_of(found, options.language)
    page = {"text": answer.text, "language": answer.language, "duration": utterance.duration_s}
    return jsonify({"task": "transcribe", **page, "segments": [], FIELD: msgspec.to_builtins(answer)})


def _language(tag: str | None) -> str | None:
    try:
        return normalised(tag or "")
    except ValueError as error:
        raise ApiError(400, str(error), FIELD) from error


def answer_of(found: Recognition | NoWords, language: str | None) -> UtteranceAnswer:
    """Return the extension's answer."""
    if isinstance(found, NoWords):
        heard = language or ""
        return UtteranceAnswer(
            version=VERSION, text="", language=heard, confidence=0.0, compute_s=0.0, no_speech=found.reason
        )
    return UtteranceAnswer(
        version=VERSION,
        text=found.text,
        language=found.language,
        confidence=found.confidence,
        compute_s=found.compute_s,
        alternatives=found.alternatives,
        words=found.words,
    )
