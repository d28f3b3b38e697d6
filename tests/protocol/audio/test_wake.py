"""Which speech is handed on when a wake word is wanted."""

from collections.abc import Iterable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.audio.endpointing import FRAME_SAMPLES, Dropped, Ended, Endpointer, Onset, Paused
from protocol.audio.wake import Unheard, WakeEvent, WakeGate, WakeMemory, WakePhase, Woken, plain_wake_word

MS = 16  # samples
SECOND = 1_000 * MS
SILENCE, VOICE = 0.05, 0.95


@attrs.frozen
class Rules:
    onset_threshold: float = 0.5
    release_threshold: float = 0.35
    pre_roll_ms: int = 320
    silence_ms: int = 500
    min_speech_ms: int = 120
    max_utterance_s: float = 30.0
    command_s: float = 5.0
    follow_up_s: float = 8.0


def gate(rules: Rules | None = None, memory: WakeMemory | None = None) -> WakeGate:
    """Return a gate that wants a wake word."""
    rules = rules or Rules()
    made = WakeGate(Endpointer(rules), rules, memory)
    made.require(True)
    return made


def frames(ms: float, probability: float) -> list[float]:
    return [probability] * round(ms / 16)


def say(listener: WakeGate, ms: float) -> list[WakeEvent]:
    """Let so much voice come, and then silence that ends it."""
    return told(listener.feed(frames(ms, VOICE) + frames(640, SILENCE)))


def call(listener: WakeGate, pause_ms: float = 400) -> list[WakeEvent]:
    """Say the wake word, for 640 ms, and pause; it is detected 160 ms late."""
    end_sample = listener.position + 640 * MS
    happened = listener.feed(frames(640, VOICE) + frames(160, SILENCE), [end_sample])
    return told(happened + listener.feed(frames(pause_ms - 160, SILENCE)))


def told(happened: Iterable[WakeEvent]) -> list[WakeEvent]:
    return [event for event in happened if not isinstance(event, Paused)]


def test_without_a_wake_word_all_speech_is_handed_on() -> None:
    listener = WakeGate(Endpointer(Rules()), Rules())
    assert [type(event) for event in say(listener, 800)] == [Onset, Ended]
    assert listener.is_listening
    assert listener.unneeded_end_sample == 0


def test_while_asleep_speech_is_counted_and_not_handed_on() -> None:
    listener = gate()
    assert [type(event) for event in say(listener, 800) + say(listener, 800)] == [Unheard, Unheard]
    assert not listener.is_listening
    assert not listener.is_open


def test_the_command_behind_the_word_is_handed_on_without_the_word() -> None:
    listener = gate()
    listener.feed(frames(1_600, SILENCE))
    [woken] = call(listener)
    onset, ended = say(listener, 800)
    assert woken == Woken(2_240 * MS)
    assert isinstance(onset, Onset)
    assert isinstance(ended, Ended)
    assert 2_240 * MS <= onset.start_sample < onset.at_sample == 2_640 * MS
    assert ended.last_voice_sample == 3_440 * MS
    assert listener.phase is WakePhase.ASLEEP


def test_a_command_in_one_breath_begins_where_the_word_ended() -> None:
    listener = gate()
    happened = told(listener.feed(frames(1_600, VOICE) + frames(640, SILENCE), [640 * MS]))
    assert [type(event) for event in happened] == [Woken, Onset, Ended]
    assert happened[1] == Onset(640 * MS, 640 * MS)


def test_the_last_sound_of_the_word_is_no_command() -> None:
    listener = gate()
    happened = told(listener.feed(frames(800, VOICE) + frames(640, SILENCE), [640 * MS]))
    assert happened == [Woken(640 * MS)]
    assert listener.is_open
    onset, ended = say(listener, 800)
    assert isinstance(onset, Onset)
    assert onset.at_sample == 1_440 * MS
    assert isinstance(ended, Ended)


def test_after_one_command_the_word_is_needed_again() -> None:
    listener = gate()
    call(listener)
    say(listener, 800)
    assert [type(event) for event in say(listener, 800)] == [Unheard]
    assert [type(event) for event in call(listener) + say(listener, 800)] == [Woken, Onset, Ended]


def test_a_word_without_a_command_is_dropped_when_its_time_is_over() -> None:
    listener = gate()
    call(listener)
    before = told(listener.feed(frames(4_400, SILENCE)))
    after = told(listener.feed(frames(320, SILENCE)))
    assert before == []
    assert after == [Dropped(640 * MS, 5_648 * MS, "no_command")]  # 5 s, in whole frames
    assert not listener.is_listening
    assert listener.listen_again() == []


