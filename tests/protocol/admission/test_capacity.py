from collections import Counter

import pytest

from protocol.admission.capacity import COMPANY_AGAIN, TRIAL_BATCH, Capacity


def test_nothing_is_known_before_the_first_utterance():
    assert Capacity().demand(Counter(a=100), 2) is None


@pytest.mark.parametrize(("busy", "workers", "share"), [(0, 1, 0.0), (10, 1, 0.8), (10, 2, 0.4), (50, 2, 2.0)])
def test_each_speaker_needs_a_share(busy: int, workers: int, share: float):
    capacity = Capacity().learnt(spoken_s=3.18, compute_s=0.32)  # and half a second of patience
    demand = capacity.demand(Counter(a=busy), workers)
    assert demand is not None
    assert demand.share == pytest.approx(share)
    assert demand.each == pytest.approx(0.08 / workers)
    assert demand.per_s == pytest.approx(workers / 0.32)


def test_without_a_worker_or_with_results_for_nothing_there_is_no_capacity_to_know():
    capacity = Capacity().learnt(1.0, 0.0)
    assert capacity.demand(Counter(a=1), 1) is None
    capacity = capacity.learnt(1.0, 0.1)
    assert capacity.demand(Counter(a=1), 1) is not None
    assert capacity.demand(Counter(a=1), 0) is None


def test_what_an_utterance_costs_is_learnt_slowly():
    capacity = Capacity().learnt(3.2, 0.32)
    capacity = capacity.learnt(3.2, 3.2)
    once = capacity.demand(Counter(a=1), 1)
    assert once is not None
    assert 0.12 < once.share < 0.16
    for _ in range(60):
        capacity = capacity.learnt(3.2, 3.2)
    often = capacity.demand(Counter(a=1), 1)
    assert often is not None
    assert often.share == pytest.approx(3.2 / 6.9, rel=0.01)


@pytest.mark.parametrize(("together_s", "limit"), [(0.1, 16), (0.17, 16), (0.18, 1), (0.3, 1)])
def test_a_batch_is_made_where_it_is_cheaper_for_each(together_s: float, limit: int):
    capacity = Capacity()
    assert capacity.batch_limit(16) == TRIAL_BATCH, "not known yet"
    capacity = capacity.learnt(1.0, 0.2)
    assert capacity.batch_limit(16) == TRIAL_BATCH, "a batch has to be tried, and not many shall wait for it"
    assert capacity.batch_limit(2) == 2
    capacity = capacity.learnt(1.0, together_s, batch=4)
    assert capacity.batch_limit(16) == limit


def test_a_batch_is_tried_again_some_day():
    capacity = Capacity().learnt(1.0, 0.2, batch=2)
    for _ in range(COMPANY_AGAIN - 1):
        capacity = capacity.learnt(1.0, 0.2)
    assert capacity.batch_limit(4) == 1
    capacity = capacity.learnt(1.0, 0.2)
    assert capacity.batch_limit(4) == 4
    capacity = capacity.learnt(1.0, 0.2, batch=4)
    assert capacity.batch_limit(4) == 1
