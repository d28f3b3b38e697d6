"""Text to speech."""

from typing import Literal

import attrs
from attrs.validators import ge, gt, in_, le

from config.settings.bounds import DAY_S, HOUR_S, MOST_MEMORY_MB, MOST_WORKERS


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
