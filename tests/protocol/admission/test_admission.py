import random
from collections import Counter
from functools import partial

import pytest

from protocol.admission.admission import Admission, AdmissionRefused, Bucket, SlowStart, may_return, retry_deferrable_s
from protocol.admission.capacity import Demand
from protocol.admission.tenants import Kept, Tenants


def admission(limit: int = 100) -> Admission:
    return Admission(limit, 0.9, partial(random.Random(1).uniform, 1, 2))


@pytest.mark.parametrize(
    ("level", "taken", "reason"),
    [
        (0, 0, None),
        (2, 99, None),
        (0, 100, "all 100 places are taken"),
        (0, 103, "all 100 places are taken"),  # some have come back
        (3, 0, "the server is under load (level 3)"),
        (5, 100, "the server is under load (level 5)"),
    ],
)
def test_new_clients_need_a_place_and_a_server_that_is_not_under_load(level: int, taken: int, reason: str | None):
    refused = admission().refusal(level, taken, None, 0.0)
    assert (None if refused is None else refused.reason) == reason


def test_those_refused_together_do_not_come_back_together():
    listener = admission()
    later_s = [refused.retry_after_s for _ in range(100) if (refused := listener.refusal(4, 0, None, 0.0)) is not None]
    assert len(set(later_s)) == 100
    assert 20.0 <= min(later_s) < 22.0
    assert 38.0 < max(later_s) <= 40.0


def test_without_earlier_load_all_are_admitted_at_once():
    listener = admission(1_000)
    assert all(listener.refusal(0, taken, None, 0.0) is None for taken in range(1_000))


def test_after_load_admission_grows_slowly():
    listener = admission()
    assert isinstance(listener.refusal(3, 0, None, 0.0), AdmissionRefused)
    per_second = [
        sum(listener.refusal(0, 0, None, 30.0 + second + tick / 100) is None for tick in range(100))
        for second in range(18)
    ]
    assert 10 <= per_second[0] <= 12, "a tenth of the places in the first second"
    assert 19 <= per_second[5] <= 23, "doubled after five"
    assert per_second[17] == 100
    assert per_second == sorted(per_second)


def test_nothing_is_saved_up_while_no_client_comes():
    slow = SlowStart(100)
    slow.shut()
    assert slow.admits(0.0)
    assert sum(slow.admits(10.0) for _ in range(100)) == 40, "a second's worth"


def test_load_in_between_shuts_it_again():
    slow = SlowStart(100)
    slow.shut()
    assert slow.admits(0.0)
    slow.shut()
    assert slow.admits(16.0)
    assert not slow.admits(16.05)


def test_a_small_server_admits_again_too():
    slow = SlowStart(2)
    slow.shut()
    assert [slow.admits(second) for second in (0.0, 0.5, 1.0)] == [True, False, True]


@pytest.mark.parametrize(
    ("level", "awaited", "on_trial", "may"),
    [
        (3, 1, 0, True),
        (0, 1, 0, True),  # full
        (3, 0, 0, False),  # no session waits
        (3, 2, 2, True),  # some of which may have come back already
        (3, 500, 64, False),
        (4, 5, 0, False),  # connected sessions are asked to leave
    ],
)
def test_a_client_may_prove_that_it_comes_back_while_a_session_waits_for_it(
    level: int, awaited: int, on_trial: int, may: bool
):
    assert may_return(level, awaited, on_trial) is may


def wanted(busy: int, each: float = 0.0999, per_s: float = 5.0) -> Demand:
    return Demand(busy * each, each, per_s)


def test_a_new_client_will_speak_and_counts_for_half_a_second():
    listener = admission()
    times = (0.0, 0.1, 0.2, 0.3, 0.55, 0.58, 5.0)
    refused = [listener.refusal(0, 0, wanted(7, per_s=50.0), now_s) is not None for now_s in times]
    assert refused == [False, False, True, True, False, True, False]


def test_a_refusal_for_want_of_capacity_does_not_slow_admission():
    listener = admission()
    assert isinstance(listener.refusal(0, 0, wanted(10), 0.0), AdmissionRefused)
    assert all(listener.refusal(0, 0, None, 0.1) is None for _ in range(100))


def test_half_of_the_speakers_come_at_once_and_others_as_they_are_understood():
    listener = admission()
    nobody = wanted(0)
    assert sum(listener.refusal(0, 0, nobody, 0.0) is None for _ in range(20)) == 4, "of nine"
    later = sum(listener.refusal(0, 0, nobody, 1.0 + tick / 20) is None for tick in range(200))
    assert later == pytest.approx(4 + 45, abs=2), "nine tenths of five a second"


