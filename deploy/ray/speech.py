"""sayso's recogniser and synthesiser as deployments of Ray Serve, behind OpenAI's audio API.

For several machines or cards, with models by name and as many replicas as there is work. On one machine a sayso with
``supervisor.roles`` does the same for less: Ray's own processes take some gigabyte of memory. On each machine:

    pip install 'ray[serve]==2.60.*' 'sayso[piper]'
    cd deploy/ray && PYTHONPATH=$PWD RAY_USAGE_STATS_ENABLED=0 serve run config.yaml

and where the sessions are: transcription.provider = "openai", transcription.openai.url = "http://RAY:8300/v1", and the
same for speech. There are no keys here: the port belongs to a closed network.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from ray import serve
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from backends.ingress.api_errors import ApiError, error_fields
from backends.ingress.http_speech import SpeechForm, sentences_of
from backends.ingress.worker_api import MOST_BODY_BYTES, BatchSize, UtteranceForm
from backends.jobs import Clip, ClipTranscript, SpeakText, TranscribeClips
from backends.speech.encoding import FORMATS, encode
from backends.speech.piper import PiperWorker, worker_params
from backends.speech.whisper import WhisperWorker
from backends.speech.whisper_params import whisper_params
from config.load import load
from config.settings import Settings

MOST_TOGETHER: Final = 16  # utterances of a batch, where that pays; transcription.batch_size
WAIT_S: Final = 0.02  # for company; transcription.batch_timeout_ms
BUSY_RETRY_S: Final = 1.0
Wanted = tuple[str, Clip, bytes]
"""A model's name, an utterance and its samples."""


def settings() -> Settings:
    """Return the settings of this machine: the defaults, and ``SAYSO_`` variables of the deployment."""
    return load(None, os.environ, {}).settings


@serve.deployment
class Recogniser:
    """One process with up to two models, each of them a worker of sayso."""

    def __init__(self) -> None:
        self._settings = settings()
        self._sizes: dict[str, BatchSize] = {}

    @serve.multiplexed(max_num_models_per_replica=2)
    async def load(self, name: str) -> WhisperWorker:
        """Return the worker of a model; raises ``ModelError``."""
        ours = self._settings.transcription
        params = {**whisper_params(ours, self._settings.supervisor.models_dir), "model": name}
        return await asyncio.to_thread(WhisperWorker, params)

    @serve.batch(max_batch_size=1, batch_wait_timeout_s=WAIT_S)
    async def transcribe(self, wanted: Sequence[Wanted]) -> list[ClipTranscript]:
        """Transcribe utterances that came together, those of each model in one batch."""
        found: dict[int, ClipTranscript] = {}
        for model in dict.fromkeys(model for model, _, _ in wanted):
            numbers = [number for number, one in enumerate(wanted) if one[0] == model]
            clips = tuple(wanted[number][1] for number in numbers)
            blob = b"".join(wanted[number][2] for number in numbers)
            worker = await self.load(model)
            reply = await asyncio.to_thread(worker.transcribe, TranscribeClips(clips), blob)
            size = self._sizes.setdefault(model, BatchSize(MOST_TOGETHER))
            size.learn(clips, reply.clips)
            found |= dict(zip(numbers, reply.clips, strict=True))
            self.transcribe.set_max_batch_size(size.now)
        return [found[number] for number in range(len(wanted))]


@serve.deployment
class Synthesiser:
    """One process with a few voices."""

    def __init__(self) -> None:
        ours = settings()
        self._worker = PiperWorker(worker_params(ours.speech.piper, ours.supervisor.models_dir))

    async def speak(self, text: str, voice: str | None, speed: float) -> tuple[int, bytes]:
        """Return the rate and the samples, mono s16le, of a text."""
        return await asyncio.to_thread(self._speak, text, voice, speed)

    def _speak(self, text: str, voice: str | None, speed: float) -> tuple[int, bytes]:
        parts = [self._worker.handle(SpeakText(one, voice, speed), b"") for one in sentences_of(text)]
        if not parts:
            raise ValueError("input must hold something that can be spoken")
        return parts[0][0].sample_rate_hz, b"".join(pcm for _, pcm in parts)


@serve.deployment
class AudioApi:
    """The HTTP routes: they need no processor of their own."""

    def __init__(self, recogniser: DeploymentHandle, synthesiser: DeploymentHandle) -> None:
        self._recogniser = recogniser
        self._synthesiser = synthesiser
        self._models = offered(settings())

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        try:
            match request.method, request.url.path:
                case "GET", "/v1/models":
                    data = [{"id": name, "object": "model", "created": 0, "owned_by": "sayso"} for name in self._models]
                    return JSONResponse({"object": "list", "data": data})
                case "POST", "/v1/audio/transcriptions":
                    return await self._transcription(request)
                case "POST", "/v1/audio/speech":
                    return await self._speech(request)
            return refused(ApiError(404, f"there is nothing at {request.url.path}"))
        except ApiError as error:
            return refused(error)
        except BackPressureError:
            return refused(ApiError(503, "all replicas are busy", None, BUSY_RETRY_S))

    async def _transcription(self, request: Request) -> Response:
        wanted = UtteranceForm.read(request.headers.get("content-type", ""), await body_of(request))
        model = wanted.model or self._models[0]
        if model not in self._models:
            told = f"model must be one of {', '.join(self._models)} or whisper-1, not {model[:80]!r}"
            raise ApiError(404, told, "model", code="model_not_found")
        handle = self._recogniser.options(multiplexed_model_id=model)
        answer = wanted.answer(await handle.transcribe.remote((model, wanted.clip, wanted.pcm)))
        return PlainTextResponse(answer) if isinstance(answer, str) else JSONResponse(answer)

    async def _speech(self, request: Request) -> Response:
        wanted = SpeechForm.parse(await body_of(request))
        rate_hz, pcm = await self._synthesiser.speak.remote(wanted.input, wanted.voice, wanted.speed)
        whole = await asyncio.to_thread(encode, pcm, rate_hz, wanted.response_format)
        return Response(whole, media_type=FORMATS[wanted.response_format].content_type)


async def body_of(request: Request) -> bytes:
    """Return the body; raises ``ApiError`` for one that is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:
            raise ApiError(413, f"the body must have at most {MOST_BODY_BYTES:,} bytes")
    return bytes(body)


def offered(ours: Settings) -> Sequence[str]:
    """Return the models that may be asked for, the usual one first."""
    return tuple(dict.fromkeys((ours.transcription.model, *ours.transcription.models)))


def refused(error: ApiError) -> Response:
    """Return an error as OpenAI's clients expect it."""
    headers = {} if error.retry_after_s is None else {"retry-after": str(max(1, round(error.retry_after_s)))}
    return JSONResponse({"error": error_fields(error)}, error.status, headers)


app = AudioApi.bind(Recogniser.bind(), Synthesiser.bind())
