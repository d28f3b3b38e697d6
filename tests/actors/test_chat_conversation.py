"""A chat's dialect with a real dialogue behind it."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.dialects.chat.chat_dialect import AnswerPart, ChatDialect, read_part
from protocol.dialects.dialect import ClientLink
from protocol.messages.understanding import CallTool, ListTools, ToolList
from tests.actors.dialogue_fixtures import Room, outcome_of
from tests.actors.session_fixtures import TalkingSession
from tests.fakes import FakeGrammar, FakeSocket, Grow, command


async def asked(grow: Grow) -> tuple[TalkingSession, FakeSocket]:
    """Return a session whose user was asked whether the light may be turned on."""
    room = Room(grammar=FakeGrammar(command("turn on the light", "light")))
    room.tools.answers |= {CallTool: outcome_of("It is on."), ListTools: ToolList()}
    room.permit(**{"house/light": "confirm"})
    socket = FakeSocket()
    session = TalkingSession(ClientLink(socket, ChatDialect()), room)
    await session.open(grow)
    room.tools.answers[ListTools] = ToolList()
    assert (await say(socket, "turn on the light"))[-1].open_for_s > 0
    return session, socket


async def say(socket: FakeSocket, text: str) -> list[AnswerPart]:
    """Send a text; return the parts of its answer."""
    socket.sent.clear()
    socket.client_sends(text)
    await wait_all_tasks_blocked()
    with trio.move_on_after(10.0):
        await socket.sent.wait_until(lambda sent: any(read_part(frame).is_last for frame in sent))
    return [read_part(frame) for frame in socket.sent]


@pytest.mark.parametrize(("answer", "calls"), [("yes", 1), ("no", 0), ("how are you", 0)])
async def test_a_call_is_made_if_the_next_text_agrees(
    answer: str, calls: int, grow: Grow, autojump_clock: MockClock
) -> None:
    session, socket = await asked(grow)
    parts = await say(socket, answer)
    assert parts[-1].is_last
    text = "".join(part.text for part in parts)
    assert ("It is on." in text) is bool(calls)
    assert ("It is four." in text) is (answer == "how are you")
    assert len(session.room.tools.of(CallTool)) == calls
    assert session.crashed() == []
