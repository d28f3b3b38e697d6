"""The same conversations in several dialects: equal events of the session, each client in its own format."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from protocol.dialects.dialect import ClientLink, Dialect, Frame, OpeningRequest
from protocol.dialects.native import NativeDialect
from protocol.messages.events import ClientEvent, ConnectionRequest, ServerEvent, event_name
from protocol.messages.hearing import AudioReceived
from tests.actors.session_fixtures import TalkingSession
from tests.fakes import FakeSocket, Grow
from tests.protocol.dialects.line_dialect import LineDialect

STORIES: dict[str, list[dict[str, Any]]] = json.loads(Path(__file__).with_name("stories.json").read_text())
REQUEST = {"client_id": "tester", "capabilities": ["stt", "llm", "tools"]}
DIALECTS: dict[str, Dialect] = {
    "native": NativeDialect(),
    "lines": LineDialect(OpeningRequest(query={"name": "tester"})),
}
OPENINGS = {"native": [json.dumps({"type": "connection_request", "data": REQUEST})], "lines": []}


@attrs.define
class Recorded:
    """A dialect, and the events that its client was to be told."""

    dialect: Dialect
    told: list[ServerEvent] = attrs.field(factory=list)
    subprotocol: str | None = None
    may_resume: bool = False
    max_frame_bytes: int | None = None

    def open(self) -> ConnectionRequest | None:
        return self.dialect.open()

    def decode(self, frame: Frame) -> Sequence[ClientEvent | bytes]:
        return self.dialect.decode(frame)

    def encode(self, event: ServerEvent, seq: int) -> Sequence[Frame]:
        self.told.append(event)
        return self.dialect.encode(event, seq)

    def speech(self, audio: bytes) -> Sequence[Frame]:
        return self.dialect.speech(audio)


def frame_of(text: str) -> Frame:
    """Return a frame as a story writes it: bytes in hexadecimal, or text."""
    return bytes.fromhex(text.removeprefix("0x")) if text.startswith("0x") else text


def shown(frame: Frame) -> str:
    """Return what a story says of a frame that a client gets: its type if it is of the native protocol."""
    assert isinstance(frame, str)
    return str(json.loads(frame)["type"]) if frame.startswith("{") else frame


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("story", STORIES)
async def test_a_story_is_the_same_in_every_dialect(
    name: str, story: str, grow: Grow, autojump_clock: MockClock
) -> None:
    socket, dialect = FakeSocket(), Recorded(DIALECTS[name])
    session = TalkingSession(ClientLink(socket, dialect))
    await session.open(grow)
    for opening in OPENINGS[name]:
        socket.client_sends(opening)
    await wait_all_tasks_blocked()
    assert [event_name(type(event)) for event in dialect.told] == ["connection_accepted"]
    for step in STORIES[story]:
        dialect.told.clear()
        socket.sent.clear()
        socket.client_sends(frame_of(step["client"][name]))
        await wait_all_tasks_blocked()
        assert [event_name(type(event)) for event in dialect.told] == [kind for kind, _ in step["server"]]
        for event, (_, fields) in zip(dialect.told, step["server"], strict=True):
            assert {field: getattr(event, field) for field in fields} == fields
        assert [shown(frame) for frame in socket.sent] == step["frames"][name]
        assert (socket.close[0] if socket.close else None) == step.get("close")
        if "audio" in step:
            assert session.room.audio.seen[-1] == AudioReceived(bytes.fromhex(step["audio"][2:]))
    assert session.crashed() == []
