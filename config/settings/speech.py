"""Text to speech."""

from typing import Literal

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_MEMORY_MB, MOST_WORKERS, ServerUrl, one_of, server_urls

SynthesiserName = Literal["piper", "openai"]
SpeechProvider = Literal[SynthesiserName, "none"]


@attrs.frozen(kw_only=True)
class PiperSettings:
    """Piper, in worker processes."""

    voice: str
    workers: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    spare_workers: int = attrs.field(validator=[ge(0), le(MOST_WORKERS)])
    worker_memory_mb: int = attrs.field(validator=[ge(0), le(MOST_MEMORY_MB)])


@attrs.frozen(kw_only=True)
class OpenAISpeechSettings:
    """A server with OpenAI's ``/v1/audio/speech``."""

    url: tuple[ServerUrl, ...] = attrs.field(validator=server_urls)
    """One or more servers with the same models."""
    model: str
    voice: str
    api_key: str = attrs.field(repr=False)
    timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    at_once: int = attrs.field(validator=[ge(1), le(MOST_WORKERS)])
    """Requests that one server has in work at once."""


@attrs.frozen(kw_only=True)
class SpeechSettings:
    """Text to speech."""

    provider: SpeechProvider = attrs.field(validator=one_of(SpeechProvider))
    fallback: bool
    job_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    start_timeout_s: float = attrs.field(validator=[gt(0), le(DAY_S)])
    lead_s: float = attrs.field(validator=[gt(0), le(60)])
    cache_mb: int = attrs.field(validator=[ge(0), le(1 << 16)])
    piper: PiperSettings
    openai: OpenAISpeechSettings
