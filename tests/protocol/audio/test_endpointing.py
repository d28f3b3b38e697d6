"""Where utterances start and end."""

from collections.abc import Iterable
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.audio.endpointing import FRAME_SAMPLES, Dropped, Ended, Endpointer, EndpointEvent, Grown, Onset, Paused

MS = 16  # samples
SILENCE, VOICE = 0.05, 0.95


@attrs.frozen
class Rules:
    onset_threshold: float = 0.5
    release_threshold: float = 0.35
    pre_roll_ms: int = 320
    silence_ms: int = 500
    min_speech_ms: int = 120
    max_utterance_s: float = 30.0


def frames(ms: float, probability: float) -> list[float]:
    return [probability] * round(ms / 16)


def feed(*stretches: tuple[float, float], rules: Rules | None = None) -> list[EndpointEvent]:
    """Feed stretches of (milliseconds, probability); return what happened, but for pauses."""
    endpointer = Endpointer(rules or Rules())
    return without_pauses(event for ms, probability in stretches for event in endpointer.feed(frames(ms, probability)))


def without_pauses(happened: Iterable[EndpointEvent]) -> list[EndpointEvent]:
    return [event for event in happened if not isinstance(event, Paused)]


# --- onset ---------------------------------------------------------------------------------------


def test_speech_between_silences_is_one_utterance() -> None:
    onset, ended = feed((1_600, SILENCE), (800, VOICE), (800, SILENCE))
    assert onset == Onset(start_sample=(1_600 - 320) * MS, at_sample=1_600 * MS)
    assert ended == Ended((1_600 - 320) * MS, (2_400 + 64) * MS, 2_400 * MS, "silence")


def test_the_onset_comes_with_the_third_voiced_frame_of_five() -> None:
    endpointer = Endpointer(Rules())
    assert endpointer.feed([SILENCE, VOICE, VOICE, SILENCE]) == []
    assert endpointer.feed([VOICE]) == [Onset(0, FRAME_SAMPLES)]
    assert endpointer.is_open


def test_voiced_frames_further_apart_are_no_onset() -> None:
    endpointer = Endpointer(Rules())
    assert endpointer.feed([VOICE, VOICE, SILENCE, SILENCE, SILENCE] * 20) == []
    assert not endpointer.is_open


def test_a_probability_at_the_threshold_is_not_over_it() -> None:
    assert feed((500, 0.5)) == []
    assert len(feed((500, 0.51))) == 1


def test_the_pre_roll_does_not_reach_before_the_stream_or_into_the_last_utterance() -> None:
    first, ended, second = feed((48, SILENCE), (160, VOICE), (512, SILENCE), (160, VOICE))[:3]
    assert isinstance(first, Onset)
    assert first.start_sample == 0
    assert isinstance(ended, Ended)
    assert isinstance(second, Onset)
    assert second.start_sample == second.at_sample - 320 * MS == ended.end_sample + 128 * MS
    rules = Rules(pre_roll_ms=2_000)
    _, ended, second = feed((160, VOICE), (512, SILENCE), (160, VOICE), rules=rules)[:3]
    assert isinstance(ended, Ended)
    assert isinstance(second, Onset)
    assert second.start_sample == ended.end_sample


# --- pauses --------------------------------------------------------------------------------------


def pauses(*stretches: tuple[float, float], rules: Rules | None = None) -> list[EndpointEvent]:
    endpointer = Endpointer(rules or Rules())
    happened = [event for ms, probability in stretches for event in endpointer.feed(frames(ms, probability))]
    return [event for event in happened if isinstance(event, Paused)]


def test_a_silence_that_may_be_the_end_is_told_with_the_samples_of_the_end() -> None:
    [paused] = pauses((1_600, SILENCE), (800, VOICE), (800, SILENCE))
    _, ended = feed((1_600, SILENCE), (800, VOICE), (800, SILENCE))
    assert isinstance(ended, Ended)
    assert paused == Paused(ended.start_sample, ended.end_sample)


