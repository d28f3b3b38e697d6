import logging

import pytest

from runtime.messaging.deadletters import LOGGED, SILENCE_S, DeadLetter, DeadLetters

LETTER = DeadLetter("a", 1, "str", 0, "overflow", 0.5)


def test_the_ring_is_bounded_and_keeps_the_latest() -> None:
    letters = DeadLetters(3)
    for number in range(5):
        letters.add(DeadLetter("a", number, "str", 0, "overflow", 0.0), now_s=0.0)
    assert [letter.message_id for letter in letters.records()] == [2, 3, 4]
    assert (len(letters), letters.total) == (3, 5)


def test_92_the_log_falls_silent_after_ten_and_speaks_again_after_five_minutes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "sayso.runtime")
    letters = DeadLetters()
    for _ in range(LOGGED + 7):
        letters.add(LETTER, now_s=100.0)
    assert len(caplog.records) == LOGGED
    letters.add(LETTER, now_s=100.0 + SILENCE_S - 0.001)
    assert len(caplog.records) == LOGGED
    letters.add(LETTER, now_s=100.0 + SILENCE_S)
    assert [record.getMessage() for record in caplog.records[LOGGED:]] == [
        "dead letters: 8 more were not logged",
        "dead letter for a: str, overflow",
    ]
