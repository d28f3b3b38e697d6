from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from protocol.audio import transcripts
from protocol.audio.transcripts import Attempt, Evidence, Outcome

HEARD = Evidence(
    text="Turn on the light.",
    language="en",
    duration_s=2.0,
    voiced_s=1.2,
    level_dbfs=-20.0,
    avg_logprob=-0.2,
    no_speech_prob=0.01,
)


@pytest.mark.parametrize(
    ("duration_s", "window_s"),
    [(0.1, 10), (3.0, 10), (5.0, 10), (5.1, 12), (6.9, 12), (11.0, 16), (15.0, 20), (15.1, 30), (25.0, 30), (30.0, 30)],
)
def test_the_window_is_the_next_bucket_over_five_more_seconds(duration_s: float, window_s: int) -> None:
    assert transcripts.window_for(duration_s) == window_s


@pytest.mark.parametrize(
    ("duration_s", "is_biased", "in_room"), [(4.9, False, False), (5.0, False, True), (5.0, True, False)]
)
def test_a_quiet_room_follows_dictation_alone(duration_s: float, is_biased: bool, in_room: bool) -> None:
    assert transcripts.ends_in_room(duration_s, is_biased=is_biased) is in_room


@pytest.mark.parametrize(("duration_s", "tokens"), [(0.0, 16), (1.0, 28), (2.5, 46), (30.0, 224)])
def test_the_token_budget_grows_with_the_audio_up_to_whispers_own_limit(duration_s: float, tokens: int) -> None:
    assert transcripts.token_budget(duration_s) == tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("turn on the light", False),
        ("where are my keys where are my keys", True),  # everything, twice
        ("stop stop", True),
        ("no no maybe", False),  # a short pattern twice is how people talk
        ("no no no maybe", True),
        ("please turn on the turn on the lamp", True),  # a long pattern twice, amid other words
        ("turn it turn it up", False),
        ("the light the lamp the light the lamp now", True),
        ("", False),
        ("stop", False),
    ],
)
def test_a_pattern_that_follows_on_itself_is_found(text: str, expected: bool) -> None:
    assert transcripts.repeats_itself(text.split(), long_pattern=3) is expected


@pytest.mark.parametrize(
    ("tokens", "text", "expected"),
    [
        ([1, 2, 3, 4, 5], "turn on the kitchen light", False),
        (list(range(60)), "many words", True),  # ran into the budget of two seconds
        ([7, 8, 9] * 4, "x", True),  # a loop in a script without spaces
        ([1, 2, 3], "turn it up, turn it up, turn", True),
        ([1, 2, 3], "ha" * 60, True),  # one word that compresses far too well
        ([], "", False),
    ],
)
def test_loops_are_suspected_by_tokens_words_and_compression(tokens: list[int], text: str, expected: bool) -> None:
    assert transcripts.is_suspicious(tokens, text, duration_s=2.0) is expected


def test_a_repetition_that_fits_into_the_voiced_time_is_no_loop() -> None:
    tokens = [1, 2, 3, 4, 5] * 2
    text = "Where are my keys? Where are my keys?"

    assert transcripts.is_suspicious(tokens, text, duration_s=2.5)
    assert not transcripts.is_loop(tokens, text, duration_s=2.5, voiced_s=1.8)


def test_a_repetition_too_fast_to_be_speech_is_a_loop() -> None:
    assert transcripts.is_loop([1, 2, 3, 4, 5] * 6, "where are my keys " * 6, duration_s=2.0, voiced_s=1.0)


@pytest.mark.parametrize(
    ("words", "times", "expected"),
    [
        ("we had to go home", 4, True),
        ("we had to go home", 3, False),
        ("it took them years to return to the land", 3, True),
        ("no", 11, False),  # as children say it
    ],
)
def test_what_comes_again_and_again_is_a_loop_however_long_it_took(words: str, times: int, expected: bool) -> None:
    text = f"{words} " * times
    tokens = [hash(word) for word in text.split()]

    assert transcripts.is_loop(tokens, text, duration_s=29.0, voiced_s=29.0) is expected


def test_many_words_alone_are_no_loop() -> None:
    assert not transcripts.is_loop(list(range(20)), "a quick speaker", duration_s=3.0, voiced_s=1.0)


LIKELY = Outcome(is_suspicious=False, avg_logprob=-0.2, voiced_s=1.0)
UNLIKELY = attrs.evolve(LIKELY, avg_logprob=-0.9)
LOOPING = attrs.evolve(LIKELY, is_suspicious=True)


@pytest.mark.parametrize(
    ("attempt", "outcome", "following"),
    [
        (Attempt(8, is_biased=False), LIKELY, None),
        (Attempt(8, is_biased=False), UNLIKELY, None),  # nothing else to try
        (Attempt(8, is_biased=False), LOOPING, Attempt(16, is_biased=False)),
        (Attempt(16, is_biased=False), LOOPING, Attempt(30, is_biased=False)),
        (Attempt(20, is_biased=True), LOOPING, Attempt(20, is_biased=False)),
        (Attempt(30, is_biased=True), LOOPING, Attempt(30, is_biased=False)),
        (Attempt(30, is_biased=False), LOOPING, None),
        (Attempt(10, is_biased=True), LIKELY, None),
        (Attempt(10, is_biased=True), UNLIKELY, Attempt(10, is_biased=False)),
        (Attempt(8, is_biased=True), attrs.evolve(LIKELY, voiced_s=0.2), Attempt(8, is_biased=False)),
    ],
)
def test_a_doubtful_decode_is_made_again(attempt: Attempt, outcome: Outcome, following: Attempt | None) -> None:
    assert transcripts.next_attempt(attempt, outcome) == following


