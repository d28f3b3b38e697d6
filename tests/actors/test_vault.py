import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.vault import Vault
from protocol.audio.pcm_buffer import PcmBuffer
from protocol.messages.session import Recall
from protocol.turns.vault import SessionMemory, SessionMemoryStatistics
from runtime import ActorDied, ChildSpec, Ref
from tests.fakes import Grow, shown_by


def make_memory() -> SessionMemory:
    return SessionMemory(session_id="s", resume_token="t", audio=PcmBuffer(16))


async def test_everybody_gets_the_same_memory(grow: Grow, autojump_clock: MockClock) -> None:
    ref = Ref("vault")
    tree = await grow(ChildSpec(ref, lambda: Vault(make_memory)))
    memory = await ref.ask(Recall())
    assert memory.next_seq() == 1
    assert (await ref.ask(Recall())) is memory
    await wait_all_tasks_blocked()
    assert shown_by(tree.status().children[0], SessionMemoryStatistics).last_seq == 1


async def test_anything_else_is_a_bug(grow: Grow, autojump_clock: MockClock) -> None:
    ref = Ref("vault")
    await grow(ChildSpec(ref, lambda: Vault(make_memory)))
    await trio.sleep(2.0)
    with pytest.raises(ActorDied, match="vault takes Recall, not str"):
        await ref.ask("nonsense")
