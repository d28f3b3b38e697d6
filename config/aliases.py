"""The performance guide's variable names, and the setting of ours that each one means.

Rules kept here:

* A name of the guide either works, by the first table, or leads to a warning that says why not, by the second.
* Many names are generic, and another program's environment may have them: a value that cannot be read is an error for
  a name that is ours or names what it sets, and a warning for a generic one.
* Later rows win: where two names of the guide mean one setting, the more specific one stands last.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import attrs

from config.conversion import Unfit
from config.problems import Problem
from config.sources import SettingEntry


def _same(text: str) -> str:
    return text


def _device(text: str) -> str:
    """Raise ``Unfit`` for a device that CTranslate2 cannot use, with the possible ones."""
    if text in {"mps", "opencl"}:
        raise Unfit(f"Whisper runs here on CTranslate2, which has no {text}: expected cpu, cuda or auto")
    return text


@attrs.frozen
class Alias:
    """One name of the guide."""

    variable: str
    key: str
    translate: Callable[[str], str] = _same

    @property
    def is_generic(self) -> bool:
        """Whether other programs use the same name."""
        return self.variable.startswith(GENERIC)


GENERIC: Final = (
    "RATE_",
    "WORKER",
    "TIMEOUT",
    "KEEPALIVE",
    "WEBSOCKET_",
    "PROCESS_",
    "MAX_",
    "CACHE_",
    "MEMORY_",
    "AUTO_",
    "DATABASE_",
    "DB_",
)
ALIASES: Final = (
    Alias("WORKERS", "replicas.count"),
    Alias("WORKER_CONNECTIONS", "gateway.max_http_connections"),
    Alias("TIMEOUT", "gateway.request_timeout_s"),
    Alias("KEEPALIVE", "gateway.keepalive_s"),
    Alias("WEBSOCKET_MAX_CONNECTIONS", "gateway.websocket.max_connections"),
    Alias("WEBSOCKET_PING_INTERVAL", "gateway.websocket.ping_interval_s"),
    Alias("WEBSOCKET_CLOSE_TIMEOUT", "gateway.websocket.close_timeout_s"),
    Alias("WEBSOCKET_MAX_MESSAGE_SIZE", "gateway.websocket.max_message_bytes"),
    Alias("WEBSOCKET_SEND_BUFFER_SIZE", "gateway.websocket.send_buffer_bytes"),
    Alias("WEBSOCKET_RECV_BUFFER_SIZE", "gateway.websocket.recv_buffer_bytes"),
    Alias("RATE_LIMIT_ENABLED", "gateway.rate.enabled"),
    Alias("RATE_LIMIT_PER_MINUTE", "gateway.rate.per_minute"),
    Alias("RATE_LIMIT_PER_HOUR", "gateway.rate.per_hour"),
    Alias("RATE_LIMIT_BURST_SIZE", "gateway.rate.burst"),
    Alias("AUDIO_CHUNK_SIZE", "audio.block_samples"),
    Alias("AUDIO_BUFFER_SIZE", "audio.max_block_samples"),
    Alias("PROCESS_POOL_SIZE", "transcription.workers"),
    Alias("STT_CONCURRENT_REQUESTS", "transcription.workers"),
    Alias("STT_BATCH_SIZE", "transcription.batch_size"),
    Alias("STT_BATCH_TIMEOUT", "transcription.batch_timeout_ms"),
    Alias("MAX_REQUESTS", "transcription.embedded.max_jobs"),
    Alias("MAX_REQUESTS_JITTER", "transcription.embedded.max_jobs_jitter"),
    Alias("WHISPER_MODEL", "transcription.model"),
    Alias("WHISPER_DEVICE", "transcription.embedded.device", _device),
    Alias("WHISPER_COMPUTE_TYPE", "transcription.embedded.compute_type"),
    Alias("WHISPER_CPU_THREADS", "transcription.embedded.cpu_threads"),
    Alias("WHISPER_FLASH_ATTENTION", "transcription.embedded.flash_attention"),
    Alias("WHISPER_VRAM_OPTIMIZATION", "transcription.embedded.spare_vram"),
    Alias("OLLAMA_MODEL", "inference.ollama.model"),
    Alias("LLM_MAX_TOKENS", "inference.max_tokens"),
    Alias("LLM_TEMPERATURE", "inference.temperature"),
    Alias("LLM_TOP_P", "inference.top_p"),
    Alias("LLM_TOP_K", "inference.top_k"),
    Alias("LLM_CONTEXT_SIZE", "inference.context_size"),
    Alias("LLM_GPU_LAYERS", "inference.gpu_layers"),
    Alias("OLLAMA_NUM_PARALLEL", "inference.num_parallel"),
    Alias("LLM_NUM_PARALLEL", "inference.num_parallel"),
    Alias("SPECIALIZED_MODELS", "inference.route_by_task"),
    Alias("TASK_MODEL_MAPPING", "inference.task_models"),
    Alias("CACHE_ENABLED", "inference.cache_enabled"),
    Alias("CACHE_TTL", "inference.cache_ttl_s"),
    Alias("CACHE_MAX_SIZE", "inference.cache_max_entries"),
    Alias("CACHE_COMPRESSION", "inference.cache_compression"),
    Alias("MAX_MEMORY_USAGE", "load.max_memory_mb"),
    Alias("MAX_CPU_USAGE", "load.max_cpu_percent"),
    Alias("MEMORY_MONITORING_ENABLED", "load.enabled"),
    Alias("AUTO_RESTART_ON_OOM", "load.exit_when_unsafe"),
    Alias("DATABASE_URL", "history.url"),
    Alias("DB_POOL_SIZE", "history.postgres.pool_size"),
    Alias("DB_MAX_OVERFLOW", "history.postgres.max_overflow"),
    Alias("DB_POOL_TIMEOUT", "history.postgres.pool_timeout_s"),
)

_WINDOW = "the window follows the length of each utterance"

NOT_YET: Final[Mapping[str, str]] = {
    "THREAD_POOL_SIZE": "input and output need no threads here",
    "WHISPER_CHUNK_LENGTH": _WINDOW,
    "AUDIO_OVERLAP_SIZE": "the resampler keeps its own state, so chunks need no overlap",
}


def read_aliases(environ: Mapping[str, str]) -> tuple[list[SettingEntry], list[Problem]]:
    """Return the settings in the guide's variables, and the problems found."""
    entries, problems = [], []
    for alias in ALIASES:
        if alias.variable not in environ:
            continue
        try:
            value = alias.translate(environ[alias.variable])
        except Unfit as error:
            problems.append(Problem(alias.variable, str(error)))
        else:
            is_optional = alias.is_generic
            entries.append(SettingEntry(alias.key, value, alias.variable, is_text=True, is_optional=is_optional))
    return entries, problems


def warnings_about(names: Iterable[str]) -> list[str]:
    """Return one line for each name of the guide that does nothing here."""
    return [f"{name} is ignored: {NOT_YET[name]}" for name in sorted(set(names) & set(NOT_YET))]
