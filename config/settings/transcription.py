"""Speech to text."""

from typing import Literal

import attrs
from attrs.validators import ge, gt, in_, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_MEMORY_MB, MOST_WORKERS, YEAR_S, ServerUrl, one_of, server_urls

RecogniserName = Literal["embedded", "openai"]
Device = Literal["auto", "cpu", "cuda"]
COMPUTE_TYPES = (
    "auto", "default", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
)  # fmt: skip
"""Compute types of CTranslate2."""


@attrs.frozen(kw_only=True)
class WhisperSettings:
    """Whisper in worker processes: parameters of a process, and when it is replaced."""

    device: Device = attrs.field(validator=one_of(Device))
    compute_type: str = attrs.field(validator=in_(COMPUTE_TYPES))
    flash_attention: bool
    spare_vram: bool
    cpu_threads: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    beam_size: int = attrs.field(validator=[ge(1), le(10)])
    hypotheses: int = attrs.field(validator=[ge(1), le(10)])
    max_jobs: int = attrs.field(validator=[ge(0), le(1_000_000_000)])
    max_jobs_jitter: int = attrs.field(validator=[ge(0), le(1_000_000_000)])
    spare_workers: int = attrs.field(validator=[ge(0), le(MOST_WORKERS)])
    worker_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])


@attrs.frozen(kw_only=True)
class OpenAITranscriptionSettings:
    """A server with OpenAI's ``/v1/audio/transcriptions``."""

    url: tuple[ServerUrl, ...] = attrs.field(validator=server_urls)
    """One or more servers with the same models."""
    model: str
    api_key: str = attrs.field(repr=False)
    timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    at_once: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    """Requests that one server has in work at once."""


@attrs.frozen(kw_only=True)
class TranscriptionSettings:
    """The queue of utterances, and the models that are loaded."""

    provider: RecogniserName = attrs.field(validator=one_of(RecogniserName))
    fallback: bool
    model: str
    smaller_model: str
    """What does its work while memory is short; empty for none."""
    models: tuple[str, ...]
    """Further models that clients may ask for."""
    preload: tuple[str, ...]
    model_workers: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    unload_after_s: float = attrs.field(validator=[ge(0), le(YEAR_S)])
    models_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])
    workers: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    batch_size: int = attrs.field(validator=[ge(1), le(64)])
    batch_timeout_ms: float = attrs.field(validator=[ge(0), le(60_000)])
    vocabulary: bool
    language: str
    job_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    queue_per_worker: int = attrs.field(validator=[ge(1), le(100_000)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    embedded: WhisperSettings
    openai: OpenAITranscriptionSettings

    @property
    def at_once(self) -> int:
        """How many utterances the usual model can have in work: one a process, or several a server."""
        return self.workers if self.provider == "embedded" else max(1, len(self.openai.url)) * self.openai.at_once
