"""Speech to text."""

from typing import Literal

import attrs
from attrs.validators import ge, gt, in_, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_MEMORY_MB, MOST_WORKERS, YEAR_S

COMPUTE_TYPES = (
    "auto", "default", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16",
    "float32",
)  # fmt: skip
"""CTranslate2's."""


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
