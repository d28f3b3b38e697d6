"""Which siblings a restart affects, and when an ended child ends its supervisor: pure tables of OTP's rules."""

import enum
from collections.abc import Iterable, Sequence


class Strategy(enum.Enum):
    """Which siblings are restarted with a crashed child."""

    ONE_FOR_ONE = "one_for_one"
    REST_FOR_ONE = "rest_for_one"  # those started after it, for they may rely on it
    ONE_FOR_ALL = "one_for_all"


class AutoShutdown(enum.Enum):
    """When the end of significant children ends their supervisor."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


def affected(strategy: Strategy, ids: Sequence[str], crashed: str) -> tuple[str, ...]:
    """Return the children, in start order, that are restarted when ``crashed`` (one of ``ids``) crashes."""
    if strategy is Strategy.ONE_FOR_ONE:
        return (crashed,)
    first = ids.index(crashed) if strategy is Strategy.REST_FOR_ONE else 0
    return tuple(ids[first:])


def ends_supervisor(auto: AutoShutdown, others_active: Iterable[bool]) -> bool:
    """Whether the end of a significant child ends its supervisor; given which other significant ones are active."""
    if auto is AutoShutdown.ALL_SIGNIFICANT:
        return not any(others_active)
    return auto is AutoShutdown.ANY_SIGNIFICANT
