"""What may vary, one frozen class per actor; ``config/defaults.toml`` holds the defaults with unit and reason.

Every field has a unit in its name where it has one. Validation of single values is here, validation of
files, environment and flags is in ``config/load.py``, which reports every problem at once.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import attrs
from attrs.validators import ge, gt, in_, le

Provider = Literal["auto", "ollama", "openai", "embedded", "none"]
Consent = Literal["allow", "confirm", "deny"]
COMPUTE_TYPES = (
    "auto", "default", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
)  # fmt: skip
"""CTranslate2's."""

# Upper bounds are generous: they are there for slips of the hand (a million workers) and for units mixed up.
HOUR_S = 3_600
DAY_S = 86_400
YEAR_S = 31_536_000  # in practice never
MOST_CONNECTIONS = 1_000_000  # what one Linux process may have of open files, by default
MOST_EVENTS = 1_000_000
MOST_WORKERS = 1_024  # of processes, threads or requests at once; more than any one machine has use for
MOST_MEMORY_MB = 1 << 24  # 16 TiB


def _each(pattern: str, expected: str) -> Callable[[Any, Any, tuple[str, ...]], None]:
    """Return a validator for a tuple of strings that match ``pattern``."""

    def validate(_instance: Any, _field: Any, values: tuple[str, ...]) -> None:
        if not all(re.fullmatch(pattern, value) for value in values):
            raise ValueError(f"expected {expected}")

    return validate


@attrs.frozen(kw_only=True)
class WebSocketSettings:
    """Bounds on one client's socket."""

    max_connections: int = attrs.field(validator=[ge(0), le(MOST_CONNECTIONS)])
    ping_interval_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    pong_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    close_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_message_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 28)])
    send_buffer_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 28)])
    recv_buffer_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 24)])
    send_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])


@attrs.frozen(kw_only=True)
class GatewaySettings:
    """The listener."""

    host: str
    port: int = attrs.field(validator=[ge(0), le(65_535)])
    insecure: bool
    allowed_hosts: tuple[str, ...] = attrs.field(
        validator=_each(
            r"(?:\*|(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)(?::[0-9]{1,5})?",
            "names such as voice.example.org, voice.example.org:8443, *.example.org or *",
        )
    )
    allowed_origins: tuple[str, ...] = attrs.field(
        validator=_each(
            r"\*|null|[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@]+",
            "origins such as https://app.example.org, without a path, null or *",
        )
    )
    head_max_bytes: int = attrs.field(validator=[ge(1_024), le(1 << 20)])
    head_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    keepalive_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    request_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    backlog: int = attrs.field(validator=[ge(1), le(65_535)])
    max_http_connections: int = attrs.field(validator=[ge(1), le(MOST_CONNECTIONS)])
    max_requests: int = attrs.field(validator=[ge(1), le(MOST_CONNECTIONS)])
    max_share_per_address: float = attrs.field(validator=[gt(0), le(1)])
    body_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    upload_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    upload_min_bytes_per_s: float = attrs.field(validator=[ge(0), le(1 << 30)])
    websocket: WebSocketSettings


@attrs.frozen(kw_only=True)
class SessionSettings:
    """One client's session."""

    handshake_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    idle_timeout_s: float = attrs.field(validator=[gt(0), le(YEAR_S)])
    status_interval_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    resume_window_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    max_client_errors: int = attrs.field(validator=[ge(1), le(MOST_EVENTS)])
    client_error_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    max_restarts: int = attrs.field(validator=[ge(0), le(MOST_EVENTS)])
    restart_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])


