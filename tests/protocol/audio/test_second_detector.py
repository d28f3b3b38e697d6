"""When the second voice detector is asked, for whom, and what the endpointer makes of how sure it is."""

from protocol.audio.endpointing import Dropped, Ended, Endpointer, EndpointEvent, Onset
from protocol.audio.second_detector import (
    ASKED_ABOVE,
    ASKED_FRAMES,
    PLACE_UNUSED_S,
    TAIL_FRAMES,
    TAIL_MAX,
    Attention,
    DetectorPlaces,
    Tail,
)
from tests.protocol.audio.test_endpointing import MS, SILENCE, VOICE, Rules, feed, frames, without_pauses


def test_a_frame_that_may_be_speech_draws_attention_to_itself_and_those_after_it() -> None:
    attention = Attention()
    drawn = [attention.is_drawn(probability) for probability in [0.3, 0.36, *[0.0] * 30]]
    assert drawn == [False, *[True] * ASKED_FRAMES, *[False] * (31 - ASKED_FRAMES)]


def test_each_further_one_draws_it_for_as_long_again() -> None:
    attention = Attention()
    drawn = [attention.is_drawn(probability) for probability in [0.9, *[0.0] * 10, 0.9, *[0.0] * 30]]
    assert sum(drawn) == 11 + ASKED_FRAMES


def test_at_the_threshold_nothing_draws_attention() -> None:
    attention = Attention()
    assert not attention.is_drawn(ASKED_ABOVE)
    assert attention.is_asleep
    assert attention.is_drawn(ASKED_ABOVE + 0.01)
    assert not attention.is_asleep


def test_the_end_of_a_voice_is_prolonged_for_a_little_by_the_first_detector() -> None:
    tail = Tail()
    second = [0.9, *[0.1] * (TAIL_FRAMES + 2)]
    assert [tail.prolonged(0.8, each) for each in second] == [0.9, *[TAIL_MAX] * TAIL_FRAMES, 0.1, 0.1]


def test_what_neither_takes_for_a_voice_is_not_prolonged_and_nothing_begins_by_the_first_alone() -> None:
    tail = Tail()
    assert [tail.prolonged(0.9, 0.2), tail.prolonged(0.9, 0.2)] == [0.2, 0.2]
    assert [tail.prolonged(0.0, each) for each in (0.4, 0.3, 0.2)] == [0.4, 0.3, 0.2]


def test_there_are_no_more_places_than_that() -> None:
    places = DetectorPlaces(2)
    assert [places.may_ask(owner, 0.0, 0) for owner in "abca"] == [True, True, False, True]
    assert not DetectorPlaces(0).may_ask("a", 0.0, 0)


def test_a_place_that_was_left_is_free() -> None:
    places = DetectorPlaces(1)
    places.may_ask("a", 0.0, 0)
    places.leave("a")
    places.leave("a")
    assert places.may_ask("b", 0.0, 0)


def test_a_place_that_was_not_used_for_a_while_is_free_and_one_in_use_is_not() -> None:
    places = DetectorPlaces(1)
    places.may_ask("a", 0.0, 0)
    places.may_ask("a", 1.0, 0)
    assert not places.may_ask("b", PLACE_UNUSED_S, 0)
    assert places.may_ask("b", 1.0 + PLACE_UNUSED_S, 0)
    assert not places.may_ask("a", 1.0 + PLACE_UNUSED_S, 0)


def test_under_load_nobody_may_ask_and_all_places_are_free_again() -> None:
    places = DetectorPlaces(1)
    places.may_ask("a", 0.0, 0)
    assert not places.may_ask("a", 0.1, 1)
    assert places.may_ask("b", 0.2, 0)


# --- clear voice, by a detector that says what is clear ------------------------------------------


def clearly(*stretches: tuple[float, float], rules: Rules | None = None, share: float = 0.5) -> list[EndpointEvent]:
    """Feed stretches as ``feed`` does, with a detector that says what is clear."""
    endpointer = Endpointer(rules or Rules())
    endpointer.clear_share = share
    return without_pauses(event for ms, probability in stretches for event in endpointer.feed(frames(ms, probability)))


def test_a_voice_that_is_never_clear_is_dropped_however_long_it_is() -> None:
    noise = (2_000, 0.7)
    assert [type(event) for event in clearly(noise, (800, SILENCE))] == [Onset, Dropped]
    assert [type(event) for event in feed(noise, (800, SILENCE))] == [Onset, Ended], "the detector does not say it"


def test_no_pause_is_told_in_a_voice_that_is_not_clear() -> None:
    endpointer = Endpointer(Rules())
    endpointer.clear_share = 0.5
    assert [type(event) for event in endpointer.feed(frames(800, 0.7) + frames(400, SILENCE))] == [Onset]


def test_as_much_clear_voice_as_the_shortest_speech_makes_an_utterance_with_soft_beginning_and_end() -> None:
    soft = (480, 0.6)
    [onset, ended] = clearly((800, SILENCE), soft, (128, 0.76), soft, (800, SILENCE))
    assert onset == Onset((800 - 320) * MS, 800 * MS)
    assert ended == Ended((800 - 320) * MS, (1_888 + 64) * MS, 1_888 * MS, "silence")
    assert isinstance(clearly((800, SILENCE), soft, (112, 0.76), soft, (800, SILENCE))[-1], Dropped)


def test_what_is_clear_depends_on_the_onset_threshold_and_on_the_detector() -> None:
    assert isinstance(clearly((480, 0.7), (800, SILENCE), rules=Rules(onset_threshold=0.3))[-1], Ended)
    assert isinstance(clearly((480, 0.89), (800, SILENCE), rules=Rules(onset_threshold=0.8))[-1], Dropped)
    assert isinstance(clearly((480, 0.7), (800, SILENCE), share=0.3)[-1], Ended)


def test_while_the_button_is_down_no_voice_needs_to_be_clear() -> None:
    endpointer = Endpointer(Rules())
    endpointer.clear_share = 0.5
    endpointer.press()
    endpointer.feed(frames(480, 0.6))
    assert [type(event) for event in endpointer.release()] == [Ended]


def test_at_the_maximum_a_voice_that_was_never_clear_is_dropped_and_what_follows_is_an_utterance_of_its_own() -> None:
    kinds = [type(event) for event in clearly((31_000, 0.6), (800, SILENCE))]
    assert kinds == [Onset, Dropped, Onset, Dropped]
    _, dropped, _, ended = clearly((31_000, 0.6), (480, VOICE), (800, SILENCE))
    assert isinstance(dropped, Dropped)
    assert isinstance(ended, Ended)
    assert dropped.end_sample == ended.start_sample
