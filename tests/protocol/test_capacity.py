import pytest

from protocol.capacity import Capacity


def test_nothing_is_known_before_somebody_has_spoken():
    assert Capacity().use(100, 2) is None


@pytest.mark.parametrize(
    ("busy", "workers", "share"),
    [(0, 1, 0.0), (10, 1, 0.8), (10, 2, 0.4), (25, 2, 1.0), (50, 2, 2.0), (3, 0, None)],
)
def test_each_who_speaks_wants_his_share(busy: int, workers: int, share: float | None):
    capacity = Capacity()
    capacity.learn(spoken_s=3.2, compute_s=0.32)  # and half a second of patience
    found = capacity.use(busy, workers)
    assert found == (None if share is None else pytest.approx(share, rel=0.01))


def test_what_an_utterance_costs_is_learnt_slowly():
    capacity = Capacity()
    capacity.learn(3.2, 0.32)
    capacity.learn(3.2, 3.2)
    once = capacity.use(1, 1)
    assert once is not None
    assert 0.12 < once < 0.16
    for _ in range(60):
        capacity.learn(3.2, 3.2)
    assert capacity.use(1, 1) == pytest.approx(3.2 / 6.9, rel=0.01)
