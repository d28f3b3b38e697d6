"""How much silence ends an utterance, by the verdict on the words before it."""

import pytest

from protocol.audio.endpointing import Ended, Endpointer, Paused
from tests.protocol.audio.test_endpointing import MS, SILENCE, VOICE, Rules, frames, without_pauses


def in_a_pause(silence_ms: float, rules: Rules | None = None) -> tuple[Endpointer, int]:
    """Return an endpointer that has heard speech and then silence, and the end that its pause was told with."""
    endpointer = Endpointer(rules or Rules())
    [_, paused] = endpointer.feed(frames(800, VOICE) + frames(silence_ms, SILENCE))
    assert isinstance(paused, Paused)
    return endpointer, paused.end_sample


@pytest.mark.parametrize(("silence_ms", "end_ms"), [(500, 208), (2_000, 800)])
def test_complete_words_end_after_two_fifths_of_the_silence(silence_ms: int, end_ms: int) -> None:
    endpointer, end_sample = in_a_pause(80, Rules(silence_ms=silence_ms))
    assert endpointer.judge(end_sample, "complete") == []
    assert endpointer.feed(frames(end_ms - 80 - 16, SILENCE)) == []
    assert endpointer.feed(frames(16, SILENCE)) == [Ended(0, end_sample, 800 * MS, "command_complete")]


def test_complete_words_that_are_known_late_end_at_once() -> None:
    endpointer, end_sample = in_a_pause(400)
    assert [type(event) for event in endpointer.judge(end_sample, "complete")] == [Ended]


def test_unfinished_words_have_eight_fifths_of_the_silence() -> None:
    endpointer, end_sample = in_a_pause(80)
    assert endpointer.judge(end_sample, "unfinished") == endpointer.feed(frames(704, SILENCE)) == []
    assert endpointer.feed(frames(16, SILENCE)) == [Ended(0, end_sample, 800 * MS, "silence")]


def test_half_a_command_has_twelve_fifths_of_the_silence() -> None:
    endpointer, end_sample = in_a_pause(80)
    assert endpointer.judge(end_sample, "begun") == endpointer.feed(frames(1_104, SILENCE)) == []
    assert endpointer.feed(frames(16, SILENCE)) == [Ended(0, end_sample, 800 * MS, "silence")]


def test_words_that_are_being_transcribed_are_waited_for_and_then_end_at_once() -> None:
    endpointer, end_sample = in_a_pause(80)
    assert endpointer.judge(end_sample, "awaited") == endpointer.feed(frames(640, SILENCE)) == []
    assert endpointer.judge(end_sample, "undecided") == [Ended(0, end_sample, 800 * MS, "silence")]


def test_words_that_are_known_before_the_silence_is_long_enough_change_nothing() -> None:
    endpointer, end_sample = in_a_pause(80)
    endpointer.judge(end_sample, "awaited")
    assert endpointer.judge(end_sample, "undecided") == endpointer.feed(frames(400, SILENCE)) == []
    assert endpointer.feed(frames(32, SILENCE)) == [Ended(0, end_sample, 800 * MS, "silence")]


def test_words_that_never_come_are_not_waited_for_without_end() -> None:
    endpointer, end_sample = in_a_pause(80)
    endpointer.judge(end_sample, "awaited")
    assert endpointer.feed(frames(816, SILENCE)) == []
    assert endpointer.feed(frames(16, SILENCE)) == [Ended(0, end_sample, 800 * MS, "silence")]


def test_a_verdict_is_about_one_pause_only() -> None:
    endpointer, end_sample = in_a_pause(80)
    endpointer.judge(end_sample, "unfinished")
    assert without_pauses(endpointer.feed(frames(160, VOICE) + frames(480, SILENCE))) == []
    assert [type(event) for event in endpointer.feed(frames(32, SILENCE))] == [Ended]


def test_a_verdict_that_comes_after_the_voice_has_gone_on_changes_nothing() -> None:
    endpointer, end_sample = in_a_pause(80)
    assert without_pauses(endpointer.feed(frames(160, VOICE) + frames(320, SILENCE))) == []
    assert endpointer.judge(end_sample, "complete") == []
    assert endpointer.is_open


def test_a_verdict_that_comes_after_the_end_or_while_the_button_is_down_changes_nothing() -> None:
    endpointer, end_sample = in_a_pause(80)
    endpointer.press()
    assert endpointer.judge(end_sample, "complete") == []
    assert len(endpointer.release()) == 1
    assert endpointer.judge(end_sample, "complete") == []