def test_a_command_that_has_begun_in_time_may_end_later() -> None:
    listener = gate()
    call(listener)
    listener.feed(frames(4_000, SILENCE))
    assert [type(event) for event in say(listener, 6_000)] == [Onset, Ended]


def test_a_click_behind_the_word_is_not_its_command() -> None:
    listener = gate()
    call(listener)
    assert [type(event) for event in say(listener, 80)] == [
        Onset
    ]  # the dialogue has begun already, and takes it for that
    assert [type(event) for event in say(listener, 800)] == [Onset, Ended]


def test_a_command_that_is_split_is_handed_on_to_its_end() -> None:
    listener = gate(Rules(max_utterance_s=2.0))
    call(listener)
    happened = say(listener, 3_000)
    assert [type(event) for event in happened] == [Onset, Ended, Onset, Ended]
    assert not listener.is_listening


def test_the_word_said_again_begins_the_time_anew() -> None:
    listener = gate()
    call(listener)
    listener.feed(frames(3_200, SILENCE))
    [again] = [event for event in call(listener) if isinstance(event, Woken)]
    assert told(listener.feed(frames(3_200, SILENCE))) == []
    onset, _ = say(listener, 800)
    assert isinstance(onset, Onset)
    assert onset.start_sample >= again.at_sample


def test_the_word_at_the_beginning_of_an_answer_is_left_out_of_it() -> None:
    listener = gate()
    listener.expect(15.0)
    onset, woken, again, ended = told(listener.feed(frames(1_600, VOICE) + frames(640, SILENCE), [640 * MS]))
    assert isinstance(onset, Onset)
    assert woken == Woken(640 * MS)
    assert again == Onset(640 * MS, 640 * MS)
    assert isinstance(ended, Ended)
    assert ended.start_sample == 640 * MS


def test_the_word_in_the_middle_of_a_command_is_one_of_its_words() -> None:
    listener = gate()
    call(listener)
    at_sample = listener.position
    happened = told(listener.feed(frames(4_000, VOICE) + frames(640, SILENCE), [at_sample + 3 * SECOND]))
    assert [type(event) for event in happened] == [Onset, Ended]


# --- answers -------------------------------------------------------------------------------------


def test_an_expected_answer_needs_no_word() -> None:
    listener = gate()
    assert listener.expect(15.0) == []
    assert listener.window_s == 15.0
    listener.feed(frames(12_000, SILENCE))
    assert [type(event) for event in say(listener, 800)] == [Onset, Ended]
    assert not listener.is_listening


def test_after_any_answer_more_may_be_said_for_a_while() -> None:
    listener = gate()
    listener.expect(0.0)
    assert listener.window_s == 8.0
    listener.feed(frames(8_016, SILENCE))
    assert not listener.is_listening


def test_without_follow_ups_only_questions_are_answered() -> None:
    listener = gate(Rules(follow_up_s=0.0))
    listener.expect(0.0)
    assert not listener.is_listening
    listener.expect(1.0)
    assert listener.is_listening


def test_an_answer_that_began_just_before_it_was_expected_is_one() -> None:
    listener = gate()
    listener.feed(frames(320, SILENCE) + frames(480, VOICE))
    [onset] = listener.expect(15.0)
    assert onset == Onset(0, 320 * MS)
    assert [type(event) for event in say(listener, 320)] == [Ended]


def test_talk_that_went_on_long_before_is_no_answer() -> None:
    listener = gate()
    listener.feed(frames(3_200, VOICE))
    assert listener.expect(15.0) == []
    assert [type(event) for event in say(listener, 320)] == [Unheard]
    assert [type(event) for event in say(listener, 800)] == [Onset, Ended]


def test_noise_gives_the_rest_of_the_time_back() -> None:
    listener = gate()
    call(listener)
    say(listener, 800)
    listener.listen_again()
    assert listener.is_listening
    assert [type(event) for event in say(listener, 800)] == [Onset, Ended]


# --- the button, options, stalls -----------------------------------------------------------------


def test_the_button_needs_no_word_and_takes_nothing_from_before() -> None:
    listener = gate()
    listener.feed(frames(800, VOICE))
    [onset] = listener.press()
    listener.feed(frames(800, VOICE))
    [ended] = listener.release()
    assert onset == Onset(800 * MS, 800 * MS)
    assert isinstance(ended, Ended)
    assert ended.start_sample == 800 * MS
    assert [type(event) for event in say(listener, 800)] == [Unheard]


def test_the_button_right_after_the_word_is_its_command() -> None:
    listener = gate()
    listener.feed(frames(640, VOICE), [640 * MS])
    listener.press()
    listener.feed(frames(960, VOICE))
    [ended] = listener.release()
    assert isinstance(ended, Ended)
    assert ended.end_sample == 1_600 * MS