@attrs.frozen(kw_only=True)
class AudioSettings:
    """Voice activity and endpointing."""

    onset_threshold: float = attrs.field(validator=[gt(0), le(1)])
    release_threshold: float = attrs.field(validator=[gt(0), le(1)])
    pre_roll_ms: int = attrs.field(validator=[ge(0), le(5_000)])
    silence_ms: int = attrs.field(validator=[ge(200), le(2_000)])
    min_speech_ms: int = attrs.field(validator=[ge(0), le(10_000)])
    max_utterance_s: float = attrs.field(validator=[gt(0), le(30)])
    stall_ms: int = attrs.field(validator=[gt(0), le(60_000)])
    buffer_s: float = attrs.field(validator=[gt(0), le(60)])
    block_samples: int = attrs.field(validator=[ge(160), le(16_000)])
    max_block_samples: int = attrs.field(validator=[ge(160), le(16_000)])
    normalise: bool
    noise_suppression: int = attrs.field(validator=[ge(0), le(4)])


@attrs.frozen(kw_only=True)
class TranscriptionSettings:
    """Whisper, here or behind an address."""

    provider: Literal["embedded", "openai"] = attrs.field(validator=in_(("embedded", "openai")))
    openai_url: str
    openai_model: str
    openai_api_key: str = attrs.field(repr=False)
    openai_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    fallback: bool
    model: str
    models: tuple[str, ...]
    """Further ones that clients may ask for."""
    preload: tuple[str, ...]
    model_workers: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    unload_after_s: float = attrs.field(validator=[ge(0), le(YEAR_S)])
    models_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])
    device: Literal["auto", "cpu", "cuda"] = attrs.field(validator=in_(("auto", "cpu", "cuda")))
    compute_type: str = attrs.field(validator=in_(COMPUTE_TYPES))
    flash_attention: bool
    spare_vram: bool
    workers: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    cpu_threads: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    batch_size: int = attrs.field(validator=[ge(1), le(64)])
    batch_timeout_ms: float = attrs.field(validator=[ge(0), le(60_000)])
    beam_size: int = attrs.field(validator=[ge(1), le(10)])
    hypotheses: int = attrs.field(validator=[ge(1), le(10)])
    vocabulary: bool
    language: str
    job_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    queue_per_worker: int = attrs.field(validator=[ge(1), le(100_000)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    max_jobs: int = attrs.field(validator=[ge(0), le(1_000_000_000)])
    max_jobs_jitter: int = attrs.field(validator=[ge(0), le(1_000_000_000)])
    spare_workers: int = attrs.field(validator=[ge(0), le(MOST_WORKERS)])
    worker_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])


@attrs.frozen(kw_only=True)
class InferenceSettings:
    """Language models."""

    provider: Provider = attrs.field(validator=in_(("auto", "ollama", "openai", "embedded", "none")))
    embedded: Literal["talk", "off"] = attrs.field(validator=in_(("talk", "off")))
    ollama_url: str
    ollama_model: str
    openai_url: str
    openai_model: str
    openai_api_key: str = attrs.field(repr=False)
    max_tokens: int = attrs.field(validator=[ge(1), le(1_000_000)])
    temperature: float = attrs.field(validator=[ge(0), le(2)])
    top_p: float = attrs.field(validator=[gt(0), le(1)])
    top_k: int = attrs.field(validator=[ge(0), le(1_000_000)])
    context_size: int = attrs.field(validator=[ge(256), le(1 << 24)])
    gpu_layers: int = attrs.field(validator=[ge(-1), le(10_000)])
    num_parallel: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    keep_alive_s: float = attrs.field(validator=[ge(0), le(YEAR_S)])
    request_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    recheck_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    cpu_threads: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    route_by_task: bool
    max_loaded_models: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    task_models: Mapping[str, str]
    """Task, as the client names it or as it is guessed (coding, analysis, conversation), to a model's name."""
    cache_enabled: bool
    cache_ttl_s: float = attrs.field(validator=[gt(0), le(YEAR_S)])
    cache_max_entries: int = attrs.field(validator=[ge(1), le(10_000_000)])
    cache_compression: bool
    cache_tasks: tuple[str, ...]


@attrs.frozen(kw_only=True)
class SpeechSettings:
    """Text to speech."""

    provider: Literal["piper", "openai", "none"] = attrs.field(validator=in_(("piper", "openai", "none")))
    openai_url: str
    openai_model: str
    openai_voice: str
    openai_api_key: str = attrs.field(repr=False)
    openai_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    fallback: bool
    voice: str
    workers: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    job_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    spare_workers: int = attrs.field(validator=[ge(0), le(MOST_WORKERS)])
    worker_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])
    lead_s: float = attrs.field(validator=[gt(0), le(60)])
    cache_mb: int = attrs.field(validator=[ge(0), le(1 << 16)])