def test_it_is_told_after_80_ms_and_once_in_each_silence() -> None:
    assert pauses((800, VOICE), (64, SILENCE)) == []
    assert len(pauses((800, VOICE), (80, SILENCE))) == 1
    assert len(pauses((800, VOICE), (400, SILENCE), (160, VOICE), (400, SILENCE), (160, VOICE))) == 2


def test_no_pause_is_told_in_a_cough() -> None:
    assert pauses((64, VOICE), (480, SILENCE)) == []


def test_no_pause_is_told_while_the_button_is_down() -> None:
    endpointer = Endpointer(Rules())
    endpointer.press()
    assert endpointer.feed(frames(800, VOICE) + frames(2_000, SILENCE)) == []


# --- what was said about a pause -----------------------------------------------------------------


def growth(*stretches: tuple[float, float]) -> list[Grown]:
    endpointer = Endpointer(Rules())
    endpointer.tells_growth = True
    happened = [event for ms, probability in stretches for event in endpointer.feed(frames(ms, probability))]
    return [event for event in happened if isinstance(event, Grown)]


def test_growth_is_told_every_half_second_of_speech() -> None:
    told = growth((320, SILENCE), (1_600, VOICE), (800, SILENCE))
    assert [event.end_sample // MS for event in told] == [512, 1_024, 1_536]
    assert {event.start_sample for event in told} == {0}
    assert not any(isinstance(event, Grown) for event in Endpointer(Rules()).feed(frames(3_000, VOICE))), "unasked"


def test_growth_is_told_while_there_is_a_voice_so_that_a_decode_is_over_when_it_may_be_the_end() -> None:
    assert growth((320, SILENCE), (160, VOICE), (400, SILENCE)) == []
    [told] = growth((320, SILENCE), (160, VOICE), (400, SILENCE), (160, VOICE), (800, SILENCE))
    assert told.end_sample == (320 + 160 + 400 + 16) * MS


def test_of_a_long_utterance_growth_is_told_less_often() -> None:
    told = [event.end_sample / 16_000 for event in growth((20_000, VOICE))]
    gaps = [after - before for before, after in pairwise(told)]
    assert min(gaps) >= 0.5
    assert 1.8 < max(gaps) < 2.2


# --- the end -------------------------------------------------------------------------------------


def test_a_pause_shorter_than_silence_ms_is_inside_the_utterance() -> None:
    assert [type(event) for event in feed((400, VOICE), (480, SILENCE), (400, VOICE), (512, SILENCE))] == [Onset, Ended]


def test_between_the_thresholds_speech_goes_on_but_does_not_begin() -> None:
    assert feed((2_000, 0.4)) == []
    events = feed((160, VOICE), (2_000, 0.4), (800, SILENCE))
    assert events[-1] == Ended(0, (2_160 + 64) * MS, 2_160 * MS, "silence")


def test_after_silence_the_lower_threshold_does_not_count_any_more() -> None:
    events = feed((160, VOICE), (160, SILENCE), (2_000, 0.4))
    assert events[-1] == Ended(0, (160 + 64) * MS, 160 * MS, "silence")


def test_a_release_threshold_above_the_other_makes_no_difference() -> None:
    assert feed((160, VOICE), (160, 0.6), (800, SILENCE), rules=Rules(release_threshold=0.9))[-1] == Ended(
        0, (320 + 64) * MS, 320 * MS, "silence"
    )


@pytest.mark.parametrize("silence_ms", [200, 500, 2_000])
def test_the_silence_that_ends_an_utterance_is_as_long_as_wanted(silence_ms: int) -> None:
    endpointer = Endpointer(Rules(silence_ms=silence_ms))
    endpointer.feed(frames(320, VOICE))
    silence = 0
    while endpointer.is_open:
        endpointer.feed([SILENCE])
        silence += 16
    assert silence_ms <= silence < silence_ms + 16


def test_a_cough_is_dropped_as_too_short() -> None:
    onset, dropped = feed((800, SILENCE), (96, VOICE), (800, SILENCE))
    assert isinstance(onset, Onset)
    assert dropped == Dropped(onset.start_sample, (896 + 64) * MS, "too_short")


def test_the_shortest_speech_that_counts_is_kept() -> None:
    assert isinstance(feed((128, VOICE), (800, SILENCE))[-1], Ended)
    assert isinstance(feed((112, VOICE), (800, SILENCE))[-1], Dropped)


# --- the maximum ---------------------------------------------------------------------------------


def test_a_long_utterance_is_split_in_its_last_pause() -> None:
    _, ended, second, last = feed((28_000, VOICE), (96, SILENCE), (3_200, VOICE), (800, SILENCE))
    assert isinstance(ended, Ended)
    assert ended.reason == "max_length"
    assert 28_000 * MS <= ended.end_sample <= 28_096 * MS
    assert ended.last_voice_sample == 28_000 * MS
    assert second == Onset(ended.end_sample, ended.end_sample)
    assert isinstance(last, Ended)
    assert (last.start_sample, last.reason) == (ended.end_sample, "silence")
    assert last.last_voice_sample == 31_296 * MS


def test_without_any_pause_it_is_split_at_the_maximum_at_the_latest() -> None:
    events = feed((70_000, VOICE), (800, SILENCE))
    assert [type(event) for event in events] == [Onset, Ended] * 3
    spans = [event for event in events if isinstance(event, Ended)]
    assert [span.reason for span in spans] == ["max_length", "max_length", "silence"]
    assert all(span.end_sample - span.start_sample <= 30_000 * MS for span in spans)
    assert [span.end_sample for span in spans[:-1]] == [span.start_sample for span in spans[1:]]


def test_a_pause_long_before_the_maximum_is_no_place_to_split() -> None:
    ended = feed((10_000, VOICE), (160, SILENCE), (25_000, VOICE))[1]
    assert isinstance(ended, Ended)
    assert ended.end_sample > 24_000 * MS


def test_a_dip_inside_a_word_is_a_worse_place_than_a_pause() -> None:
    ended = feed((27_008, VOICE), (16, 0.0), (800, VOICE), (80, 0.2), (3_200, VOICE))[1]
    assert isinstance(ended, Ended)
    assert 27_824 * MS <= ended.end_sample <= 27_904 * MS


def test_the_short_tail_of_a_split_word_is_not_dropped() -> None:
    events = feed((29_808, VOICE), (80, SILENCE), (96, VOICE), (1_200, SILENCE))
    assert [type(event) for event in events] == [Onset, Ended, Onset, Ended]
    assert events[-1] == Ended(29_840 * MS, 30_048 * MS, 29_984 * MS, "silence")


def test_when_only_silence_follows_the_split_nothing_new_begins() -> None:
    endpointer = Endpointer(Rules(silence_ms=2_000))
    events = without_pauses(endpointer.feed(frames(28_800, VOICE) + frames(1_200, SILENCE)))
    assert [type(event) for event in events] == [Onset, Ended]
    assert not endpointer.is_open


def test_the_pre_roll_does_not_reach_before_a_split() -> None:
    rules = Rules(silence_ms=2_000, pre_roll_ms=5_000)
    _, ended, onset = feed((28_800, VOICE), (1_600, SILENCE), (80, VOICE), rules=rules)
    assert isinstance(ended, Ended)
    assert isinstance(onset, Onset)
    assert onset.start_sample == ended.end_sample


def test_a_maximum_without_room_for_an_onset_is_taken_as_one_second() -> None:
    rules = Rules(max_utterance_s=0.01, pre_roll_ms=5_000)
    events = feed((5_008, SILENCE), (5_008, VOICE), (800, SILENCE), rules=rules)
    spans = [event for event in events if isinstance(event, Ended)]
    assert len(spans) > 5
    assert all(span.end_sample - span.start_sample <= 1_000 * MS for span in spans)


# --- stalls --------------------------------------------------------------------------------------


def test_a_stall_ends_what_is_going_on() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(800, VOICE) + frames(400, SILENCE))
    assert endpointer.stall() == [Ended(0, (800 + 64) * MS, 800 * MS, "stalled")]
    assert not endpointer.is_open