def test_a_stall_ends_the_wait_for_a_command() -> None:
    listener = gate()
    call(listener)
    [dropped] = listener.stall()
    assert isinstance(dropped, Dropped)
    assert dropped.reason == "no_command"
    assert not listener.is_open


def test_what_is_discarded_behind_the_word_is_forgotten_and_the_word_awaited_again() -> None:
    listener = gate()
    call(listener)
    assert [(type(event), event.reason) for event in listener.discard() if isinstance(event, Dropped)] == [
        (Dropped, "no_command")
    ]
    assert not listener.is_listening
    assert listener.discard() == []


def test_a_stall_while_asleep_is_no_news() -> None:
    listener = gate()
    listener.feed(frames(800, VOICE))
    assert [type(event) for event in listener.stall()] == [Unheard]


def test_speech_that_goes_on_when_a_word_is_asked_for_is_still_handed_on() -> None:
    listener = WakeGate(Endpointer(Rules()), Rules())
    listener.feed(frames(800, VOICE))
    assert listener.require(True) == []
    assert [type(event) for event in say(listener, 320)] == [Ended]
    assert [type(event) for event in say(listener, 800)] == [Unheard]


def test_speech_that_goes_on_when_the_word_is_given_up_is_handed_on() -> None:
    listener = gate()
    listener.feed(frames(800, VOICE))
    assert [type(event) for event in listener.require(False)] == [Onset]
    assert [type(event) for event in say(listener, 320)] == [Ended]


def test_another_word_drops_what_the_first_has_begun() -> None:
    listener = gate()
    call(listener)
    [dropped] = listener.begin_again()
    assert isinstance(dropped, Dropped)
    assert listener.phase is WakePhase.ASLEEP
    assert listener.listen_again() == []


# --- a crash -------------------------------------------------------------------------------------


def test_two_seconds_before_the_end_are_kept_while_asleep() -> None:
    listener = gate()
    listener.feed(frames(10_000, SILENCE))
    assert listener.unneeded_end_sample == 8 * SECOND
    listener.press()
    assert listener.unneeded_end_sample == 0


@pytest.mark.parametrize("pause_ms", [160, 400])
def test_a_gate_that_was_begun_again_behind_the_word_hears_the_command(pause_ms: int) -> None:
    memory = WakeMemory()
    first = gate(memory=memory)
    [woken] = call(first, pause_ms)
    assert isinstance(woken, Woken)
    second = WakeGate(Endpointer(Rules()), Rules(), memory)
    second.seek(woken.at_sample)
    second.feed(frames(pause_ms, SILENCE))
    assert [type(event) for event in say(second, 800)] == [Onset, Ended]


@given(
    st.lists(st.tuples(st.integers(1, 60), st.sampled_from([SILENCE, 0.45, VOICE]), st.booleans()), max_size=40),
    st.lists(st.sampled_from(["expect", "again", "press", "release", "stall", "other word"]), max_size=40),
)
def test_whatever_happens_each_utterance_begins_once_and_ends_once(
    stretches: list[tuple[int, float, bool]], orders: list[str]
) -> None:
    listener = gate(Rules(max_utterance_s=3.0, command_s=1.0))
    happened: list[WakeEvent] = []
    for number, (count, probability, is_word) in enumerate(stretches):
        wakes = [listener.position + count * FRAME_SAMPLES - 100] if is_word else []
        happened += listener.feed([probability] * count, wakes)
        happened += order(listener, orders[number]) if number < len(orders) else []
    listener.release()
    happened += [*listener.stall(), *listener.feed(frames(2_000, SILENCE))]
    is_open, end_sample = False, 0
    for event in happened:
        match event:
            case Onset(start_sample) | Woken(start_sample):
                assert not isinstance(event, Onset) or start_sample >= end_sample
                is_open = True
            case Ended() | Dropped():
                assert is_open
                assert event.start_sample >= end_sample
                assert event.end_sample >= event.start_sample
                is_open, end_sample = False, event.end_sample


def order(listener: WakeGate, name: str) -> list[WakeEvent]:
    match name:
        case "expect":
            return listener.expect(1.0)
        case "again":
            return listener.listen_again()
        case "press":
            return listener.press()
        case "release":
            return listener.release()
        case "stall":
            return listener.stall()
    return listener.begin_again()


def test_a_wake_word_is_named_in_one_way() -> None:
    assert plain_wake_word(" Okay_Nabu ") == plain_wake_word("OKAY  NABU") == "okay nabu"
