"""The task that announces, through the SDK within this process: what is due, to whom, and how often."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from mcp import Client
from mcp_types import EmptyResult

from backends.builtin.announcer import CLAIM_S, ELSEWHERE_S
from backends.builtin.owned_sqlite import SqliteOwnedStore
from backends.builtin.server import make_server
from backends.mcp.announcements import (
    SESSION_META_KEY,
    USER_META_KEY,
    Announcements,
    listeners_request,
    told_request,
)
from protocol.messages.understanding import ToolAnnouncement
from tests.backends.builtin.plans_fixtures import BERLIN

MORNING = 1_795_856_400.0  # 2026-11-28 10:00 in Berlin
MONDAY_S = 45 * 3_600  # from then to Monday, 7 o'clock
KITCHEN = {"kitchen": "ada"}


class Wall:
    """A wall clock that goes with Trio's."""

    def __init__(self) -> None:
        self._zero = trio.current_time()

    def __call__(self) -> float:
        return MORNING + trio.current_time() - self._zero


@attrs.define
class Talk:
    """One client of a server, as sayso is one."""

    client: Client
    said: list[tuple[int, ToolAnnouncement]]

    async def call(self, tool: str, *, user: str = "ada", session: str = "kitchen", **arguments: Any) -> str:
        """Call a tool for a user's session."""
        meta: Any = {USER_META_KEY: user, SESSION_META_KEY: session}
        result = await self.client.call_tool(tool, arguments, meta=meta)
        text: str = result.content[0].text
        return text

    async def listen(self, **sessions: str) -> None:
        """Have these sessions."""
        await self.client.session.send_request(listeners_request(sessions), EmptyResult)

    async def confirm(self, announcement: ToolAnnouncement) -> None:
        """Say that an announcement was said."""
        await self.client.session.send_request(told_request(announcement.receipts), EmptyResult)

    @property
    def texts(self) -> list[str]:
        """What was announced."""
        return [announcement.text for _, announcement in self.said]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@asynccontextmanager
async def talking(
    folder: Path, wall: Wall, *, owner: str = "one", listeners: Mapping[str, str] = KITCHEN
) -> AsyncIterator[Talk]:
    """Connect to a server with the store in ``folder``."""
    said: list[tuple[int, ToolAnnouncement]] = []
    server = make_server(folder, {}, now=wall, zone=BERLIN, owner=owner)
    extension = Announcements(lambda announcement: said.append((round(wall() - MORNING), announcement)))
    async with Client(server, mode="legacy", extensions=[extension]) as client:
        talk = Talk(client, said)
        if listeners:
            await talk.listen(**listeners)
        yield talk


async def test_what_is_due_is_told_at_its_time_to_its_user(folder: Path, autojump_clock: object) -> None:
    async with talking(folder, Wall(), listeners={"kitchen": "ada", "office": "bob"}) as talk:
        await talk.call("set_timer", seconds=5, name="tea")
        await talk.call("set_reminder", user="bob", session="office", text="call mom", when="in 2 seconds")
        await talk.call("set_alarm", when="10:01 am")
        await trio.sleep(70)

    assert talk.said == [
        (2, ToolAnnouncement("office", "Your reminder: call mom.", "bob", (1,))),
        (5, ToolAnnouncement("kitchen", "Your tea timer is done.", "ada", (2,))),
        (60, ToolAnnouncement("kitchen", "It is 10:01 in the morning. Your alarm!", "ada", (3,))),
    ]


async def test_what_is_due_while_its_user_is_away_waits_for_its_user_only(folder: Path, autojump_clock: object) -> None:
    async with talking(folder, Wall(), listeners={"office": "bob"}) as talk:
        await talk.call("set_reminder", text="call mom", when="in 5 seconds")
        await trio.sleep(125)
        assert talk.said == []
        await talk.listen(office="bob", phone="ada")
        await trio.sleep(1)

    assert talk.said == [(125, ToolAnnouncement("kitchen", "It was due two minutes ago: call mom.", "ada", (1,)))]


async def test_what_is_due_while_the_server_is_away_is_told_late(folder: Path, autojump_clock: object) -> None:
    wall = Wall()
    async with talking(folder, wall) as talk:
        await talk.call("set_reminder", text="call mom", when="in 5 seconds")
    await trio.sleep(125)
    async with talking(folder, wall, owner="two") as talk:
        await trio.sleep(2 * ELSEWHERE_S)

    assert talk.texts == ["It was due two minutes ago: call mom."]


