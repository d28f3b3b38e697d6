import pytest

from protocol.messages.speaking import SpokenAudio
from protocol.turns.playback import Playback

ONE, TWO, THREE = (SpokenAudio(bytes([number]) * 32_000 * 2, 16_000) for number in (1, 2, 3))  # two seconds each


def sent(playback: Playback, text: str, audio: SpokenAudio, now_s: float, share: float = 1.0) -> None:
    """Send a clause, or a share of it."""
    playback.begin(text, audio, now_s)
    playback.sent_s += 2.0 * share


def story() -> Playback:
    """Return an answer of three clauses of two seconds that began at 10 and was sent ahead."""
    playback = Playback()
    for text, audio in (("One.", ONE), ("Two.", TWO), ("Three.", THREE)):
        sent(playback, text, audio, 10.0)
    return playback


def test_nothing_has_been_heard_of_what_has_not_begun():
    playback = Playback()
    assert not playback.has_begun
    assert (playback.end_s, playback.heard_s(5.0), playback.heard_until(5.0)) == (0.0, 0.0, [])


def test_what_was_heard_is_counted_by_the_clock_and_never_more_than_was_sent():
    playback = story()
    assert playback.has_begun
    assert (playback.heard_s(10.0), playback.heard_s(13.0), playback.heard_s(99.0)) == (0.0, 3.0, 6.0)
    assert playback.end_s == 16.0
    assert playback.heard_until(2.9) == ["One."]
    assert playback.heard_until(3.0) == ["One.", "Two."]


def test_a_gap_is_not_taken_for_heard_speech():
    playback = Playback()
    sent(playback, "One.", ONE, 10.0)
    sent(playback, "Two.", TWO, 20.0)
    assert playback.heard_s(21.0) == 3.0


@pytest.mark.parametrize(
    ("heard_s", "again", "at_s"),
    [
        (0.0, ["One.", "Two.", "Three."], 0.0),
        (1.7, ["One.", "Two.", "Three."], 0.0),
        (1.8, ["Two.", "Three."], 2.0),
        (3.0, ["Two.", "Three."], 2.0),
        (5.0, ["Three."], 4.0),
        (5.9, [], 6.0),
    ],
)
def test_an_answer_goes_on_at_the_clause_that_was_cut(heard_s: float, again: list[str], at_s: float):
    playback = story()
    assert [text for text, _ in playback.rewind(heard_s, 50.0)] == again
    assert (playback.sent_s, playback.heard_s(50.0), playback.heard_s(50.0 + at_s)) == (at_s, at_s, at_s)


def test_a_clause_that_was_not_sent_whole_is_sent_again():
    playback = Playback()
    sent(playback, "One.", ONE, 10.0, share=0.95)
    assert playback.rewind(1.9, 50.0) == [("One.", ONE)]


def test_what_was_said_again_lies_where_it_lay_before():
    playback = story()
    for text, audio in playback.rewind(3.0, 50.0):
        sent(playback, text, audio, 50.0)
    assert playback.end_s == 54.0
    assert playback.heard_until(playback.heard_s(51.5)) == ["One.", "Two."]
    assert [text for text, _ in playback.rewind(4.5, 60.0)] == ["Three."]


def test_only_what_was_not_heard_yet_is_kept():
    playback = Playback()
    for number in range(100):
        sent(playback, f"{number}", ONE, 10.0 + 2.0 * number)
    assert len(playback._audio) <= 2
    assert [text for text, _ in playback.rewind(199.0, 300.0)] == ["99"]
