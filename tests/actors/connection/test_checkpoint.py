import trio
from trio.testing import MockClock

from actors.connection.checkpoint import HELD_BACK_S, REFRESH_S, Checkpoint
from backends.shared.guarded import GuardedShared
from protocol.turns.moving import unpacked
from tests.fake_shared import FakeShared, SharedMemory
from tests.protocol.turns.test_moving import heard_up_to, new_memory


class Kept:
    """A session and its checkpoint."""

    def __init__(self, shared: SharedMemory, owner: str = "A") -> None:
        self.store = FakeShared(shared, owner)
        self.memory = new_memory()
        self.checkpoint = Checkpoint(self.store, self.memory, owner, 30.0, lambda _: None)


async def test_a_session_is_kept_as_it_stands_each_time(autojump_clock: MockClock) -> None:
    shared = SharedMemory()
    kept = Kept(shared)
    assert await kept.checkpoint.save()
    kept.memory.client.voice = "joe"
    assert await kept.checkpoint.save()
    record = await kept.store.take_session("token")
    assert record is not None
    assert unpacked(record).voice == "joe"


async def test_a_session_that_was_taken_is_written_no_more_and_says_so(autojump_clock: MockClock) -> None:
    shared = SharedMemory()
    kept = Kept(shared)
    await kept.checkpoint.save()
    await FakeShared(shared, "B").take_session("token")
    assert not kept.checkpoint.taken.is_set()
    assert not await kept.checkpoint.save()
    assert kept.checkpoint.taken.is_set()
    asked = kept.store.asked["save_session"]
    assert not await kept.checkpoint.save()
    await kept.checkpoint.forget()
    assert kept.store.asked["save_session"] == asked


async def test_a_store_that_fails_stops_nothing_and_is_written_to_again(autojump_clock: MockClock) -> None:
    shared = SharedMemory(trouble="dead")
    kept = Kept(shared)
    assert await kept.checkpoint.save()
    shared.trouble = ""
    await kept.checkpoint.refresh()
    assert "token" in shared.sessions
    asked = kept.store.asked["save_session"]
    await kept.checkpoint.refresh()
    assert kept.store.asked["save_session"] == asked, "nothing has changed since"
    await trio.sleep(REFRESH_S)
    await kept.checkpoint.refresh()
    assert kept.store.asked["save_session"] == asked + 1
    shared.trouble = "dead"
    await kept.checkpoint.forget()


async def test_a_session_that_has_ended_and_a_token_that_was_replaced_find_nothing(autojump_clock: MockClock) -> None:
    shared = SharedMemory()
    kept = Kept(shared)
    await kept.checkpoint.save()
    client = kept.memory.client
    client.use_token("token", lambda: "second")
    client.use_token("second", lambda: "third")
    await kept.checkpoint.save()
    assert set(shared.sessions) == {"second", "third"}
    await kept.checkpoint.forget()
    assert not shared.sessions


async def test_writes_of_one_session_never_overtake_each_other(autojump_clock: MockClock) -> None:
    shared = SharedMemory(delay_s=0.01)
    kept = Kept(shared)
    async with trio.open_nursery() as nursery:
        for voice in ("a", "b", "c"):
            kept.memory.client.voice = voice
            nursery.start_soon(kept.checkpoint.save)
    record = await kept.store.take_session("token")
    assert record is not None
    assert unpacked(record).voice == "c"


async def test_the_client_keeps_the_audio_that_another_replica_would_want(autojump_clock: MockClock) -> None:
    kept = Kept(SharedMemory())
    heard_up_to(kept.memory, 5.0)
    assert kept.checkpoint.acknowledged(240_000) == 0, "nothing is kept yet"
    kept.memory.turns.open_turns = {"t1"}
    kept.memory.turns.take_speech("t1", 2_000, 4_000)
    await kept.checkpoint.save()
    assert kept.checkpoint.acknowledged(240_000) == 96_000
    assert kept.checkpoint.acknowledged(48_000) == 48_000
    assert kept.checkpoint.acknowledged(48_000 * 100) == round(48_000 * (100 - HELD_BACK_S))


async def test_a_frozen_store_costs_its_deadline_once(autojump_clock: MockClock) -> None:
    shared = SharedMemory(trouble="frozen")
    kept = Kept(shared)
    guarded = GuardedShared(kept.store, 0.05, lambda _: None)
    guarded.trouble = None
    checkpoint = Checkpoint(guarded, kept.memory, "A", 30.0, lambda _: None)
    begun_s = trio.current_time()
    for _ in range(4):
        assert await checkpoint.save()
    assert trio.current_time() - begun_s == 0.05
    assert isinstance(guarded.trouble, str)


def test_a_session_without_a_client_is_not_kept() -> None:
    kept = Kept(SharedMemory())
    kept.memory.client.options = None
    assert trio.run(kept.checkpoint.save)
    assert not kept.store.asked
