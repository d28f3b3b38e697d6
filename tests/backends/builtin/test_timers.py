import pytest

from backends.builtin.store import JsonFile
from backends.builtin.things import MeantThing, SeveralMeant
from backends.builtin.timers import MAX_TIMERS, TimerError, Timers, announcement


@pytest.fixture
def file(tmp_path):
    return JsonFile(tmp_path / "timers.json")


def test_a_timer_is_due_at_its_time_and_stays_until_it_is_forgotten(file):
    timers = Timers(file)
    timer = timers.set(10, "", now_s=100.0, session_id="s1")

    assert timers.due(109.9) == []
    assert timers.due(110.0) == [timer]
    assert timers.due(111.0) == [timer]
    timers.forget([timer])
    assert timers.due(111.0) == []


def test_timers_outlive_the_process(file):
    Timers(file).set(60, "pasta", now_s=100.0, session_id="s1")

    (timer,) = Timers(file).by_due()

    assert (timer.name, timer.due_s, timer.session_id) == ("pasta", 160.0, "s1")


def test_kept_entries_that_are_no_timers_are_dropped(file, caplog):
    good = {"number": 1, "name": "a", "seconds": 1, "due_s": 5, "session_id": "s"}
    with file.locked():
        file.write([{"number": "x"}, "nonsense", good])

    assert len(Timers(file)) == 1
    assert "dropped" in caplog.text


def test_each_server_announces_its_own_timers_and_those_whose_server_is_gone(file):
    mine, theirs = Timers(file, "mine"), Timers(JsonFile(file.path), "theirs")
    timer = theirs.set(10, "tea", now_s=100.0, session_id="s1")
    other = mine.set(60, "eggs", now_s=100.0, session_id="s2")
    assert [timer.number, other.number] == [1, 2]

    assert (theirs.next_s(), mine.next_s()) == (110.0, 120.0)
    assert (theirs.due(110.0), mine.due(119.9)) == ([timer], [])
    assert mine.due(120.0) == [timer]
    theirs.forget([timer])
    assert mine.by_due() == [other]
    assert theirs.cancel("eggs") == "The eggs timer is cancelled."
    assert (len(mine), mine.next_s()) == (0, None)


@pytest.mark.parametrize("kept", [{"a": 1}, 5, [[]]])
def test_a_kept_file_of_another_shape_counts_as_empty(file, kept):
    with file.locked():
        file.write(kept)

    assert len(Timers(file)) == 0


@pytest.mark.parametrize("seconds", [0, 0.5, -3, 7 * 86_400 + 1, float("nan"), float("inf")])
def test_a_duration_out_of_bounds_is_refused(file, seconds):
    with pytest.raises(TimerError, match="one second to seven days"):
        Timers(file).set(seconds, "", now_s=0.0, session_id="")


def test_there_are_not_more_timers_than_allowed(file):
    timers = Timers(file)
    for _ in range(MAX_TIMERS):
        timers.set(10, "", now_s=0.0, session_id="")

    with pytest.raises(TimerError, match="100 timers already"):
        timers.set(10, "", now_s=0.0, session_id="")


def test_the_only_timer_is_cancelled_without_a_name(file):
    timers = Timers(file)
    timers.set(600, "", now_s=0.0, session_id="")

    assert timers.cancel() == "The ten-minute timer is cancelled."
    assert timers.cancel() == "There is no timer."


def test_one_of_several_timers_has_to_be_named(file):
    timers = Timers(file)
    timers.set(600, "Pasta", now_s=0.0, session_id="")
    timers.set(300, "tea", now_s=0.0, session_id="")

    with pytest.raises(SeveralMeant, match=r"^There are two timers: Pasta timer and tea timer\. Which one\?$") as asked:
        timers.cancel()
    assert asked.value.things == (
        MeantThing("Pasta timer", {"name": "Pasta"}),
        MeantThing("tea timer", {"name": "tea"}),
    )
    assert timers.cancel("eggs") == "There is no eggs timer."
    assert timers.cancel("pasta") == "The Pasta timer is cancelled."
    assert timers.cancel(seconds=300) == "The tea timer is cancelled."


def test_all_timers_are_cancelled_at_once(file):
    timers = Timers(file)
    for name in ("a", "b"):
        timers.set(600, name, now_s=0.0, session_id="")

    assert timers.cancel(every=True) == "2 timers are cancelled."
    assert len(timers) == 0


def test_running_timers_are_told_in_the_order_in_which_they_end(file):
    timers = Timers(file)
    assert timers.text(0.0) == "There is no timer."
    timers.set(90, "pasta", now_s=0.0, session_id="")
    assert timers.text(30.0) == "pasta timer: one minute left."
    timers.set(10, "", now_s=30.0, session_id="")

    assert timers.text(30.0) == "Two timers: ten-second timer: ten seconds left; pasta timer: one minute left."