def test_however_slow_the_recogniser_one_can_come():
    bucket = Bucket()
    assert [bucket.take(0.09, 1.0, now_s) for now_s in (0.0, 5.0, 12.0)] == [True, False, True]


# --- tenants -------------------------------------------------------------------------------------


def test_what_is_kept_for_others_is_not_given_to_a_tenant_with_its_share():
    listener = admission(10)
    assert listener.refusal(0, 7, None, 0.0, Kept(places=0.2)) is None
    refused = listener.refusal(0, 8, None, 0.0, Kept(places=0.2))
    assert refused is not None
    assert (refused.reason, refused.is_for_others) == ("the last places are kept for others", True)
    assert listener.refusal(0, 9, None, 0.0) is None


@pytest.mark.parametrize(
    ("busy", "kept", "is_for_others"),
    [(7, 0.0, None), (7, 0.2, True), (6, 0.2, None), (9, 0.0, False), (9, 0.2, False)],
)
def test_shares_are_kept_for_others(busy: int, kept: float, is_for_others: bool | None):
    refused = admission().refusal(0, 0, wanted(busy), 0.0, Kept(speech=kept))
    assert (None if refused is None else refused.is_for_others) is is_for_others


def test_the_last_admissions_at_once_are_kept_for_others():
    bucket = Bucket()
    assert [bucket.take(1.0, 4.0, 0.0, kept=2.0) for _ in range(3)] == [True, True, False]
    assert [bucket.take(1.0, 4.0, 0.0) for _ in range(3)] == [True, True, False]


def test_however_much_is_kept_one_can_come():
    bucket = Bucket()
    assert [bucket.take(0.1, 1.0, now_s, kept=5.0) for now_s in (0.0, 5.0, 12.0)] == [True, False, True]


PER_S = 20.0
SPOKEN_S = (1.0, 3.0)
EACH = 1 / (PER_S * (sum(SPOKEN_S) / 2 + 0.5))
CARRIED_PER_S = 0.9 * PER_S


def let_in(seed: int, seconds: float = 60.0, **offered_per_s: float) -> tuple[Counter[str], Counter[str]]:
    """Let clients come by Poisson's law, each to speak for a while; return how many came and how many were let in."""
    rng = random.Random(seed)
    listener, tenants = Admission(1_000, 0.9, lambda: 1.0), Tenants(1_000, 0.9)
    came, entered = Counter[str](), Counter[str]()
    inside: list[tuple[float, float, str]] = []
    now_s, total_per_s = 0.0, sum(offered_per_s.values())
    while (now_s := now_s + rng.expovariate(total_per_s)) < seconds:
        [tenant] = rng.choices(list(offered_per_s), list(offered_per_s.values()))
        came[tenant] += 1
        inside = [one for one in inside if one[1] > now_s]
        busy = Counter(whose for since_s, _, whose in inside if since_s <= now_s)
        demand = Demand(busy.total() * EACH, EACH, PER_S, busy)
        if listener.refusal(0, 0, demand, now_s, tenants.kept_from(tenant, demand, now_s)) is None:
            tenants.enter(tenant, now_s)
            entered[tenant] += 1
            inside.append((now_s + 0.2, now_s + 0.7 + rng.uniform(*SPOKEN_S), tenant))
    return came, entered


@pytest.mark.parametrize("seed", range(5))
def test_a_noisy_tenant_costs_a_quiet_one_next_to_nothing(seed: int):
    came, entered = let_in(seed, noisy=2.7 * CARRIED_PER_S, quiet=0.3 * CARRIED_PER_S)
    _, alone = let_in(seed, noisy=3 * CARRIED_PER_S)
    assert entered["quiet"] >= 0.9 * came["quiet"], "which is less than its share"
    assert entered.total() >= 5 / 6 * alone.total(), "what is kept is not always used"


@pytest.mark.parametrize("seed", range(3))
def test_two_tenants_that_both_want_too_much_get_the_same(seed: int):
    _, entered = let_in(seed, noisy=2.0 * CARRIED_PER_S, louder=4.0 * CARRIED_PER_S)
    assert entered["noisy"] == pytest.approx(entered["louder"], rel=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_one_tenant_is_let_in_as_if_there_were_no_tenants(seed: int, monkeypatch: pytest.MonkeyPatch):
    found = let_in(seed, only=3 * CARRIED_PER_S)
    monkeypatch.setattr(Tenants, "kept_from", lambda *_: Kept())
    assert let_in(seed, only=3 * CARRIED_PER_S) == found


@pytest.mark.parametrize(("level", "retry_s"), [(0, None), (1, None), (2, 10.0), (4, 20.0)])
def test_work_that_can_wait_is_refused_from_level_2_on(level: int, retry_s: float | None) -> None:
    assert retry_deferrable_s(level) == retry_s
