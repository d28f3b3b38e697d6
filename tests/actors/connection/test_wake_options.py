"""The wake word among a session's options."""

import pytest
from trio.testing import MockClock

from tests.actors.connection.test_connection import HELLO, Line, frame
from tests.fakes import Grow


@pytest.mark.parametrize(
    ("usual", "asked", "wanted"),
    [
        ("", {}, None),
        ("okay nabu", {}, "okay nabu"),
        ("okay nabu", {"wake": ""}, None),
        ("Okay_Nabu", {}, "okay nabu"),
        ("", {"wake": " Hey  JARVIS"}, "hey jarvis"),
    ],
)
async def test_a_session_has_the_wake_word_that_it_asks_for_or_the_usual_one(
    grow: Grow, autojump_clock: MockClock, usual: str, asked: dict[str, str], wanted: str | None
) -> None:
    line = Line(wake_word=usual)
    await line.open(grow, has_made_handshake=False)
    await line.send(frame("connection_request", **HELLO, **asked))
    assert line.memory.client.options is not None
    assert line.memory.client.options.wake == wanted
    [accepted] = line.received("connection_accepted")
    assert accepted["data"].get("wake") == wanted


async def test_a_session_can_change_its_wake_word(grow: Grow, autojump_clock: MockClock) -> None:
    line = Line()
    await line.open(grow)
    for asked, wanted in (("Okay Nabu", "okay nabu"), ("", None)):
        await line.send(frame("session_update", wake=asked))
        assert line.audio.seen[-1].options.wake == wanted
    await line.send(frame("session_update", wake="okay nabu"), frame("session_update", voice="amy"))
    assert line.audio.seen[-1].options.wake == "okay nabu"
