import attrs

from protocol.messages.understanding import CommandMatch, SlotQuestion
from protocol.turns.command_sequence import CommandSequence, stopped_before

LIGHT = CommandMatch("Light", "home", "light", {}, 1.0, "turn on the light")
TIMER = CommandMatch("Timer", "t", "timer", {}, 1.0, "set a timer for 5 minutes")
LACKING = attrs.evolve(TIMER, text="set a timer", question=SlotQuestion("seconds", "For how long?"))


def test_what_is_whole_is_done_in_order_and_what_lacks_something_comes_last():
    sequence = CommandSequence("en", (LACKING, LIGHT, TIMER))
    assert (sequence.left, sequence.lacking) == (2, (LACKING,))
    assert [sequence.begin(), sequence.begin(), sequence.begin()] == [LIGHT, TIMER, None]


def test_all_is_told_in_one_answer_and_a_failure_hides_nothing():
    sequence = CommandSequence("en", (TIMER, LIGHT, LIGHT))
    sequence.begin()
    sequence.end("Timer set")
    assert CommandSequence("en", (LIGHT,)).outcome == "done"
    sequence.begin()
    sequence.fail("I could not reach it")
    sequence.begin()
    sequence.end("All right, I will not do that.", "refused")
    assert sequence.outcome == "failed"
    assert sequence.answer == (
        'Timer set. I could not do "turn on the light". I could not reach it. All right, I will not do that.'
    )


def test_a_command_alone_that_fails_is_not_named():
    sequence = CommandSequence("de", (TIMER,))
    sequence.begin()
    sequence.fail("Zu lang.")
    assert sequence.answer == "Entschuldigung, das hat nicht geklappt. Zu lang."


def test_stopping_leaves_undone_what_was_not_begun():
    sequence = CommandSequence("en", (TIMER, LIGHT))
    sequence.begin()
    assert sequence.stop() == (LIGHT,)
    assert sequence.left == 0
    assert sequence.stop() == ()


def test_the_history_says_what_was_stopped():
    assert stopped_before((), "en") == ""
    assert stopped_before((LIGHT, TIMER), "en") == '(Stopped before: "turn on the light", "set a timer for 5 minutes".)'


def test_a_tool_may_tell_its_failure_in_its_own_words():
    sequence = CommandSequence("en", (LIGHT, TIMER))
    sequence.begin()
    sequence.fail("MatchFailedError", "Sorry, there is no such lamp.")
    assert (sequence.answer, sequence.outcome) == ("Sorry, there is no such lamp.", "failed")
