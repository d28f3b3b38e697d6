"""Makes the adapters from the settings; what has several providers is made by the tables of ``assembly/providers/``."""

import importlib.metadata
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from actors.meaning import Examples
from assembly import wyoming
from assembly.dialects import DIALECTS
from assembly.providers import (
    embeddings,
    home_assistant,
    language_models,
    recognisers,
    shared_stores,
    stores,
    synthesisers,
)
from assembly.providers.language_models import EmbeddedModelAdapter
from backends.commands.grammar import HassilGrammar
from backends.commands.reload import ReloadingGrammar
from backends.ingress.accepted_connection import IngressRoutes
from backends.ingress.audio_services import AudioServices
from backends.ingress.descriptors import fitted
from backends.ingress.http_app import UPLOADS, HttpServices, make_app
from backends.ingress.http_listen import LISTEN, in_own_form
from backends.ingress.hypercorn_bridge import HttpApp
from backends.ingress.joined import JoinedIngress
from backends.ingress.server import TrioIngress
from backends.ingress.wyoming import WyomingContext, WyomingIngress
from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyRing
from backends.llm.guarded import GuardedModel
from backends.llm.response_cache import CacheSettings, ResponseCache
from backends.machine import Machine
from backends.mcp.client import McpServers, McpSettings, builtin_server_config
from backends.metrics import PrometheusMetrics
from backends.protocols import (
    AudioDecoder,
    Ingress,
    IngressHandlers,
    JobPool,
    RequestAdmission,
    SpeechDetector,
    Store,
    ToolConnection,
    ToolConnectionFactory,
    WakeWordDetector,
)
from backends.speech import conditioning, wake_words
from backends.speech.audio import make_decoder
from backends.speech.vad import EarshotDetector
from config.load import needs_key
from config.settings import Settings
from protocol.admission.notices import CertificateLook
from protocol.dialects.speech_frames import SpeechEncoder
from protocol.messages.events import AudioFormat
from protocol.messages.understanding import ToolAnnouncement
from runtime.messaging.pace import Pace
from runtime.policies.restart import Backoff
from runtime.workers.pool import Pool, WorkerLimits, WorkerSpec

# a bad file ends the process, which is no reason to delay the next one
MEDIA_BACKOFF = Backoff(base_s=0.05, cap_s=0.5, healthy_s=0.0)
MEDIA_NICE = 5  # lowers its share of a contended processor to a third: live sessions go first
AnyPool = TypeVar("AnyPool", bound=JobPool)
BUILTIN_SERVER = "sayso-tools"  # the server that the built-in command sentences call