def test_a_stall_in_silence_is_nothing() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(800, SILENCE))
    assert endpointer.stall() == []


def test_a_stall_drops_what_is_too_short() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(64, VOICE))
    assert endpointer.stall() == [Dropped(0, 64 * MS)]


# --- what is to be forgotten ----------------------------------------------------------------------


def test_what_is_discarded_is_in_no_utterance() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(800, VOICE))
    assert endpointer.discard() == [Dropped(0, 800 * MS, "discarded")]
    assert endpointer.discard() == []
    [onset] = endpointer.feed(frames(64, VOICE))
    assert onset.start_sample == 800 * MS, "no sound before belongs to the next one"


def test_a_button_that_is_held_counts_as_released_when_all_is_discarded() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    endpointer.press()
    endpointer.feed(frames(800, VOICE))
    assert endpointer.discard() == [Dropped(0, 800 * MS, "discarded")]
    assert endpointer.feed(frames(800, VOICE)) == []
    assert endpointer.release() == []


# --- push-to-talk --------------------------------------------------------------------------------


def test_push_to_talk_ignores_speech_without_the_button() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    assert endpointer.feed(frames(2_000, VOICE)) == []


def test_the_button_opens_and_closes_an_utterance_whatever_is_heard() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    endpointer.feed(frames(1_600, VOICE))
    assert endpointer.press() == [Onset(1_600 * MS, 1_600 * MS)]
    assert endpointer.feed(frames(160, VOICE) + frames(3_200, SILENCE)) == []
    assert endpointer.release() == [Ended(1_600 * MS, 4_960 * MS, 1_760 * MS, "manual")]
    assert endpointer.feed(frames(1_600, VOICE)) == []


