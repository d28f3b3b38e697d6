"""Announcements of a tool server: to whom they are given, how often, and what the server is told of it."""

import random
from collections.abc import Mapping

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.tool_server import ToolServer
from actors.turn.announcing import GIVEN_S, TELL_EVERY_S
from protocol.messages.session import Announce
from protocol.messages.understanding import AnnouncementTold, AwaitFirstTry, ToolAnnouncement
from protocol.turns.listeners import Listeners
from runtime import Backoff, ChildSpec, Ref, Registry
from runtime.messaging.pace import Pace
from tests.fake_tool_servers import FakeConnector, FakeToolServer
from tests.fakes import Grow, Script, default_settings, scripted


@attrs.define(eq=False)
class Bench:
    """One tool server's actor."""

    connector: FakeConnector
    sessions: Registry = attrs.field(factory=Registry)
    listeners: Listeners = attrs.field(factory=Listeners)
    ref: Ref = attrs.field(factory=lambda: Ref("tools.house"))

    async def open(self, grow: Grow, *more: ChildSpec, pace: Pace | None = None) -> None:
        """Start it, and wait for its first attempt to connect."""
        await grow(*more, ChildSpec(self.ref, self._make), pace=pace)
        await self.ref.ask(AwaitFirstTry())

    def _make(self) -> ToolServer:
        backoff, settings = Backoff(base_s=0.2, cap_s=1.0), default_settings().tools
        given = self.connector, self.sessions, self.listeners
        return ToolServer("house", settings, *given, backoff=backoff, rng=random.Random(0))


async def listening(grow: Grow, server: FakeToolServer, **users: str) -> tuple[Bench, Mapping[str, Script]]:
    """Start a server beside a session of each user, by the session's name."""
    bench = Bench(FakeConnector([server]))
    scripts = {name: Script() for name in users}
    specs = {name: scripted(name, script) for name, script in scripts.items()}
    await bench.open(grow, *specs.values())
    for name, user in users.items():
        bench.sessions.register(name, specs[name].ref)
        bench.listeners.enter(name, user)
    return bench, scripts


async def test_an_announcement_for_a_user_reaches_no_session_of_another(grow: Grow, autojump_clock: MockClock) -> None:
    bench, scripts = await listening(grow, FakeToolServer("house"), kitchen="ada", office="bob")
    assert bench.connector.on_announcement is not None
    bench.connector.on_announcement(ToolAnnouncement("office", "Tea.", "ada", (7,)))
    bench.connector.on_announcement(ToolAnnouncement("gone", "For nobody.", "eve", (8,)))
    await wait_all_tasks_blocked()
    told = [Announce("Tea.", AnnouncementTold("house", (7,)))]
    assert (scripts["kitchen"].seen, scripts["office"].seen) == (told, [])


async def test_what_is_announced_again_while_a_session_has_it_is_said_once(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server = FakeToolServer("house")
    bench, scripts = await listening(grow, server, kitchen="ada", office="ada")
    assert bench.connector.on_announcement is not None
    said = ToolAnnouncement("kitchen", "Tea.", "ada", (7,))
    for _ in range(2):
        bench.connector.on_announcement(said)
    await bench.ref.tell(AnnouncementTold("house", (7, 99)))
    bench.listeners.leave("kitchen")
    server.takes_receipts = False
    await trio.sleep(TELL_EVERY_S * 2)
    bench.connector.on_announcement(said)
    server.takes_receipts = True
    await trio.sleep(TELL_EVERY_S * 2)
    assert [len(script.seen) for script in scripts.values()] == [1, 0]
    assert server.told[0] == server.told[-1] == (7,), "it is confirmed until the server knows"
    confirmed = len(server.told)
    await trio.sleep(TELL_EVERY_S * 4)
    assert len(server.told) == confirmed


@pytest.mark.parametrize("is_gone", [True, False])
async def test_what_a_session_did_not_say_is_given_to_another(
    grow: Grow, autojump_clock: MockClock, is_gone: bool
) -> None:
    bench, scripts = await listening(grow, FakeToolServer("house"), kitchen="ada", office="ada")
    assert bench.connector.on_announcement is not None
    bench.connector.on_announcement(ToolAnnouncement("kitchen", "Tea.", "ada", (7,)))
    await wait_all_tasks_blocked()
    if is_gone:
        bench.listeners.leave("kitchen")
    else:
        await trio.sleep(GIVEN_S)
    bench.connector.on_announcement(ToolAnnouncement("office" if is_gone else "kitchen", "Tea.", "ada", (7,)))
    await wait_all_tasks_blocked()
    assert [len(script.seen) for script in scripts.values()] == ([1, 1] if is_gone else [2, 0])


async def test_a_server_is_told_which_sessions_there_are_at_every_change(grow: Grow, autojump_clock: MockClock) -> None:
    first, second = FakeToolServer("house"), FakeToolServer("house")
    bench = Bench(FakeConnector([first, second]))
    bench.listeners.enter("kitchen", "ada")
    await bench.open(grow)
    await trio.sleep(TELL_EVERY_S * 3)
    bench.listeners.enter("office", "bob")
    await trio.sleep(TELL_EVERY_S * 3)
    assert first.listeners == [{"kitchen": "ada"}, {"kitchen": "ada", "office": "bob"}]
    first.lose("gone")
    await trio.sleep(5.0)
    assert second.listeners == [{"kitchen": "ada", "office": "bob"}]


async def test_no_more_announcements_are_kept_in_mind_than_allowed(
    grow: Grow, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.turn.announcing.MAX_GIVEN", 2)
    bench, scripts = await listening(grow, FakeToolServer("house"), kitchen="ada")
    assert bench.connector.on_announcement is not None
    for receipt in (1, 2, 3, 2, 1):
        bench.connector.on_announcement(ToolAnnouncement("kitchen", f"{receipt}.", "ada", (receipt,)))
    await wait_all_tasks_blocked()
    assert [announced.text for announced in scripts["kitchen"].seen] == ["1.", "2.", "3.", "1."]


async def test_the_first_client_after_a_while_is_told_of_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    server, pace = FakeToolServer("house"), Pace()
    bench = Bench(FakeConnector([server]))
    await bench.open(grow, pace=pace)
    await trio.sleep(2.5)
    with pace.use():
        bench.listeners.enter("kitchen", "ada")
        await trio.sleep(TELL_EVERY_S * 2)
    assert server.listeners == [{}, {"kitchen": "ada"}]
