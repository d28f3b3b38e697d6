import pytest

from backends.builtin.asker import ASKER, Asker
from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.things import MeantThing, SeveralMeant
from backends.builtin.timers import KIND, MAX_TIMERS, TimerError, Timers, due_s
from protocol.messages.identity import LOCAL_USER


@pytest.fixture
def store(tmp_path):
    return SqliteOwnedStore(tmp_path / "tools.db")


def due_times(store):
    """Return when each timer is over, None for one that is paused."""
    return [due_s(thing) for thing in store.things(LOCAL_USER, KIND)]


def test_timers_outlive_the_process(store):
    Timers(store).set(60, "pasta", now_s=100.0)

    (timer,) = Timers(SqliteOwnedStore(store.path)).by_due()

    assert (timer.name, timer.due_s) == ("pasta", 160.0)


def test_a_timer_knows_the_session_and_the_language_that_it_was_set_in(store):
    token = ASKER.set(Asker("ada", "kitchen"))
    try:
        Timers(store).set(60, "pasta", now_s=100.0)
    finally:
        ASKER.reset(token)

    (thing,) = store.things("ada", KIND)
    assert (thing.body["session"], thing.body["language"]) == ("kitchen", "en")
    assert Timers(store).by_due() == [], "another user has timers of her own"


@pytest.mark.parametrize("seconds", [0, 0.5, -3, 7 * 86_400 + 1, float("nan"), float("inf")])
def test_a_duration_out_of_bounds_is_refused(store, seconds):
    with pytest.raises(TimerError, match="one second to seven days"):
        Timers(store).set(seconds, "", now_s=0.0)


def test_there_are_not_more_timers_than_allowed(store):
    timers = Timers(store)
    for _ in range(MAX_TIMERS):
        timers.set(10, "", now_s=0.0)

    with pytest.raises(TimerError, match="100 timers already"):
        timers.set(10, "", now_s=0.0)


def test_the_only_timer_is_cancelled_without_a_name(store):
    timers = Timers(store)
    timers.set(600, "", now_s=0.0)

    assert timers.cancel() == "The ten-minute timer is cancelled."
    assert timers.cancel() == "There is no timer."


def test_one_of_several_timers_has_to_be_named(store):
    timers = Timers(store)
    timers.set(600, "Pasta", now_s=0.0)
    timers.set(300, "tea", now_s=0.0)

    with pytest.raises(SeveralMeant, match=r"^There are two timers: Pasta timer and tea timer\. Which one\?$") as asked:
        timers.cancel()
    assert asked.value.things == (
        MeantThing("Pasta timer", {"name": "Pasta"}),
        MeantThing("tea timer", {"name": "tea"}),
    )
    assert timers.cancel("eggs") == "There is no eggs timer."
    assert timers.cancel("pasta") == "The Pasta timer is cancelled."
    assert timers.cancel(seconds=300) == "The tea timer is cancelled."


def test_all_timers_are_cancelled_at_once(store):
    timers = Timers(store)
    for name in ("a", "b"):
        timers.set(600, name, now_s=0.0)

    assert timers.cancel(every=True) == "2 timers are cancelled."
    assert timers.by_due() == []


def test_running_timers_are_told_in_the_order_in_which_they_end(store):
    timers = Timers(store)
    assert timers.text(0.0) == "There is no timer."
    timers.set(90, "pasta", now_s=0.0)
    assert timers.text(30.0) == "pasta timer: one minute left."
    timers.set(10, "", now_s=30.0)

    assert timers.text(30.0) == "Two timers: ten-second timer: ten seconds left; pasta timer: one minute left."


def test_a_named_timer_is_told_by_itself(store):
    timers = Timers(store)
    timers.set(600, "pizza", now_s=0.0)
    timers.set(300, "", now_s=0.0)

    assert timers.text(60.0, "the pizza") == "pizza timer: nine minutes left."
    assert timers.text(60.0, seconds=300) == "five-minute timer: four minutes left."
    assert timers.text(60.0, "egg") == "There is no egg timer."


