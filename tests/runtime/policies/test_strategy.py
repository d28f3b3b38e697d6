from typing import Any

import pytest

from runtime.policies.strategy import AutoShutdown, Strategy, affected, ends_supervisor


@pytest.mark.parametrize(
    ("strategy", "crashed", "wanted"),
    [
        (Strategy.ONE_FOR_ONE, "b", ("b",)),
        (Strategy.REST_FOR_ONE, "a", ("a", "b", "c")),
        (Strategy.REST_FOR_ONE, "b", ("b", "c")),
        (Strategy.REST_FOR_ONE, "c", ("c",)),
        (Strategy.ONE_FOR_ALL, "c", ("a", "b", "c")),
    ],
)
def test_the_strategy_says_which_siblings_are_restarted(strategy: Strategy, crashed: str, wanted: Any) -> None:
    assert affected(strategy, ("a", "b", "c"), crashed) == wanted


@pytest.mark.parametrize(
    ("auto", "others_active", "ends"),
    [
        (AutoShutdown.NEVER, [], False),
        (AutoShutdown.ANY_SIGNIFICANT, [True], True),
        (AutoShutdown.ALL_SIGNIFICANT, [True, False], False),
        (AutoShutdown.ALL_SIGNIFICANT, [False], True),
        (AutoShutdown.ALL_SIGNIFICANT, [], True),
    ],
)
def test_significant_ends_follow_auto_shutdown(auto: AutoShutdown, others_active: list[bool], ends: Any) -> None:
    assert ends_supervisor(auto, others_active) is ends