def test_what_is_said_too_softly_for_the_detector_is_committed_by_the_button() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    endpointer.press()
    endpointer.feed(frames(1_600, SILENCE))
    assert endpointer.release() == [Ended(0, 1_600 * MS, 1_600 * MS, "manual")]


def test_a_tap_on_the_button_is_too_short() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    endpointer.press()
    endpointer.feed(frames(96, VOICE))
    assert endpointer.release() == [Dropped(0, 96 * MS)]
    endpointer.press()
    assert endpointer.release() == [Dropped(96 * MS, 96 * MS)]


def test_the_button_let_go_without_having_been_pressed_is_nothing() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    assert endpointer.release() == []
    assert endpointer.press() != []
    assert endpointer.press() == []


def test_the_button_takes_over_hands_free_speech() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(320, VOICE))
    assert endpointer.press() == []
    assert endpointer.feed(frames(3_200, SILENCE)) == []
    assert endpointer.release() == [Ended(0, 3_520 * MS, 320 * MS, "manual")]


def test_letting_go_commits_hands_free_speech_at_once() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(320, VOICE))
    assert endpointer.release() == [Ended(0, 320 * MS, 320 * MS, "manual")]


def test_a_button_held_too_long_is_split_and_goes_on() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    endpointer.press()
    events = without_pauses(endpointer.feed(frames(31_008, SILENCE)))
    assert [type(event) for event in events] == [Ended, Onset]
    assert endpointer.is_open
    assert isinstance(endpointer.release()[0], Ended)


def test_a_stall_lets_the_button_go_and_keeps_all_that_came() -> None:
    endpointer = Endpointer(Rules(), hands_free=False)
    endpointer.press()
    endpointer.feed(frames(1_600, VOICE) + frames(800, SILENCE))
    assert endpointer.stall() == [Ended(0, 2_400 * MS, 1_600 * MS, "stalled")]
    assert endpointer.release() == []


# --- going on elsewhere --------------------------------------------------------------------------


def test_it_goes_on_where_it_is_told_to() -> None:
    endpointer = Endpointer(Rules())
    endpointer.feed(frames(320, VOICE))
    endpointer.seek(16_000)
    assert (endpointer.position, endpointer.is_open) == (16_000, False)
    assert endpointer.feed(frames(48, VOICE)) == [Onset(16_000, 16_000)]


