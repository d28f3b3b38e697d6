import pytest

from runtime.supervision.outcome import outcome_of, statistics_of
from runtime.supervision.status import ActorStatistics, NoStatistics, UnreadableStatistics


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyboardInterrupt(), SystemExit(3), ExceptionGroup("g", [ValueError()])]
)
async def test_nothing_leaves_the_wrapper(error: BaseException) -> None:
    async def life() -> None:
        raise error

    assert await outcome_of(life) is error


async def test_a_good_life_has_no_error() -> None:
    async def life() -> None:
        pass

    assert await outcome_of(life) is None


def test_a_mistake_in_statistics_is_shown() -> None:
    def fail() -> ActorStatistics:
        raise ValueError("no such figure")

    assert statistics_of(fail) == UnreadableStatistics("ValueError: no such figure")
    assert statistics_of(NoStatistics) == NoStatistics()
