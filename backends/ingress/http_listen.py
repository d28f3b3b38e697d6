"""Deepgram's API for recordings, ``POST /v1/listen``: a recording as the body, its words in one answer.

Rules kept here:

* The same limits hold as for OpenAI's transcriptions (``http_audio.py``): the same places, the same order under load.
* Nothing is fetched: a ``url`` is refused.
* Samples without a container are decoded by the same worker as everything else, behind the head of a WAV file.
* Errors have Deepgram's form, those too that are decided before this route is asked.
"""

import contextlib
import hashlib
import json
import struct
import time
import uuid
from collections.abc import Sequence
from typing import Any, Final, cast

import attrs
from quart import Response, jsonify, request
from werkzeug.exceptions import HTTPException

from backends.ingress.api_errors import ApiError
from backends.ingress.audio_services import AudioServices, TranscriptionOptions
from backends.ingress.http_audio import AudioApi, RecordingJob
from backends.ingress.uploads import JSON, UploadRequest
from backends.protocols import HttpAnswer
from protocol.audio.captions import Caption, whole_text
from protocol.dialects.deepgram.listen_audio import SAMPLE_BYTES, WAV_ENCODINGS
from protocol.dialects.deepgram.listen_frames import (
    BAD_QUERY,
    DIGITS,
    error_body,
    iso_time,
    model_info,
    model_uuid,
    word_fields,
)
from protocol.dialects.deepgram.listen_query import BadListenQuery, ListenQuery, ListenSound
from protocol.language.languages import primary

LISTEN: Final = "/v1/listen"
UNKNOWN_LENGTH: Final = b"\xff\xff\xff\xff"  # of a WAV file that is written as it comes
NO_URL: Final = "a url is not served: this server fetches nothing; send the recording as the body"
NO_CHANNELS: Final = "multichannel is not served: the channels of a recording are mixed"
NO_PACKETS: Final = "encoding opus is for streams: a recording in Opus has a container"
NO_AUDIO: Final = "the body must be a recording"


@attrs.frozen
class ListenApi:
    """The route."""

    audio: AudioApi
    services: AudioServices

    async def listen(self) -> Response:
        """Transcribe the recording in the body."""
        request_id = str(uuid.uuid4())
        try:
            answer = jsonify(await self._heard(cast("UploadRequest", request), request_id))
        except ApiError as error:
            answer = _failure(error.status, str(error), request_id, error.code)
            if error.retry_after_s is not None:
                answer.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
        except HTTPException as error:
            answer = _failure(error.code or 500, error.description or error.name, request_id)
        answer.headers["dg-request-id"] = request_id
        return answer

    async def _heard(self, upload_request: UploadRequest, request_id: str) -> dict[str, Any]:
        """Return the whole answer; raises ``ApiError``."""
        digest = hashlib.sha256()
        with contextlib.ExitStack() as held:
            held.callback(upload_request.close_uploads)
            with self.audio.counting_refusals():
                self.audio.refuse_other_roles("recognise")
                self.audio.refuse_under_load()
                query = self._query(upload_request)
                begins = wav_head_of(query.sound)
                upload = await upload_request.store_body(begins, digest.update)
                if upload.size_bytes == len(begins):
                    raise ApiError(400, NO_AUDIO)
                held.callback(self.audio.take_place())
            options = TranscriptionOptions(
                primary(query.language), query.model, words=True, vocabulary=query.vocabulary
            )
            job = self.audio.job(upload.path, options, held)
            await self.audio.whole(job)
        return listen_page(job, query, request_id, digest.hexdigest(), time.time())

    def _query(self, upload_request: UploadRequest) -> ListenQuery:
        if upload_request.mimetype == JSON:
            raise ApiError(400, NO_URL, "url")
        try:
            query = ListenQuery.read(dict(request.args.lists()))
        except BadListenQuery as error:
            raise ApiError(400, str(error), code=BAD_QUERY) from error
        if query.sound.is_multichannel and query.sound.channels > 1:
            raise ApiError(400, NO_CHANNELS, "multichannel", code=BAD_QUERY)
        self.audio.check_model(query.model)
        problem = self.services.hearing_problem(primary(query.language), query.model)
        if problem is not None:
            raise ApiError(400, problem, "language", code=BAD_QUERY)
        return query


def wav_head_of(sound: ListenSound) -> bytes:
    """Return what samples need before them to be a WAV file, nothing for a recording that is a file.

    Raises ``ApiError`` for what no WAV file can hold.
    """
    if sound.encoding is None or sound.sample_rate_hz is None:
        return b""
    found = [kind for kind, encoding in WAV_ENCODINGS.items() if encoding == sound.encoding]
    if not found:
        raise ApiError(400, NO_PACKETS, "encoding", code=BAD_QUERY)
    (tag, bits), rate_hz = found[0], sound.sample_rate_hz
    block = SAMPLE_BYTES[sound.encoding] * sound.channels
    form = struct.pack("<HHIIHH", tag, sound.channels, rate_hz, rate_hz * block, block, bits)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + b"data" + UNKNOWN_LENGTH
    return b"RIFF" + UNKNOWN_LENGTH + b"WAVE" + chunks


def listen_page(
    job: RecordingJob, query: ListenQuery, request_id: str, sha256: str, unix_time_s: float
) -> dict[str, Any]:
    """Return Deepgram's answer to a recording."""
    captions, model = job.captions(), query.named_model
    results: dict[str, Any] = {
        "channels": [{"alternatives": [_alternative(captions)], "detected_language": job.heard_language or None}]
    }
    if query.has_utterances:
        results["utterances"] = [_utterance(caption, number, request_id) for number, caption in enumerate(captions)]
    return {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": request_id,
            "sha256": sha256,
            "created": iso_time(unix_time_s),
            "duration": round(job.recording.duration_s, DIGITS),
            "channels": 1,
            "models": [model_uuid(model)],
            "model_info": {model_uuid(model): model_info(model)},
        },
        "results": results,
    }


def _alternative(captions: Sequence[Caption]) -> dict[str, Any]:
    confidence = sum(caption.confidence for caption in captions) / max(1, len(captions))
    words = [word for caption in captions for word in _words(caption)]
    return {"transcript": whole_text(captions), "confidence": round(confidence, DIGITS), "words": words}


def _words(caption: Caption) -> list[dict[str, Any]]:
    at_s = caption.start_s
    return [
        word_fields(word.text, at_s + word.start_ms / 1000, at_s + word.end_ms / 1000, word.confidence)
        for word in caption.words
    ]


def _utterance(caption: Caption, number: int, request_id: str) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{request_id}/{number}")),
        "start": round(caption.start_s, DIGITS),
        "end": round(caption.end_s, DIGITS),
        "confidence": round(caption.confidence, DIGITS),
        "channel": 0,
        "transcript": caption.text,
        "words": _words(caption),
    }


def _failure(status: int, message: str, request_id: str, code: str | None = None) -> Response:
    response = jsonify(error_body(status, message, request_id, code))
    response.status_code = status
    return response


def in_own_form(path: str, answer: HttpAnswer, reason: str) -> HttpAnswer:
    """Return the answer to a refused request in the form of the API at ``path``."""
    if path != LISTEN:
        return answer
    request_id = str(uuid.uuid4())
    body = json.dumps(error_body(answer.status, reason, request_id)).encode()
    return attrs.evolve(answer, body=body, headers=(*answer.headers, ("dg-request-id", request_id)))
