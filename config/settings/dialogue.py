"""The turn."""

import attrs
from attrs.validators import ge, gt, le

from config.settings.bounds import HOUR_S

MOST_SEARCH_S = 10  # the user waits for it


@attrs.frozen(kw_only=True)
class DialogueSettings:
    """The turn."""

    turn_timeout_s: float = attrs.field(validator=[gt(0), le(HOUR_S)])
    max_tool_steps: int = attrs.field(validator=[ge(0), le(100)])
    history_turns: int = attrs.field(validator=[ge(0), le(1_000)])
    barge_in_ms: int = attrs.field(validator=[ge(0), le(60_000)])
    min_confidence: float = attrs.field(validator=[ge(0), le(1)])
    search_within_s: float = attrs.field(validator=[ge(0), le(MOST_SEARCH_S)])
    system_prompt: str
    commands_dir: str
    more_commands_dirs: tuple[str, ...]
    """Read like ``commands_dir``, and as if all files stood in one folder."""