def test_the_name_that_fits_exactly_is_meant(store):
    timers = Timers(store)
    for name in ("hamster", "ham", "green tea", "black tea"):
        timers.set(600, name, now_s=0.0)

    assert timers.cancel("ham") == "The ham timer is cancelled."
    assert timers.cancel("ham") == "There is no ham timer."
    with pytest.raises(SeveralMeant, match="There are two timers: green tea timer and black tea timer"):
        timers.cancel("tea")


def test_a_timer_without_a_name_is_told_from_others_by_its_duration(store):
    timers = Timers(store)
    timers.set(600, "", now_s=0.0)
    timers.set(300, "tea", now_s=0.0)

    with pytest.raises(SeveralMeant) as asked:
        timers.pause(now_s=0.0)
    assert asked.value.things[0] == MeantThing("ten-minute timer", {"seconds": 600})
    assert timers.pause(now_s=0.0, seconds=600).startswith("The ten-minute timer is paused")


def test_a_paused_timer_is_not_due_until_it_has_gone_on_for_what_was_left(store):
    timers = Timers(store)
    timers.set(60, "tea", now_s=0.0)
    timers.set(600, "pasta", now_s=0.0)

    assert timers.pause("tea", now_s=20.0) == "The tea timer is paused, with forty seconds left."
    assert due_times(store) == [None, 600.0]
    assert timers.pause("tea", now_s=500.0) == "The tea timer is paused, with forty seconds left."
    assert Timers(store).text(500.0) == (
        "Two timers: pasta timer: one minute and forty seconds left; tea timer: paused, forty seconds left."
    )
    assert timers.resume(now_s=500.0) == "The tea timer is running, with forty seconds left."
    assert due_times(store) == [540.0, 600.0]


def test_a_timer_that_runs_goes_on_as_it_did(store):
    timers = Timers(store)
    timers.set(60, "tea", now_s=0.0)

    assert timers.resume("tea", now_s=20.0) == "The tea timer is running, with forty seconds left."
    assert due_times(store) == [60.0]


def test_a_timer_gets_more_time_or_less(store):
    timers = Timers(store)
    timers.set(600, "", now_s=0.0)

    assert timers.adjust(300, now_s=60.0) == "The ten-minute timer has fourteen minutes left now."
    assert due_times(store) == [900.0]
    assert timers.adjust(-120, seconds=600, now_s=60.0) == "The ten-minute timer has twelve minutes left now."
    timers.pause(now_s=60.0)
    assert timers.adjust(60, now_s=500.0) == "The ten-minute timer has thirteen minutes left now."
    assert due_times(store) == [None]


@pytest.mark.parametrize("by_s", [-600, -599.5, 7 * 86_400, float("nan"), float("inf"), 0, 0.5])
def test_no_timer_is_changed_beyond_its_bounds(store, by_s):
    timers = Timers(store)
    timers.set(600, "tea", now_s=0.0)

    with pytest.raises(TimerError, match=r"has ten minutes left, and may have up to seven days|one second or more"):
        timers.adjust(by_s, now_s=0.0)
    assert due_times(store) == [600.0]


def test_a_timer_gets_another_name(store):
    timers = Timers(store)
    timers.set(600, "", now_s=0.0)

    assert timers.rename("pasta") == "The ten-minute timer is now the pasta timer."
    assert timers.rename("tea", "pasta") == "The pasta timer is now the tea timer."


@pytest.mark.parametrize("change", ["pause", "resume", "adjust", "rename"])
def test_what_is_to_be_changed_must_be_clear(store, change):
    timers = Timers(store)

    def answer():
        arguments = {"adjust": (60,), "rename": ("x",)}.get(change, ())
        return getattr(timers, change)(*arguments, **({} if change == "rename" else {"now_s": 0.0}))

    assert answer() == "There is no timer."
    for name in ("a", "b"):
        timers.set(600, name, now_s=0.0)
    with pytest.raises(SeveralMeant, match=r"There are two timers: a timer and b timer\. Which one\?"):
        answer()


def test_a_large_number_of_seconds_is_told_in_digits(store):
    with pytest.raises(TimerError, match="not 8,640,000 seconds"):
        Timers(store).set(8_640_000, "", now_s=0.0)
