"""Voice activity and endpointing."""

import attrs
from attrs.validators import ge, gt, le


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
    silero_sessions: int = attrs.field(validator=[ge(0), le(10_000)])
    normalise: bool
    noise_suppression: int = attrs.field(validator=[ge(0), le(4)])
