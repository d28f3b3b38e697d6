"""``sayso bench dialects``: what it makes of the times that it has measured, and of a port; no server, no sound."""

import socket

import pytest

from bench.load.dialects import DIALECTS, TARGET_MS, free_port, judged


def test_a_dialect_is_late_if_its_median_is_beyond_the_native_one_by_more_than_the_target() -> None:
    found = {"native": [500.0, 900.0, 510.0], "deepgram": [520.0, 530.0, 100.0], "wyoming": [540.0, 531.0, 535.0]}
    rows, report = judged(found, TARGET_MS)
    assert [row[:3] for row in rows] == [("native", "510", "+0"), ("deepgram", "520", "+10"), ("wyoming", "535", "+25")]
    assert report["missed"] == ["wyoming"]
    assert report["dialects"]["deepgram"] == {"median_ms": 520.0, "all_ms": [520.0, 530.0, 100.0]}


def test_a_port_that_is_free_can_be_bound() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_is_compared_with_the_native_one(name: str) -> None:
    assert callable(DIALECTS[name])
    assert next(iter(DIALECTS)) == "native"
