"""Makes the adapters from the settings: the one place that knows which class stands behind which face."""

import importlib.metadata
import json
import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from assembly.dialects import DIALECTS
from backends.commands.grammar import HassilGrammar
from backends.commands.reload import ReloadingGrammar
from backends.ingress.accepted_connection import IngressRoutes
from backends.ingress.descriptors import fitted
from backends.ingress.http_app import HttpServices, make_app
from backends.ingress.http_audio import TRANSCRIPTIONS, AudioServices
from backends.ingress.hypercorn_bridge import HttpApp
from backends.ingress.server import TrioIngress
from backends.llm import llamacpp
from backends.llm.guarded import GuardedModel
from backends.llm.ollama import OllamaModel
from backends.llm.openai import OpenAIModel
from backends.llm.response_cache import CacheSettings, ResponseCache
from backends.machine import Machine, available_cpus
from backends.mcp.client import McpServers, McpSettings, builtin_server_config
from backends.metrics import PrometheusMetrics
from backends.protocols import (
    AudioDecoder,
    IngressHandlers,
    JobPool,
    LanguageModel,
    SpeechDetector,
    ToolConnection,
)
from backends.speech import conditioning, piper
from backends.speech.audio import make_decoder
from backends.speech.models import voice_names
from backends.speech.remote import RemoteFirst, RemoteRecogniser, RemoteSynthesiser
from backends.speech.vad import EarshotDetector
from backends.speech.whisper_params import whisper_params
from backends.storage.sqlite import SqliteStore
from config.settings import InferenceSettings, Settings
from protocol.dialects.speech_frames import SpeechEncoder
from protocol.messages.events import AudioFormat
from runtime.policies.restart import Backoff
from runtime.workers.pool import Pool, WorkerLimits, WorkerSpec

# a stranger's file ends the process, which is no reason to have the next one wait
MEDIA_BACKOFF = Backoff(base_s=0.05, cap_s=0.5, healthy_s=0.0)
MEDIA_NICE = 5  # a third of a processor that others want too: nobody speaks to a recording
BUILTIN_SERVER = "sayso-tools"  # the name that the built-in sentences call


@attrs.frozen
class EmbeddedModelAdapter:
    """The model that runs in a worker process of ours, reached over its own HTTP server."""

    pool: Pool
    connect: Callable[[str], LanguageModel]


