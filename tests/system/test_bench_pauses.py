"""``sayso bench pauses``: what it makes of a conversation's events, and what it prints; no server, no sound."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from bench.accuracy.hesitant import SENTENCES, Hesitant, Judged, MadeCall, course_of, show, summary
from bench.accuracy.pauses import missed, paused
from sayso_client import (
    Event,
    NoSpeech,
    Reply,
    SpeechAudioStart,
    SpeechStopped,
    ToolCall,
    ToolResult,
    Transcript,
    TurnCompleted,
)

TIMER = Hesitant("Set a timer for", "thirty minutes.")
SPAN: Mapping[str, int] = {}
WANTED = [MadeCall("set_timer", {"seconds": 1800})]
READING = frozenset({"get_time"})


def heard(turn_id: str, text: str, end: str = "silence") -> list[Event]:
    return [SpeechStopped(turn_id, 1_000, end), Transcript(turn_id, text, "en", 1.0, None)]  # type: ignore[arg-type]


def called(
    turn_id: str, call_id: str, tool: str = "set_timer", *, ok: bool = True, undoes: str | None = None, **arguments: Any
) -> list[Event]:
    return [
        ToolCall(turn_id, call_id, "sayso-tools", tool, arguments, undoes),
        ToolResult(turn_id, call_id, ok, 1),
    ]


def answered(turn_id: str, text: str, outcome: str = "done") -> list[Event]:
    return [Reply(turn_id, text), SpeechAudioStart(turn_id, "pcm_s16le", 22_050), TurnCompleted(turn_id, outcome)]


def judged(events: Sequence[Event], sentence: Hesitant = TIMER, wanted: Sequence[MadeCall] = tuple(WANTED)) -> Judged:
    return Judged(sentence, 600, list(wanted), course_of(events, READING))


ONE_TURN = [
    *heard("t1", "Set a timer for, thirty minutes."),
    *called("t1", "c1", seconds=1800),
    *answered("t1", "Set."),
]
HALF_ANSWERED = [
    *heard("t1", "Set a timer for"),
    *answered("t1", "For how long?"),
    *heard("t2", "thirty minutes"),
    *called("t2", "c1", seconds=1800),
    *answered("t2", "Set."),
]


def test_one_call_is_right_and_nothing_else_was_heard() -> None:
    found = judged(ONE_TURN)
    assert (found.is_right, found.is_twice, found.wrong_half_answers) == (True, False, [])
    assert found.course.heard == ["Set a timer for, thirty minutes."]


def test_an_answer_to_the_first_half_is_heard_and_wrong_only_where_it_was_no_command() -> None:
    found = judged(HALF_ANSWERED)
    assert (found.is_right, found.wrong_half_answers) == (True, ["For how long?"])
    whole = judged(HALF_ANSWERED, Hesitant("Set a timer for two hours", "and thirty minutes.", is_begun=False))
    assert (whole.course.half_answers, whole.wrong_half_answers) == (["For how long?"], ())


def test_a_call_that_was_taken_back_or_failed_is_not_in_effect() -> None:
    events = [
        *called("t1", "c1", seconds=60),
        *answered("t1", "Set.", "interrupted"),
        *called("t2", "c2", "undo_change", undoes="c1", change=1),
        *called("t2", "c3", seconds=1800),
        *called("t2", "c4", ok=False, seconds=1800),
        *answered("t2", "Set."),
    ]
    found = judged(events)
    assert (found.is_right, found.is_twice, found.course.taken_back) == (True, False, 1)


def test_an_undo_that_failed_leaves_the_call_in_effect() -> None:
    events = [
        *called("t1", "c1", seconds=60),
        *called("t2", "c2", "undo_change", ok=False, undoes="c1"),
        *called("t2", "c3", seconds=1800),
        *answered("t2", "Set."),
    ]
    found = judged(events)
    assert (found.is_right, found.is_twice) == (False, True)


def test_the_same_call_twice_is_done_twice() -> None:
    events = [*called("t1", "c1", seconds=1800), *called("t2", "c2", seconds=1800), *answered("t2", "Set.")]
    found = judged(events)
    assert (found.is_right, found.is_twice) == (False, True)


def test_of_calls_that_only_read_the_last_turns_count() -> None:
    tokyo = [MadeCall("get_time", {"place": "tokyo"})]
    events = [
        *called("t1", "c1", "get_time"),
        *answered("t1", "It is 5.", "interrupted"),
        *called("t2", "c2", "get_time", place="tokyo"),
        *answered("t2", "It is 2 in Tokyo."),
    ]
    found = judged(events, wanted=tokyo)
    assert (found.is_right, found.is_twice) == (True, False)
    twice = [*called("t1", "c1", "get_time"), *called("t1", "c2", "get_time"), *answered("t1", "It is 5. It is 5.")]
    assert not judged(twice).is_twice, "to read twice changes nothing"


def test_nothing_heard_is_wrong_and_says_why() -> None:
    found = judged(
        [SpeechStopped("t1", 1, "silence"), NoSpeech("t1", "low_confidence"), TurnCompleted("t1", "no_speech")]
    )
    assert (found.is_right, found.is_twice, found.course.heard) == (False, False, ["(low_confidence)"])


def test_a_round_is_summed_up_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = judged([NoSpeech("t1", "low_confidence")])
    figures = summary([judged(ONE_TURN), judged(HALF_ANSWERED), nothing])
    counted = {name: figures[name] for name in ("commands", "right", "accuracy", "done_twice", "wrong_half_answers")}
    assert counted == {"commands": 3, "right": 2, "accuracy": 0.6667, "done_twice": 0, "wrong_half_answers": 1}
    assert (figures["cut"], figures["other_half_answers"], len(figures["wrong"])) == (1, 0, 2)
    show("with pauses, 1", figures)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == [
        "with pauses, 1: 2 of 3 right in the end (66.7%)",
        "  done twice 0, wrong half-answers heard 1, others 0, cut in two 1, taken back 0",
    ]
    assert lines[3].startswith(
        "  right, but said 'Set a timer for ... thirty minutes.' with 600 ms, heard ['Set a timer"
    )
    assert "in effect [\"set_timer [('seconds', 1800)]\"]" in "\n".join(lines)


def test_targets_are_for_rounds_with_pauses() -> None:
    good = {"accuracy": 0.95, "done_twice": 0}
    bad = {"accuracy": 0.9, "done_twice": 1}
    assert missed({"without a pause": bad, "with pauses, 1": good}) == []
    assert missed({"with pauses, 1": bad}) == ["accuracy 0.9 < 0.95", "done twice 1"]


def test_the_longest_silence_inside_is_stretched_and_shortened() -> None:
    loud, short, long = np.full(1_600, 9_000), np.zeros(160), np.zeros(4_800)
    speech = np.concatenate([loud, short, loud, long, loud]).astype("<i2")
    for pause_s in (0.1, 1.0):
        made = paused(speech, pause_s)
        assert len(made) == len(speech) - 4_800 + round(pause_s * 16_000)
        assert not made[3_360 : 3_360 + round(pause_s * 16_000)].any()
    assert len(paused(loud.astype("<i2"), 0.5)) == 1_600 + 8_000, "where there is none it comes at the end"


def test_there_are_forty_commands_of_two_halves_each() -> None:
    assert len({each.sentence for each in SENTENCES}) == len(SENTENCES) == 40
    assert all(each.first and each.rest for each in SENTENCES)
