import math

import pytest

from protocol.admission.body_pace import BodyBounds, BodyPace

SMALL = BodyBounds(timeout_s=10.0)
RECORDING = BodyBounds(timeout_s=600.0, grace_s=10.0, min_bytes_per_s=8_000.0)


def test_a_small_body_has_one_deadline_whatever_comes() -> None:
    pace = BodyPace(SMALL)
    for _ in range(9):
        pace.note(1.0, 1_000_000)
    assert pace.left_s() == pytest.approx(1.0)
    pace.note(5.0, 0)
    assert pace.left_s() == 0.0


@pytest.mark.parametrize(
    ("bytes_per_s", "given_up_after_s"), [(0, 10), (1, 11), (4_000, 20), (7_000, 80), (8_000, 600), (1_000_000, 600)]
)
def test_a_recording_must_keep_a_rate_and_has_a_deadline_besides(bytes_per_s: int, given_up_after_s: int) -> None:
    pace, waited_s = BodyPace(RECORDING), 0
    while pace.left_s() > 0.0:
        pace.note(1.0, bytes_per_s)
        waited_s += 1
    assert waited_s == pytest.approx(given_up_after_s, abs=1)


def test_a_recording_without_a_rate_has_its_deadline_only() -> None:
    pace = BodyPace(BodyBounds(timeout_s=600.0, grace_s=10.0))
    pace.note(500.0, 1)
    assert pace.left_s() == pytest.approx(100.0)
    assert not math.isinf(pace.left_s())


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (SMALL, "the request's body must arrive within 10 s"),
        (BodyBounds(timeout_s=600.0, grace_s=10.0), "the request's body must arrive within 600 s"),
        (
            RECORDING,
            "the request's body must arrive within 600 s, and at 8000 bytes/s or more after the first 10 s",
        ),
    ],
)
def test_a_client_is_told_what_was_expected(bounds: BodyBounds, words: str) -> None:
    assert bounds.expectation == words
