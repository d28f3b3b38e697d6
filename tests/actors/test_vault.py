from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.vault import Vault
from protocol.messages.understanding import ListTools
from protocol.turns.session_memory import RecallAudio, RecallClient, RecallTurns, SessionMemoryStatistics, ViewClient
from runtime import ActorDied, ChildSpec, Ref
from tests.fake_sessions import session_memory
from tests.fakes import Grow, shown_by


async def test_each_actor_gets_its_own_part_and_always_the_same_one(grow: Grow, autojump_clock: MockClock) -> None:
    memory = session_memory()
    ref = Ref("vault")
    tree = await grow(ChildSpec(ref, lambda: Vault(lambda: memory)))
    for _ in range(2):
        assert await ref.ask(RecallClient()) is memory.client
        assert await ref.ask(ViewClient()) is memory.client
        assert await ref.ask(RecallAudio()) is memory.audio
        assert await ref.ask(RecallTurns()) is memory.turns
    memory.client.sent.next_seq()
    await wait_all_tasks_blocked()
    assert shown_by(tree.status().children[0], SessionMemoryStatistics).last_seq == 1


async def test_anything_else_is_a_bug(grow: Grow, autojump_clock: MockClock) -> None:
    ref: Ref[Any] = Ref("vault")
    await grow(ChildSpec(ref, lambda: Vault(session_memory)))
    await trio.sleep(2.0)
    with pytest.raises(ActorDied, match="Vault handles no ListTools"):
        await ref.ask(ListTools())