def test_decoding_again_comes_to_an_end_whatever_comes_out() -> None:
    attempt: Attempt | None = Attempt(8, is_biased=True)
    made = 0
    while attempt is not None:
        made += 1
        attempt = transcripts.next_attempt(attempt, attrs.evolve(LOOPING, avg_logprob=-9.0))
    assert made == 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"voiced_s": 0.05}, "noise"),
        ({"duration_s": 0.05, "voiced_s": 0.05}, "too_short"),
        ({"text": " ... "}, "noise"),
        ({"no_speech_prob": 0.9, "avg_logprob": -1.2}, "noise"),
        ({"no_speech_prob": 0.9}, None),  # sure of its words
        ({"no_speech_prob": None, "avg_logprob": -1.2}, None),  # a prompt spoils that opinion
        ({"avg_logprob": -2.0}, "low_confidence"),
        ({"avg_logprob": -0.9, "is_second": True}, "low_confidence"),
        ({"avg_logprob": -0.9}, None),  # nothing else was tried
        ({"avg_logprob": -0.9, "is_second": True, "voiced_s": 0.2}, None),  # "yes" has little to go by
        ({"is_loop": True}, "hallucination"),
        ({"text": "Thank you.", "level_dbfs": -50.0}, "hallucination"),
        ({"text": "Thank you."}, None),  # said aloud
        ({"text": "Thanks for watching!", "no_speech_prob": 0.7}, "hallucination"),
        ({"text": "you", "voiced_s": 0.2}, "hallucination"),
        ({"text": "Vielen Dank.", "language": "de", "level_dbfs": -50.0}, "hallucination"),
        ({"text": "Vielen Dank.", "language": "en", "level_dbfs": -50.0}, None),
        ({"text": "Stop.", "voiced_s": 0.2}, None),  # short, but no phantom
    ],
)
def test_text_is_believed_only_with_evidence_of_speech(changes: dict[str, Any], reason: str | None) -> None:
    assert transcripts.no_speech_reason(attrs.evolve(HEARD, **changes)) == reason


@pytest.mark.parametrize("phrases", transcripts.PHANTOM_PHRASES.values(), ids=transcripts.PHANTOM_PHRASES)
def test_phantom_phrases_are_written_as_words_are_compared(phrases: frozenset[str]) -> None:
    assert [phrase for phrase in phrases if transcripts.words_of(phrase) != phrase] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't   STOP—now!", "dont stop now"),
        ("Danke schön.", "danke schön"),
        ("20-ounce", "20 ounce"),
        ("\uff34urn", "turn"),  # a full-width letter
        ("?!", ""),
    ],
)
def test_words_are_compared_without_case_and_punctuation(text: str, words: str) -> None:
    assert transcripts.words_of(text) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("  turn on\nthe light. ", "Turn on the light."),
        ("- Yes", "Yes"),
        ("... so", "So"),
        ("a\ufffd\x07b", "A b"),
        ("", ""),
        ("éteins", "Éteins"),
    ],
)
def test_text_is_made_fit_to_be_shown(text: str, shown: str) -> None:
    assert transcripts.tidy(text) == shown


def test_hypotheses_that_differ_only_in_punctuation_count_once() -> None:
    assert transcripts.distinct([" Turn on.", " turn on", "", " turn off"]) == ("Turn on.", "Turn off")


@pytest.mark.parametrize(("avg_logprob", "confidence"), [(0.0, 1.0), (0.1, 1.0), (-0.6931471805599453, 0.5)])
def test_confidence_is_the_mean_probability(avg_logprob: float, confidence: float) -> None:
    assert transcripts.confidence(avg_logprob) == pytest.approx(confidence)


@pytest.mark.parametrize("text", ["Mhm.", "Hm, hm...", "Uh-huh", "Ähm"])
def test_a_hum_says_go_on(text: str) -> None:
    assert transcripts.is_backchannel(text)


@pytest.mark.parametrize("text", ["", "Yes.", "Okay", "mhm stop", "Oh no"])
def test_what_may_be_meant_is_no_hum(text: str) -> None:
    assert not transcripts.is_backchannel(text)


CUT = (" A latte,", " A lot, eh?", " A latte, with milk.", " A latte, with milk,")


@pytest.mark.parametrize(
    ("texts", "voiced_s", "expected"),
    [
        (CUT, 2.0, 2),
        (CUT, 0.7, 0),  # as fast as people speak: nothing was left out
        ((" A latte.", " A latte, with milk."), 2.0, 0),
        ((" A latte,", " A lattemilk."), 2.0, 0),
        ((), 2.0, 0),
    ],
)
def test_a_text_that_breaks_off_before_the_voice_is_exchanged(
    texts: Sequence[str], voiced_s: float, expected: int
) -> None:
    assert transcripts.whole_of(texts, voiced_s) == expected