class Adapters:
    """The adapters of the tree; grammar, metrics and machine are shared, the rest is made on demand."""

    def __init__(self, settings: Settings) -> None:
        conditioning.check(settings.audio)
        wake_words.check(settings.wake)
        stores.check(settings)
        wyoming.check(settings.gateway)
        self._settings = settings
        self.pace = Pace()
        self.version = importlib.metadata.version("sayso")
        self.metrics = PrometheusMetrics()
        self.machine = Machine()
        self.shared = shared_stores.shared_store(settings, self.metrics.take)
        self.keys = KeyRing(
            KeyFile.in_folder(settings.supervisor.data_dir),
            is_demanded=needs_key(settings.gateway),
            unix_time=time.time,
        )
        folders = [Path(settings.dialogue.commands_dir), *map(Path, settings.dialogue.more_commands_dirs)]
        programs = tuple(settings.tools.programs)
        self.command_files = ReloadingGrammar(partial(HassilGrammar, folders, programs=programs), folders)
        self.home = home_assistant.home(settings.home_assistant)
        self.grammar = self.command_files if self.home is None else self.home.above(self.command_files)
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

    def make_wake_word_detector(self, word: str) -> WakeWordDetector:
        """Return a detector of a wake word for one session."""
        return wake_words.MicroWakeWordDetector(word, self._settings.wake.threshold)

    def wake_word_problem(self, word: str) -> str | None:
        """Return why sessions cannot ask for a wake word; ``None`` if they can."""
        return wake_words.wake_word_problem(word)

    def recogniser_pool(self, may_recycle: Callable[[], bool]) -> JobPool:
        """Return the default model's pool of recognisers; processes are replaced only when ``may_recycle()``."""
        return paced(recognisers.recogniser_pool(self._settings, may_recycle), self.pace)

    def whisper_pool(self, model: str | None = None) -> Pool:
        """Return the pool of Whisper processes for the default model, or for another one."""
        return paced(recognisers.whisper_pool(self._settings, model), self.pace)

    def synthesiser_pool(self) -> JobPool | None:
        """Return the pool of synthesisers, ``None`` if speech is off."""
        pool = synthesisers.synthesiser_pool(self._settings)
        return None if pool is None else paced(pool, self.pace)

    def voices(self) -> Sequence[str] | None:
        """Return the voices that clients may name; ``None`` for any, with a remote server. Reads the disk."""
        return synthesisers.voices(self._settings)

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
        return paced(Pool(spec, 1, limits=limits, backoff=MEDIA_BACKOFF), self.pace)

    # --- the meaning of sentences ----------------------------------------------------------------

    def meaning_pool(self) -> Pool | None:
        """Return the process that reads what sentences mean, ``None`` if that is off."""
        pool = embeddings.meaning_pool(self._settings)
        return None if pool is None else paced(pool, self.pace)

    def make_examples(self) -> Examples:
        """Return an index of the user's own commands, empty."""
        return embeddings.make_examples()

    # --- language models -------------------------------------------------------------------------

    def language_models(self) -> list[GuardedModel]:
        """Return the models behind addresses, in the order in which they are asked."""
        return language_models.language_models(self._settings)

    def embedded_model(self) -> EmbeddedModelAdapter | None:
        """Return the embedded model, if it may be used."""
        model = language_models.embedded_model(self._settings)
        if model is not None:
            paced(model.pool, self.pace)
        return model

    def response_cache(self) -> ResponseCache | None:
        """Return the cache of answers, if it is enabled."""
        settings = self._settings.inference
        if not settings.cache_enabled:
            return None
        shaping = ("task_models", "max_tokens", "temperature", "top_p", "top_k")
        models = {"ollama": settings.ollama.model, "openai": settings.openai.model}
        return ResponseCache(
            CacheSettings(
                ttl_s=settings.cache_ttl_s,
                max_entries=settings.cache_max_entries,
                is_compressed=settings.cache_compression,
                parameters=models | {name: getattr(settings, name) for name in shaping},
                is_deterministic=settings.temperature == 0,
                tasks=frozenset(settings.cache_tasks),
            ),
            self.shared,
        )

    # --- tools -----------------------------------------------------------------------------------

    def _configure_tool_servers(self) -> Mapping[str, Mapping[str, Any]]:
        settings = self._settings
        configured = dict(settings.tools.servers)
        if settings.tools.builtin:
            data_dir = settings.supervisor.data_dir / "tools"
            programs = json.dumps({name: list(argv) for name, argv in settings.tools.programs.items()})
            owner = secrets.token_hex(8)  # stays when the built-in server starts again
            url = settings.history.url if settings.history.database == "postgres" else ""
            builtin = builtin_server_config(data_dir, programs, owner, settings.history.sqlite.path, url)
            configured = {BUILTIN_SERVER: builtin, **configured}
        return configured

    def tool_server_names(self) -> Sequence[str]:
        """Return the names of all configured MCP servers."""
        return tuple(self._tool_servers)

    def open_tool_server(
        self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> AbstractAsyncContextManager[ToolConnection]:
        """Return the block that connects to a server."""
        settings = self._settings.tools
        common = McpSettings(
            connect_timeout_s=settings.connect_timeout_s, result_max_chars=settings.result_max_chars, pace=self.pace
        )
        servers: ToolConnectionFactory = McpServers(self._tool_servers, common)
        if self.home is not None:
            servers = self.home.speaking(servers)
        return servers(name, on_announcement=on_announcement)

    # --- history and the listener --------------------------------------------------------------------

    def store(self) -> Store:
        """Return the database."""
        return stores.store(self._settings)

    def make_ingress(
        self,
        services: HttpServices,
        audio: AudioServices,
        publish_certificate: Callable[[CertificateLook], None],
        handlers: IngressHandlers,
        admission: RequestAdmission,
    ) -> Ingress:
        """Return the listener, with the HTTP app behind it, and that for Wyoming beside it if there is to be one."""
        gateway = fitted(self._settings.gateway)
        app = HttpApp(make_app(services, audio), gateway, UPLOADS)
        routes = IngressRoutes(DIALECTS, app, frozenset({LISTEN}), in_own_form)
        web = TrioIngress(gateway, handlers, admission, routes, publish_certificate)
        if not gateway.wyoming_port:
            return web
        asked = wyoming.wyoming_services(gateway, self.version, audio, self.grammar)
        return JoinedIngress(web, WyomingIngress(WyomingContext(gateway, handlers, admission, asked)))


def paced(pool: AnyPool, pace: Pace) -> AnyPool:
    """Return a pool whose idle workers are looked at as often as ``pace`` says."""
    pool.set_pace(pace)
    return pool