class Adapters:
    """What the tree is given; grammar, metrics and machine are one for all, the rest is made on demand."""

    def __init__(self, settings: Settings) -> None:
        conditioning.check(settings.audio)
        self._settings = settings
        self.version = importlib.metadata.version("sayso")
        self.metrics = PrometheusMetrics()
        self.machine = Machine()
        folders = [Path(settings.dialogue.commands_dir)]
        programs = tuple(settings.tools.programs)
        self.grammar = ReloadingGrammar(partial(HassilGrammar, folders, programs=programs), folders)
        self._tool_servers = self._configure_tool_servers()

    # --- audio and speech ------------------------------------------------------------------------

    def make_decoder(self, audio: AudioFormat) -> AudioDecoder:
        """Return a decoder for one session's frames."""
        return conditioning.condition(make_decoder(audio), self._settings.audio)

    def make_encoder(self, sample_rate_hz: int) -> SpeechEncoder:
        """Return an encoder for one stretch of speech that a client wants as packets."""
        from backends.speech.opus import OpusSpeech  # noqa: PLC0415 - loads FFmpeg

        return OpusSpeech(sample_rate_hz)

    def make_detector(self) -> SpeechDetector:
        """Return a voice detector for one session."""
        return EarshotDetector()

    def recogniser_pool(self, may_recycle: Callable[[], bool]) -> JobPool:
        """Return who transcribes with the usual model; its processes are replaced only when ``may_recycle()``."""
        settings = self._settings.transcription
        remote = RemoteRecogniser.from_settings(settings).transcribe if settings.provider == "openai" else None
        if remote is not None and not settings.fallback:
            return RemoteFirst(settings.openai_url, "transcribe", remote, None)
        pool = self.whisper_pool()
        pool.set_may_recycle(may_recycle)
        return pool if remote is None else RemoteFirst(settings.openai_url, "transcribe", remote, pool)

    def synthesiser_pool(self) -> JobPool | None:
        """Return who speaks, if the server does."""
        settings = self._settings.speech
        if settings.provider == "none":
            return None
        if settings.provider == "piper":
            return self.piper_pool()
        pool = self.piper_pool() if settings.fallback else None
        return RemoteFirst(settings.openai_url, "speak", RemoteSynthesiser.from_settings(settings).speak, pool)

    def voices(self) -> Sequence[str] | None:
        """Return the voices that clients may name; ``None`` for any, of a server elsewhere. Reads the disk."""
        settings = self._settings.speech
        if settings.provider == "openai":
            return None
        is_silent = settings.provider == "none"
        return () if is_silent else voice_names(settings.voice, self._settings.supervisor.models_dir)

    def whisper_pool(self, model: str | None = None) -> Pool:
        """Return the processes that transcribe: with the usual model, or those of another one."""
        settings = self._settings.transcription
        is_usual = model is None
        if model is not None:
            settings = attrs.evolve(settings, model=model)
        spec = WorkerSpec(
            name="stt" if is_usual else f"stt {model}",
            target="backends.speech.whisper:WhisperWorker",
            params=whisper_params(settings, self._settings.supervisor.models_dir),
            start_timeout_s=settings.start_timeout_s,
            threads=_threads_within(settings.cpu_threads),
        )
        limits = WorkerLimits(
            max_jobs=settings.max_jobs,
            max_jobs_jitter=settings.max_jobs_jitter,
            memory_bytes=settings.worker_memory_mb << 20,
            is_data_limited=not may_use_gpu(settings.device),
        )
        if not is_usual:
            return Pool(spec, settings.model_workers, limits=limits)
        return Pool(spec, settings.workers, spares=settings.spare_workers, limits=limits)

    def piper_pool(self) -> Pool:
        """Return the processes that speak."""
        settings = self._settings.speech
        spec = WorkerSpec(
            name="tts",
            target="backends.speech.piper:PiperWorker",
            params=piper.worker_params(settings, self._settings.supervisor.models_dir),
            start_timeout_s=settings.start_timeout_s,
            threads=1,
        )
        limits = WorkerLimits(memory_bytes=settings.worker_memory_mb << 20)
        return Pool(spec, settings.workers, spares=settings.spare_workers, limits=limits)

    def media_pool(self) -> Pool:
        """Return the process that decodes uploaded recordings; only one, because it keeps their decoders open."""
        settings = self._settings.media
        spec = WorkerSpec(
            name="media",
            target="backends.speech.media:MediaWorker",
            params={},
            start_timeout_s=settings.start_timeout_s,
            nice=MEDIA_NICE,
            threads=1,
        )
        limits = WorkerLimits(memory_bytes=settings.worker_memory_mb << 20)
        return Pool(spec, 1, limits=limits, backoff=MEDIA_BACKOFF)

    # --- language models -------------------------------------------------------------------------

    def language_models(self) -> list[GuardedModel]:
        """Return the models behind addresses, in the order in which they are asked."""
        settings = self._settings.inference
        models: list[LanguageModel] = []
        if settings.provider in ("auto", "ollama"):
            models.append(OllamaModel(settings))
        if settings.provider == "openai" or (settings.provider == "auto" and settings.openai_url):
            models.append(OpenAIModel.from_settings(settings))
        return [
            GuardedModel(model, max_at_once=settings.num_parallel, timeout_s=settings.request_timeout_s)
            for model in models
        ]

    def response_cache(self) -> ResponseCache | None:
        """Return where answers are kept, if they are."""
        settings = self._settings.inference
        if not settings.cache_enabled:
            return None
        shaping = ("ollama_model", "openai_model", "task_models", "max_tokens", "temperature", "top_p", "top_k")
        return ResponseCache(
            CacheSettings(
                ttl_s=settings.cache_ttl_s,
                max_entries=settings.cache_max_entries,
                is_compressed=settings.cache_compression,
                parameters={name: getattr(settings, name) for name in shaping},
                is_deterministic=settings.temperature == 0,
                tasks=frozenset(settings.cache_tasks),
            )
        )

    def embedded_model(self) -> EmbeddedModelAdapter | None:
        """Return the model that runs here, if it may be used."""
        settings = self._settings.inference
        if settings.provider not in ("auto", "embedded") or settings.embedded == "off":
            return None
        spec = WorkerSpec(
            name="llm",
            target="backends.llm.llamacpp:LlamaWorker",
            params=llamacpp.worker_params(settings, self._settings.supervisor.models_dir),
            start_timeout_s=settings.start_timeout_s,
            nice=llamacpp.NICE,
        )
        return EmbeddedModelAdapter(Pool(spec, 1), partial(_connect_embedded, settings))

    # --- tools -----------------------------------------------------------------------------------

    def _configure_tool_servers(self) -> Mapping[str, Mapping[str, Any]]:
        settings = self._settings
        configured = dict(settings.tools.servers)
        if settings.tools.builtin:
            data_dir = settings.supervisor.data_dir / "tools"
            programs = json.dumps({name: list(argv) for name, argv in settings.tools.programs.items()})
            owner = secrets.token_hex(8)  # stays when the built-in server starts again
            configured = {BUILTIN_SERVER: builtin_server_config(data_dir, programs, owner), **configured}
        return configured

    def tool_server_names(self) -> Sequence[str]:
        """Return the names of all configured MCP servers."""
        return tuple(self._tool_servers)

    def open_tool_server(
        self, name: str, *, on_announcement: Callable[[str, str], None]
    ) -> AbstractAsyncContextManager[ToolConnection]:
        """Return the block that connects to a server."""
        settings = self._settings.tools
        common = McpSettings(connect_timeout_s=settings.connect_timeout_s, result_max_chars=settings.result_max_chars)
        return McpServers(self._tool_servers, common)(name, on_announcement=on_announcement)

    # --- history and the door --------------------------------------------------------------------

    def store(self) -> SqliteStore:
        """Return the database."""
        return SqliteStore(self._settings.history)

    def make_ingress(self, services: HttpServices, audio: AudioServices, handlers: IngressHandlers) -> TrioIngress:
        """Return the listener, with the HTTP app behind it."""
        gateway = fitted(self._settings.gateway)
        app = HttpApp(make_app(services, audio), gateway, frozenset({TRANSCRIPTIONS}))
        routes = IngressRoutes(DIALECTS, app)
        return TrioIngress(gateway, handlers, routes)


def _connect_embedded(settings: InferenceSettings, url: str) -> LanguageModel:
    model = llamacpp.connect(settings, url)
    return GuardedModel(model, max_at_once=settings.num_parallel, timeout_s=settings.request_timeout_s)


def may_use_gpu(device: str) -> bool:
    """Return whether a worker may reserve a GPU's addresses: asked of the driver's files, because CUDA stays out."""
    return device == "cuda" or (device == "auto" and Path("/dev/nvidiactl").exists())


def _threads_within(wanted: int) -> int:
    """Return how many threads a worker should have: more than there are processors only wait for each other."""
    return max(1, min(wanted, math.floor(available_cpus())))
