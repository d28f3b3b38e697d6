"""Language models."""

from collections.abc import Mapping
from typing import Literal

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import DAY_S, MOST_WORKERS, YEAR_S, one_of

LanguageModelName = Literal["ollama", "openai", "embedded"]
InferenceProvider = Literal["auto", LanguageModelName, "none"]
EmbeddedUse = Literal["talk", "off"]


@attrs.frozen(kw_only=True)
class OllamaSettings:
    """Ollama."""

    url: str
    model: str
    keep_alive_s: float = attrs.field(validator=[ge(0), le(YEAR_S)])
    max_loaded_models: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])


@attrs.frozen(kw_only=True)
class OpenAIModelSettings:
    """A server with OpenAI's ``/v1/chat/completions``."""

    url: str
    model: str
    api_key: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class EmbeddedModelSettings:
    """The small model in a worker process."""

    use: EmbeddedUse = attrs.field(validator=one_of(EmbeddedUse))
    cpu_threads: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])


@attrs.frozen(kw_only=True)
class InferenceSettings:
    """Language models."""

    provider: InferenceProvider = attrs.field(validator=one_of(InferenceProvider))
    max_tokens: int = attrs.field(validator=[ge(1), le(1_000_000)])
    temperature: float = attrs.field(validator=[ge(0), le(2)])
    top_p: float = attrs.field(validator=[gt(0), le(1)])
    top_k: int = attrs.field(validator=[ge(0), le(1_000_000)])
    context_size: int = attrs.field(validator=[ge(256), le(1 << 24)])
    gpu_layers: int = attrs.field(validator=[ge(-1), le(10_000)])
    num_parallel: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    request_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    recheck_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    route_by_task: bool
    task_models: Mapping[str, str]
    """Task, as the client names it or as it is guessed (coding, analysis, conversation), to a model's name."""
    cache_enabled: bool
    cache_ttl_s: float = attrs.field(validator=[gt(0), le(YEAR_S)])
    cache_max_entries: int = attrs.field(validator=[ge(1), le(10_000_000)])
    cache_compression: bool
    cache_tasks: tuple[str, ...]
    ollama: OllamaSettings
    openai: OpenAIModelSettings
    embedded: EmbeddedModelSettings
