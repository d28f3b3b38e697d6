"""Language models."""

from collections.abc import Mapping
from typing import Literal

import attrs
from attrs.validators import ge, gt, in_, le

from config.settings.bounds import DAY_S, MOST_WORKERS, YEAR_S

InferenceProvider = Literal["auto", "ollama", "openai", "embedded", "none"]


@attrs.frozen(kw_only=True)
class InferenceSettings:
    """Language models."""

    provider: InferenceProvider = attrs.field(validator=in_(("auto", "ollama", "openai", "embedded", "none")))
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
