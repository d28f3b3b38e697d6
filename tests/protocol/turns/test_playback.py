import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.errors import LocalProtocolError
from protocol.messages.speaking import SpokenAudio
from protocol.turns.playback import PLAYBACK, Playback, PlaybackEvent, PlaybackNotice, PlaybackState

N, S = PlaybackNotice, PlaybackState
ONE, TWO, THREE = (SpokenAudio(bytes([number]) * 32_000 * 2, 16_000) for number in (1, 2, 3))  # two seconds each


def send(playback: Playback, now_s: float, share: float = 1.0) -> str:
    """Send the next clause, or a share of it; return its text."""
    playback.start()
    clause, audio = playback.begin(now_s)
    assert playback.is_current(clause)
    playback.sent_s += share * len(audio.pcm) / 2 / audio.sample_rate
    return clause.text


def queue_of(playback: Playback, now_s: float) -> list[str]:
    """Send all that is queued; return the texts."""
    texts = []
    while not playback.is_drained:
        texts.append(send(playback, now_s))
    return texts


def story() -> Playback:
    """Return an answer of three clauses of two seconds that began at 10 and was sent ahead."""
    playback = Playback()
    for text, audio in (("One.", ONE), ("Two.", TWO), ("Three.", THREE)):
        playback.add(text, audio)
    queue_of(playback, 10.0)
    return playback


def test_nothing_has_been_heard_of_what_has_not_begun():
    playback = Playback()
    assert playback.state is S.SILENT
    assert playback.is_drained
    assert not playback.is_audible(5.0)
    assert (playback.end_s, playback.heard_s(5.0), playback.heard_until(5.0)) == (0.0, 0.0, [])


def test_what_was_heard_is_counted_by_the_clock_and_never_more_than_was_sent():
    playback = story()
    assert (playback.heard_s(10.0), playback.heard_s(13.0), playback.heard_s(99.0)) == (0.0, 3.0, 6.0)
    assert playback.end_s == 16.0
    assert [playback.is_audible(now_s) for now_s in (15.9, 16.0)] == [True, False]
    assert playback.heard_until(2.9) == ["One."]
    assert playback.heard_until(3.0) == ["One.", "Two."]


def test_a_gap_is_not_taken_for_heard_speech():
    playback = Playback()
    for text, audio, now_s in (("One.", ONE, 10.0), ("Two.", TWO, 20.0)):
        playback.add(text, audio)
        send(playback, now_s)
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
    playback.hold(10.0 + heard_s)
    playback.resume(50.0)
    assert (playback.sent_s, playback.heard_s(50.0), playback.heard_s(50.0 + at_s)) == (at_s, at_s, at_s)
    assert queue_of(playback, 50.0) == again


def test_a_clause_that_was_not_sent_whole_is_sent_again():
    playback = Playback()
    playback.add("One.", ONE)
    send(playback, 10.0, share=0.95)
    playback.hold(11.9)
    playback.resume(50.0)
    assert queue_of(playback, 50.0) == ["One."]


def test_what_was_said_again_lies_where_it_lay_before():
    playback = story()
    playback.hold(13.0)
    playback.resume(50.0)
    queue_of(playback, 50.0)
    assert playback.end_s == 54.0
    assert playback.heard_until(playback.heard_s(51.5)) == ["One.", "Two."]
    playback.hold(52.5)
    playback.resume(60.0)
    assert queue_of(playback, 60.0) == ["Three."]


def test_only_what_was_not_heard_yet_is_kept():
    playback = Playback()
    for number in range(100):
        playback.add(f"{number}", ONE)
        send(playback, 10.0 + 2.0 * number)
    assert len(playback._audio) <= 2
    playback.hold(209.0)
    playback.resume(300.0)
    assert queue_of(playback, 300.0) == ["99"]


def test_what_is_sent_again_comes_before_what_was_made_meanwhile():
    playback = story()
    playback.hold(15.0)
    playback.add("Four.", ONE)
    playback.resume(50.0)
    assert queue_of(playback, 50.0) == ["Three.", "Four."]


def test_a_clause_that_was_being_sent_when_it_was_held_is_not_the_current_one_again():
    playback = Playback()
    playback.add("One.", ONE)
    playback.start()
    clause, _ = playback.begin(10.0)
    playback.hold(11.0)
    assert not playback.is_current(clause)
    playback.resume(12.0)
    assert not playback.is_current(clause), "its audio is sent again from the beginning"
    assert send(playback, 12.0) == "One."


