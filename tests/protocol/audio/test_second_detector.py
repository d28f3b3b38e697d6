"""When the second voice detector is asked, and for whom."""

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