async def test_what_was_said_is_told_once(folder: Path, autojump_clock: object) -> None:
    wall = Wall()
    async with talking(folder, wall) as talk:
        await talk.call("set_timer", seconds=5)
        await trio.sleep(6)
        await talk.confirm(talk.said[0][1])
        await trio.sleep(10 * CLAIM_S)
    async with talking(folder, wall, owner="two") as again:
        await trio.sleep(10 * CLAIM_S)

    assert (len(talk.said), again.said) == (1, [])


async def test_what_was_not_confirmed_is_told_again(folder: Path, autojump_clock: object) -> None:
    wall = Wall()
    async with talking(folder, wall) as talk:
        await talk.call("set_timer", seconds=5)
        await trio.sleep(6 + CLAIM_S)
    async with talking(folder, wall, owner="two") as again:
        await trio.sleep(1)

    assert [at for at, _ in talk.said] == [5, 5 + CLAIM_S]
    assert again.texts[0].startswith("Your five-second timer is done. It was due two minutes")


async def test_two_servers_with_one_store_tell_it_once(folder: Path, autojump_clock: object) -> None:
    wall = Wall()
    async with talking(folder, wall) as one, talking(folder, wall, owner="two", listeners={"phone": "ada"}) as two:
        await one.call("set_timer", seconds=5)
        await two.call("set_reminder", session="gone", text="call mom", when="in 5 seconds")
        await trio.sleep(CLAIM_S / 2)

    assert one.texts[0] == "Your five-second timer is done.", "the server with the session that asked comes first"
    assert len(one.said) + len(two.said) == 2


async def test_an_alarm_that_comes_again_rings_on_its_days(folder: Path, autojump_clock: object) -> None:
    async with talking(folder, Wall()) as talk:
        await talk.call("set_alarm", when="weekdays at 7 am")
        for pause_s in (MONDAY_S + 1, 86_400, 86_400):
            await trio.sleep(pause_s)
            await talk.confirm(talk.said[-1][1])
        assert await talk.call("list_alarms") == "One alarm: 7 in the morning on weekdays."

    assert [at for at, _ in talk.said] == [MONDAY_S, MONDAY_S + 86_400, MONDAY_S + 2 * 86_400]


async def test_a_timer_is_announced_when_it_is_over_after_its_changes(folder: Path, autojump_clock: object) -> None:
    async with talking(folder, Wall()) as talk:
        await talk.call("set_timer", seconds=20, name="tea")
        await talk.call("pause_timer")
        await trio.sleep(100)
        assert talk.said == []
        assert await talk.call("resume_timer") == "The tea timer is running, with twenty seconds left."
        await talk.call("extend_timer", by_seconds=10, name="tea")
        await talk.call("shorten_timer", by_seconds=25)
        await trio.sleep(6)

    assert [(at, announcement.text) for at, announcement in talk.said] == [(105, "Your tea timer is done.")]


async def test_what_was_cancelled_is_not_announced(folder: Path, autojump_clock: object) -> None:
    async with talking(folder, Wall()) as talk:
        await talk.call("set_timer", seconds=5)
        await talk.call("set_reminder", text="call mom", when="in 5 seconds")
        await talk.call("cancel_timer")
        await talk.call("cancel_reminder")
        await trio.sleep(60)

    assert talk.said == []


async def test_a_cancelled_timer_that_is_restored_has_its_old_deadline(folder: Path, autojump_clock: object) -> None:
    async with talking(folder, Wall()) as talk:
        await talk.call("set_timer", seconds=20)
        await talk.call("cancel_timer")
        await trio.sleep(10)
        await talk.call("undo_change", change=2)
        await trio.sleep(15)

    assert [at for at, _ in talk.said] == [20]


async def test_what_another_server_has_locked_is_announced_when_it_is_free(
    folder: Path, autojump_clock: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("backends.builtin.owned_sqlite.LOCK_WITHIN_S", 0.0)
    async with talking(folder, Wall()) as talk:
        await talk.call("set_timer", seconds=5)
        with SqliteOwnedStore(folder / "tools.db").changing("bob") as change, caplog.at_level(logging.DEBUG):
            change.add("note", {"text": "x"})
            assert await talk.call("cancel_timer") == "That is being changed elsewhere. Please try again."
            await trio.sleep(6)
        await trio.sleep(2)

    assert set(talk.texts) == {"Your five-second timer is done."}