def test_a_named_timer_is_told_by_itself(file):
    timers = Timers(file)
    timers.set(600, "pizza", now_s=0.0, session_id="")
    timers.set(300, "", now_s=0.0, session_id="")

    assert timers.text(60.0, "the pizza") == "pizza timer: nine minutes left."
    assert timers.text(60.0, seconds=300) == "five-minute timer: four minutes left."
    assert timers.text(60.0, "egg") == "There is no egg timer."


def test_the_name_that_fits_exactly_is_meant(file):
    timers = Timers(file)
    for name in ("hamster", "ham", "green tea", "black tea"):
        timers.set(600, name, now_s=0.0, session_id="")

    assert timers.cancel("ham") == "The ham timer is cancelled."
    assert timers.cancel("ham") == "There is no ham timer."
    with pytest.raises(SeveralMeant, match="There are two timers: green tea timer and black tea timer"):
        timers.cancel("tea")


def test_a_timer_without_a_name_is_told_from_others_by_its_duration(file):
    timers = Timers(file)
    timers.set(600, "", now_s=0.0, session_id="")
    timers.set(300, "tea", now_s=0.0, session_id="")

    with pytest.raises(SeveralMeant) as asked:
        timers.pause(now_s=0.0)
    assert asked.value.things[0] == MeantThing("ten-minute timer", {"seconds": 600})
    assert timers.pause(now_s=0.0, seconds=600).startswith("The ten-minute timer is paused")


def test_a_paused_timer_is_not_due_until_it_has_gone_on_for_what_was_left(file):
    timers = Timers(file)
    timers.set(60, "tea", now_s=0.0, session_id="")
    timers.set(600, "pasta", now_s=0.0, session_id="")

    assert timers.pause("tea", now_s=20.0) == "The tea timer is paused, with forty seconds left."
    assert (timers.due(500.0), timers.next_s()) == ([], 600.0)
    assert timers.pause("tea", now_s=500.0) == "The tea timer is paused, with forty seconds left."
    assert Timers(JsonFile(file.path)).text(500.0) == (
        "Two timers: pasta timer: one minute and forty seconds left; tea timer: paused, forty seconds left."
    )
    assert timers.resume(now_s=500.0) == "The tea timer is running, with forty seconds left."
    assert [timer.name for timer in timers.due(540.0)] == ["tea"]


def test_a_timer_that_runs_goes_on_as_it_did(file):
    timers = Timers(file)
    timers.set(60, "tea", now_s=0.0, session_id="")

    assert timers.resume("tea", now_s=20.0) == "The tea timer is running, with forty seconds left."
    assert timers.next_s() == 60.0


def test_a_timer_gets_more_time_or_less(file):
    timers = Timers(file)
    timers.set(600, "", now_s=0.0, session_id="")

    assert timers.adjust(300, now_s=60.0) == "The ten-minute timer has fourteen minutes left now."
    assert timers.next_s() == 900.0
    assert timers.adjust(-120, seconds=600, now_s=60.0) == "The ten-minute timer has twelve minutes left now."
    timers.pause(now_s=60.0)
    assert timers.adjust(60, now_s=500.0) == "The ten-minute timer has thirteen minutes left now."
    assert timers.next_s() is None


@pytest.mark.parametrize("by_s", [-600, -599.5, 7 * 86_400, float("nan"), float("inf"), 0, 0.5])
def test_no_timer_is_changed_beyond_its_bounds(file, by_s):
    timers = Timers(file)
    timers.set(600, "tea", now_s=0.0, session_id="")

    with pytest.raises(TimerError, match=r"has ten minutes left, and may have up to seven days|one second or more"):
        timers.adjust(by_s, now_s=0.0)
    assert timers.next_s() == 600.0


def test_a_timer_gets_another_name(file):
    timers = Timers(file)
    timers.set(600, "", now_s=0.0, session_id="")

    assert timers.rename("pasta") == "The ten-minute timer is now the pasta timer."
    assert timers.rename("tea", "pasta") == "The pasta timer is now the tea timer."


@pytest.mark.parametrize("change", ["pause", "resume", "adjust", "rename"])
def test_what_is_to_be_changed_must_be_clear(file, change):
    timers = Timers(file)

    def answer():
        arguments = {"adjust": (60,), "rename": ("x",)}.get(change, ())
        return getattr(timers, change)(*arguments, **({} if change == "rename" else {"now_s": 0.0}))

    assert answer() == "There is no timer."
    for name in ("a", "b"):
        timers.set(600, name, now_s=0.0, session_id="")
    with pytest.raises(SeveralMeant, match=r"There are two timers: a timer and b timer\. Which one\?"):
        answer()


def test_a_large_number_of_seconds_is_told_in_digits(file):
    with pytest.raises(TimerError, match="not 8,640,000 seconds"):
        Timers(file).set(8_640_000, "", now_s=0.0, session_id="")


def test_a_late_announcement_says_so(file):
    timer = Timers(file).set(10, "tea", now_s=0.0, session_id="")

    assert announcement(timer, 11.0) == "Your tea timer is done."
    assert announcement(timer, 130.0) == "Your tea timer is done. It was due two minutes ago."