@attrs.frozen(kw_only=True)
class MediaSettings:
    """The decoder of uploaded recordings."""

    job_timeout_s: float = attrs.field(validator=[gt(0), le(60)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    worker_memory_mb: int = attrs.field(validator=[ge(128), le(65_536)])


@attrs.frozen(kw_only=True)
class ToolsSettings:
    """MCP servers."""

    servers: Mapping[str, Mapping[str, Any]]
    """As MCP clients write them: name to ``{command, args, env, cwd}`` or ``{url, headers}``."""
    builtin: bool
    call_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    connect_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    result_max_chars: int = attrs.field(validator=[ge(100), le(10_000_000)])
    programs: Mapping[str, tuple[str, ...]]
    """The allow-list of the built-in server: spoken name to argument vector."""
    policy: Mapping[str, Consent]
    """``server/tool``, ``server/*`` or ``*`` to ``allow``, ``confirm`` or ``deny``."""


@attrs.frozen(kw_only=True)
class DialogueSettings:
    """The turn."""

    turn_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_tool_steps: int = attrs.field(validator=[ge(0), le(100)])
    history_turns: int = attrs.field(validator=[ge(0), le(1_000)])
    barge_in_ms: int = attrs.field(validator=[ge(0), le(60_000)])
    min_confidence: float = attrs.field(validator=[ge(0), le(1)])
    system_prompt: str
    commands_dir: str


@attrs.frozen(kw_only=True)
class HistorySettings:
    """The database."""

    enabled: bool
    path: Path
    keep_days: float = attrs.field(validator=[ge(0), le(36_525)])
    transcripts: bool
    batch_rows: int = attrs.field(validator=[ge(1), le(100_000)])
    batch_ms: float = attrs.field(validator=[ge(0), le(60_000)])
    max_pending: int = attrs.field(validator=[ge(1), le(10_000_000)])
    cache_pages: int = attrs.field(validator=[ge(1), le(100_000_000)])
    mmap_bytes: int = attrs.field(validator=[ge(0), le(1 << 40)])


@attrs.frozen(kw_only=True)
class MetricsSettings:
    """Sampling of the machine."""

    sample_interval_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])


@attrs.frozen(kw_only=True)
class SupervisorSettings:
    """The root."""

    max_restarts: int = attrs.field(validator=[ge(0), le(MOST_EVENTS)])
    restart_window_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    stop_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    drain_timeout_s: float = attrs.field(validator=[ge(0), le(DAY_S)])
    drain_delay_s: float = attrs.field(validator=[ge(0), le(HOUR_S)])
    data_dir: Path
    models_dir: Path


@attrs.frozen(kw_only=True)
class LoadSettings:
    """The load controller."""

    enabled: bool
    sample_interval_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])
    max_cpu_percent: float = attrs.field(validator=[gt(0), le(100)])
    max_capacity_percent: float = attrs.field(validator=[gt(0), le(10_000)])
    exit_when_unsafe: bool


@attrs.frozen(kw_only=True)
class LogSettings:
    """Structured logs."""

    level: Literal["debug", "info", "warning", "error"] = attrs.field(
        validator=in_(("debug", "info", "warning", "error"))
    )
    json: bool


@attrs.frozen(kw_only=True)
class Settings:
    """All of it; an actor gets its own slice."""

    gateway: GatewaySettings
    session: SessionSettings
    audio: AudioSettings
    transcription: TranscriptionSettings
    inference: InferenceSettings
    speech: SpeechSettings
    media: MediaSettings
    tools: ToolsSettings
    dialogue: DialogueSettings
    history: HistorySettings
    metrics: MetricsSettings
    supervisor: SupervisorSettings
    load: LoadSettings
    log: LogSettings
