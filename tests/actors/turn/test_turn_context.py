import pytest
import trio
from trio.testing import MockClock

from actors.turn.turn_context import SessionOptions
from protocol.messages import events
from protocol.messages.session import Send
from runtime import TerminateChild
from tests.actors.dialogue_fixtures import Room
from tests.fakes import Grow


async def test_an_event_goes_to_the_client(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.turn_context().show(events.Pong(1))
    assert await room.connection.wait_for(Send) == Send(events.Pong(1))


async def test_a_client_that_has_gone_misses_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    room = Room()
    await room.open(grow)
    await room.tree.ref.ask(TerminateChild("connection"))
    await room.turn_context().show(events.Pong(1))
    await trio.sleep(1.0)
    assert room.connection.seen == []


@pytest.mark.parametrize(("language", "used"), [(None, "en"), ("de", "de")])
def test_the_language_is_the_client_s_or_english(language: str | None, used: str) -> None:
    assert SessionOptions(events.ConnectionRequest("tester", ("stt",), language=language)).language == used


def test_only_what_was_asked_for_is_wanted() -> None:
    options = SessionOptions(events.ConnectionRequest("tester", ("stt", "llm")))
    assert [name for name in ("stt", "llm", "tools", "tts") if options.wants(name)] == ["stt", "llm"]
