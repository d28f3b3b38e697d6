from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from assembly.console_source import AT_ONCE, ConsoleSource
from assembly.status_source import permanent_actors
from config.load import load
from protocol.admission.notices import NoticeDraft
from protocol.messages.identity import Grant, Identity, Scope
from protocol.messages.records import TurnRecord
from runtime import Actor, ChildSpec, StartChild, Supervisor, run_tree
from supervisor import Server
from tests.fake_sessions import native
from tests.fakes import FakeSocket

ADA = Identity("192.0.2.7:1", "192.0.2.7", user="ada")
BEN = Identity("192.0.2.8:1", "192.0.2.8", user="ben")
OPERATOR = attrs.evolve(BEN, grant=Grant("k", frozenset({Scope.OPERATE, Scope.READ})))
HELLO = '{"type": "connection_request", "data": {"client_id": "<b>kitchen", "capabilities": ["stt"], "language": "de"}}'


@attrs.define(eq=False)
class Running:
    """A server with sessions and a few actors that do nothing."""

    server: Server
    source: ConsoleSource

    async def open(self, user: str = "ada") -> str:
        """Open a session; return its id."""
        socket = FakeSocket(f"192.0.2.{7 if user == 'ada' else 8}:5000")
        socket.identity = attrs.evolve(socket.identity, user=user)
        socket.client_sends(HELLO)
        spec = self.server.sessions.open(native(socket))
        await self.server.refs.sessions.ask(StartChild(spec))
        await wait_all_tasks_blocked()
        return str(spec.id)

    def turn(self, session_id: str, heard: str, user: str = "ada") -> None:
        record = TurnRecord(session_id, "t", user, 1.0, heard, "Done.", "done", "command", {"total": 800.0})
        self.server.board.past.turns.add(record, trio.current_time())

    async def ids(self, search: str = "", offset: int = 0, limit: int = 100) -> list[str]:
        page = await self.source.sessions(search, offset, limit, ADA)
        return [row["id"] for row in page["sessions"]]


class Idle(Actor[Any]):
    """Takes everything, and does nothing."""

    async def handle(self, message: Any) -> None:
        """Do nothing."""


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    server = Server(load(None, environ, {}).settings)
    refs = server.refs
    specs: list[ChildSpec[Any]] = [
        ChildSpec(refs.metrics, Idle),
        ChildSpec(refs.history, Idle),
        ChildSpec(refs.speech, Idle),
    ]
    specs += [ChildSpec(refs.sessions, server.make.make_sessions), ChildSpec(refs.gateway, Idle)]
    specs += [ChildSpec(refs.tool_servers, lambda: Supervisor((ChildSpec(refs.tools, Idle),)))]
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor(specs))
        server.board.tree.publish(tree)
        yield Running(server, ConsoleSource(server.status, refs.tool_servers))
        await tree.stop("enough")


async def test_a_session_is_shown_as_people_know_it(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with running(tmp_path) as seen:
        session_id = await seen.open()
        seen.turn(session_id, "switch on the light")
        await trio.sleep(10.0)
        page = await seen.source.sessions("", 0, 10, ADA)
        [row] = page["sessions"]
        assert (page["count"], page["found"]) == (1, 1)
        assert (row["id"], row["user"], row["client_id"], row["peer"]) == (
            session_id, "ada", "<b>kitchen", "192.0.2.7:5000",
        )  # fmt: skip
        assert (row["mode"], row["language"], row["age_s"], row["reconnects"]) == ("hands_free", "de", 10.0, 0)
        assert (row["phase"], row["doing"], row["turns"], row["is_lost"]) == ("LIVE", "LISTENING", 0, False)
        assert row["last_words"] == {"heard": "switch on the light", "replied": "Done."}


@pytest.mark.parametrize(("reader", "sees"), [(ADA, True), (BEN, False), (OPERATOR, True)])
async def test_words_are_for_their_user_and_for_operators(
    tmp_path: Path, reader: Identity, sees: bool, autojump_clock: MockClock
) -> None:
    async with running(tmp_path) as seen:
        session_id = await seen.open()
        seen.turn(session_id, "a secret")
        [row] = (await seen.source.sessions("", 0, 10, reader))["sessions"]
        depth = seen.source.session(session_id, reader)
        assert depth is not None
        found = [
            row.get("last_words"),
            depth["last_turns"][0].get("heard"),
            seen.source.turns(0, reader)[0].get("heard"),
        ]
        assert all(found) if sees else found == [None, None, None]
        assert ("a secret" in repr(depth) + repr(row)) is sees


async def test_one_session_is_shown_with_its_actors_and_its_turns(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with running(tmp_path) as seen:
        session_id, other = await seen.open(), await seen.open("ben")
        seen.turn(other, "not mine", "ben")
        seen.turn(session_id, "mine")
        page = seen.source.session(session_id, ADA)
        assert page is not None
        assert [turn["heard"] for turn in page["last_turns"]] == ["mine"]
        assert page["turns"] == 0, "in its memory"
        assert [child["id"].rpartition(".")[2] for child in page["tree"]["children"]] == [
            "vault", "connection", "audio", "dialogue",
        ]  # fmt: skip
        assert seen.source.session("nobody", ADA) is None


async def test_sessions_are_listed_newest_first_and_found_by_what_people_know(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with running(tmp_path) as seen:
        opened = [await seen.open("ben" if number == 5 else "ada") for number in range(AT_ONCE + 3)]
        assert await seen.ids(limit=3) == opened[::-1][:3]
        assert await seen.ids(offset=AT_ONCE + 2) == opened[:1]
        for search in ("BEN", "192.0.2.8", opened[5][2:]):
            assert await seen.ids(search) == [opened[5]]
        assert len(await seen.ids("Kitchen")) == len(opened)
        assert await seen.ids("nobody") == []


async def test_before_the_server_runs_there_are_no_sessions_and_nothing_to_restart(tmp_path: Path) -> None:
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    server = Server(load(None, environ, {}).settings)
    source = ConsoleSource(server.status, server.refs.tool_servers)
    assert await source.sessions("", 0, 10, ADA) == {"count": 0, "found": 0, "sessions": []}
    assert source.restartable() == []
    assert not source.restart("speech")


async def test_an_actor_is_restarted_by_its_supervisor(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with running(tmp_path) as seen:
        assert seen.source.restartable() == ["metrics", "history", "speech"]
        assert seen.source.restart("speech")
        await wait_all_tasks_blocked()
        found = {actor.id: actor.incarnation for actor in permanent_actors(seen.server.board.tree.latest)}
        assert (found["speech"], found["history"]) == (2, 1)


async def test_notices_and_turns_are_those_after_a_number(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with running(tmp_path) as seen:
        seen.server.board.past.notices.add(5.0, [NoticeDraft("started"), NoticeDraft("keys", count=2)])
        seen.turn("s", "one")
        assert [one["kind"] for one in seen.source.notices(1)] == ["keys"]
        assert (len(seen.source.turns(0, ADA)), seen.source.turns(1, ADA)) == (1, [])
        assert seen.source.newest() == (2, 1)


async def test_the_history_has_the_unit_of_each_figure(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with running(tmp_path) as seen:
        seen.server.board.past.figures.add(trio.current_time(), {"sessions": 3})
        page = seen.source.history("24h", ["sessions", "turns"])
        assert (page["range"], page["step_s"]) == ("24h", 60)
        sessions, turns = page["figures"]["sessions"], page["figures"]["turns"]
        assert (sessions["unit"], sessions["fold"], sessions["values"][-1]) == ("sessions", "largest", 3.0)
        assert (turns["fold"], turns["values"][-1]) == ("sum", None)
