import pytest

from runtime.supervision.outcome import figures_of, outcome_of


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


def test_a_mistake_in_figures_is_shown() -> None:
    assert figures_of(lambda: {"n": 1 // 0}) == {"error": "ZeroDivisionError: integer division or modulo by zero"}
    assert figures_of(lambda: {"n": 1}) == {"n": 1}
