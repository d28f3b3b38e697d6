import pytest

from protocol.admission.eviction import IDLE_S, Activity

NOW_S = 1_000.0


def active(*silent_s: float) -> Activity:
    """Return sessions ``s0``, ``s1`` ... that began in this order and have been silent for so long."""
    activity = Activity()
    for number, silent in enumerate(silent_s):
        activity.note(f"s{number}", NOW_S - silent)
    return activity


@pytest.mark.parametrize(
    ("silent_s", "order"),
    [
        ((0.0, 0.0, 0.0), ["s2", "s1", "s0"]),
        ((IDLE_S, IDLE_S, 0.0), ["s2", "s1", "s0"]),
        ((0.0, 31.0, 0.0), ["s1", "s2", "s0"]),
        ((31.0, 90.0, 0.0, 60.0), ["s1", "s3", "s0", "s2"]),
    ],
    ids=["the newest first", "half a minute is not long", "the silent one first", "the longest silent first"],
)
def test_which_session_leaves_first(silent_s: tuple[float, ...], order: list[str]):
    activity = active(*silent_s)
    assert [name for _ in silent_s for name in activity.next_leavers(NOW_S)] == order
    assert activity.next_leavers(NOW_S) == [], "nobody is asked twice"


def test_one_in_twenty_leaves_at_a_time():
    activity = active(*[60.0] * 45)
    assert activity.next_leavers(NOW_S) == ["s0", "s1"]
    assert activity.next_leavers(NOW_S) == ["s2", "s3"]


def test_an_active_session_goes_behind_silent_ones_and_an_ended_one_is_forgotten():
    activity = active(60.0, 60.0, 60.0)
    activity.note("s0", NOW_S)
    activity.forget("s1")
    activity.forget("s1")
    assert activity.next_leavers(NOW_S) == ["s2"]
    activity.forget("s2")
    activity.note("s2", NOW_S - 60.0)
    assert activity.next_leavers(NOW_S) == ["s2"], "another session of that name was not asked"


def test_of_no_sessions_none_leaves():
    assert Activity().next_leavers(NOW_S) == []
