import numpy as np
import pytest

from backends.speech.mixing import mixed


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [(1_000, 1_000, 1_000), (1_000, 0, 500), (1_000, -1_000, 1_000), (-900, 1_000, 1_000), (0, 0, 0)],
)
def test_channels_are_mixed_unless_they_cancel_each_other(left: int, right: int, expected: int) -> None:
    planes = np.array([[left] * 100, [right] * 100], np.int16)
    assert mixed(planes).tolist() == [expected] * 100


def test_one_channel_is_itself() -> None:
    assert mixed(np.array([[1, 2, 3]], np.int16)).tolist() == [1, 2, 3]