def test_how_much_was_heard_stands_still_while_it_is_held_and_after_it_was_cut():
    playback = story()
    playback.hold(11.0)
    assert (playback.heard_s(50.0), playback.audible_until_s, playback.is_audible(50.0)) == (1.0, math.inf, True)
    playback.resume(50.0)
    queue_of(playback, 50.0)
    playback.cut(50.5)
    assert playback.heard_s(60.0) == 0.5
    assert not playback.is_audible(50.6)
    assert playback.is_drained, "nothing more is sent"


@pytest.mark.parametrize(
    ("events", "state", "told"),
    [
        (["hold", "resume"], S.SILENT, []),
        (["finish", "cut"], S.OVER, []),
        (["hold", "finish", "cut"], S.OVER, []),
        (["send", "send", "finish", "finish"], S.SENT, [N.STARTED, N.ENDED]),
        (["send", "hold", "hold", "resume"], S.SPEAKING, [N.STARTED, N.DROP, N.PAUSED, N.RESUMED]),
        (["send", "hold", "finish"], S.HELD, [N.STARTED, N.DROP, N.PAUSED]),
        (["send", "cut"], S.OVER, [N.STARTED, N.DROP, N.ENDED]),
        (["send", "hold", "cut"], S.OVER, [N.STARTED, N.DROP, N.PAUSED, N.DROP, N.ENDED]),
        (["send", "finish", "cut"], S.OVER, [N.STARTED, N.ENDED, N.DROP]),
        (["send", "finish", "hold"], S.HELD_AT_END, [N.STARTED, N.ENDED, N.DROP, N.PAUSED]),
        (
            ["send", "finish", "hold", "resume", "finish"],
            S.SENT,
            [N.STARTED, N.ENDED, N.DROP, N.PAUSED, N.RESUMED, N.ENDED],
        ),
        (["cut", "hold", "resume", "finish", "cut"], S.OVER, []),
    ],
)
def test_what_the_client_is_told(events: list[str], state: PlaybackState, told: list[PlaybackNotice]):
    assert after(events) == (state, told)


def test_of_an_answer_that_was_heard_to_its_end_nothing_comes_again():
    playback = Playback()
    playback.add("One.", ONE)
    send(playback, 0.0)
    playback.finish()
    playback.hold(1.9)
    assert playback.resume(5.0) == (N.RESUMED,)
    assert (playback.state, playback.finish()) == (S.SENT, ())


def after(events: list[str]) -> tuple[PlaybackState, list[PlaybackNotice]]:
    """Let this happen at once; return the state, and what the client was told."""
    playback, told = Playback(), list[PlaybackNotice]()
    for event in events:
        match event:
            case "send":
                playback.add("One.", ONE)
                told += playback.start()
                playback.begin(0.0)
                playback.sent_s += 2.0
            case "hold":
                told += playback.hold(0.0)
            case "resume":
                told += playback.resume(0.0)
            case "finish":
                told += playback.finish()
            case "cut":
                told += playback.cut(0.0)
    return playback.state, told


@pytest.mark.parametrize("held", [S.WAITING, S.HELD, S.HELD_AT_END, S.SENT, S.OVER])
def test_nothing_is_begun_while_it_must_not(held: PlaybackState):
    playback = Playback()
    playback.state = held
    with pytest.raises(LocalProtocolError, match=f"an answer: CLAUSE_BEGUN must not happen while {held.name}"):
        playback.start()


def test_every_state_and_event_is_in_the_table():
    assert set(PLAYBACK) == set(S)
    assert {event for row in PLAYBACK.values() for event in row} == set(PlaybackEvent)
    assert {state for row in PLAYBACK.values() for state, _ in row.values()} | {S.SILENT} == set(S)


@given(st.lists(st.sampled_from(["send", "hold", "resume", "finish", "cut"]), max_size=20))
def test_whatever_happens_the_client_can_follow(wanted: list[str]):
    playback, told = Playback(), list[PlaybackNotice]()
    for now_s, event in enumerate(wanted):
        match event:
            case "send" if playback.state in (S.SILENT, S.SPEAKING):
                playback.add("One.", ONE)
                told += playback.start()
                playback.begin(float(now_s))
                playback.sent_s += 2.0
            case "hold":
                told += playback.hold(float(now_s))
            case "resume":
                told += playback.resume(float(now_s))
            case "finish" if playback.is_drained:
                told += playback.finish()
            case "cut":
                told += playback.cut(float(now_s))
    shown = [notice for notice in told if notice is not N.DROP]
    assert shown[:1] in ([], [N.STARTED])
    assert shown.count(N.STARTED) <= 1
    for before, notice in pairwise(shown):
        assert notice is not before
        assert (notice is N.RESUMED) <= (before is N.PAUSED)
