import pytest

from assembly.http_services import sheddable_retry_s


@pytest.mark.parametrize(("level", "retry_after_s"), [(0, None), (1, None), (2, 10.0), (4, 20.0)])
def test_work_that_can_wait_is_refused_from_level_2_on(level: int, retry_after_s: float | None) -> None:
    assert sheddable_retry_s(level) == retry_after_s