def test_hearing_again_from_an_onset_finds_the_same_end() -> None:
    stream = frames(1_600, SILENCE) + frames(800, VOICE) + frames(800, SILENCE)
    onset, ended = without_pauses(Endpointer(Rules()).feed(stream))
    again = Endpointer(Rules())
    again.seek(onset.start_sample)
    assert without_pauses(again.feed(stream[onset.start_sample // FRAME_SAMPLES :])) == [onset, ended]


def test_it_shows_where_it_is() -> None:
    endpointer = Endpointer(Rules())
    assert repr(endpointer) == "<Endpointer at 0 in silence>"
    endpointer.feed(frames(320, VOICE))
    assert repr(endpointer) == "<Endpointer at 5120 in speech>"


# --- what always holds ---------------------------------------------------------------------------

stretches = st.lists(st.tuples(st.integers(1, 90), st.sampled_from([0.0, 0.2, 0.4, 0.45, 0.6, 0.9, 1.0])), max_size=40)
actions = st.lists(st.sampled_from(["feed", "feed", "feed", "press", "release", "stall", "toggle"]), max_size=60)
rules = st.builds(
    Rules,
    pre_roll_ms=st.integers(0, 3_000),
    silence_ms=st.integers(200, 2_000),
    min_speech_ms=st.integers(0, 400),
    max_utterance_s=st.floats(0.5, 5),
)


def happen(endpointer: Endpointer, action: str, stretch: tuple[int, float]) -> list[EndpointEvent]:
    match action:
        case "feed":
            return endpointer.feed([stretch[1]] * stretch[0])
        case "press":
            return endpointer.press()
        case "release":
            return endpointer.release()
        case "stall":
            return endpointer.stall()
        case _:
            endpointer.hands_free = not endpointer.hands_free
            return []


@given(rules, actions, st.data())
def test_utterances_are_ordered_bounded_and_apart(rules: Rules, actions: list[str], data: st.DataObject) -> None:
    endpointer, floor, opened, paused = Endpointer(rules), 0, None, None
    longest = max(1.0, rules.max_utterance_s) * 16_000
    for action in actions:
        stretch = (data.draw(st.integers(1, 90)), data.draw(st.sampled_from([0.0, 0.2, 0.4, 0.45, 0.6, 0.9])))
        was_open = endpointer.is_open
        for event in happen(endpointer, action, stretch):
            if isinstance(event, Paused):
                assert opened is not None
                assert event.start_sample == opened.start_sample
                assert event.end_sample <= endpointer.position
                paused = event
                continue
            if isinstance(event, Onset):
                assert opened is None
                paused = None
                assert floor <= event.start_sample <= event.at_sample <= endpointer.position
                opened = event
                continue
            assert opened is not None
            assert event.start_sample == opened.start_sample
            assert event.start_sample <= event.end_sample <= endpointer.position
            assert event.end_sample - event.start_sample <= longest
            if isinstance(event, Ended):
                assert event.start_sample < event.end_sample
                assert event.start_sample <= event.last_voice_sample <= event.end_sample
                expected = {"feed": {"silence", "max_length"}, "release": {"manual"}, "stall": {"stalled"}}
                assert event.reason in expected[action]
                if event.reason == "silence" and rules.silence_ms > 80:
                    assert paused == Paused(event.start_sample, event.end_sample)
            floor, opened = event.end_sample, None
        assert endpointer.is_open == (opened is not None)
        if action in {"release", "stall"}:
            assert not endpointer.is_open
        if action == "toggle":
            assert endpointer.is_open == was_open


@given(stretches, rules, st.integers(1, 50))
def test_how_the_frames_were_divided_makes_no_difference(
    stretches: list[tuple[int, float]], rules: Rules, size: int
) -> None:
    stream = [probability for count, probability in stretches for _ in range(count)]
    one, many = Endpointer(rules), Endpointer(rules)
    divided = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [event for part in divided for event in many.feed(part)] == one.feed(stream)
    assert one.position == many.position == len(stream) * FRAME_SAMPLES
