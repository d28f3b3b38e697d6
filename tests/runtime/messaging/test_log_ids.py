import trio

from runtime.messaging.log_ids import add_log_ids, log_ids


async def test_a_task_has_the_ids_of_the_one_that_started_it_and_keeps_its_own_to_itself() -> None:
    seen: dict[str, dict[str, str]] = {}

    async def turn(name: str) -> None:
        add_log_ids(turn_id=name)
        await trio.lowlevel.checkpoint()
        seen[name] = dict(log_ids())

    async with trio.open_nursery() as nursery:

        async def session() -> None:
            add_log_ids(session_id="s1")
            async with trio.open_nursery() as turns:
                turns.start_soon(turn, "t1")
                turns.start_soon(turn, "t2")
            seen["session"] = dict(log_ids())

        nursery.start_soon(session)

    assert seen == {
        "t1": {"session_id": "s1", "turn_id": "t1"},
        "t2": {"session_id": "s1", "turn_id": "t2"},
        "session": {"session_id": "s1"},
    }
    assert log_ids() == {}


async def test_a_thread_has_the_ids_of_its_task() -> None:
    async def work() -> None:
        add_log_ids(turn_id="t1")
        assert await trio.to_thread.run_sync(log_ids) == {"turn_id": "t1"}

    async with trio.open_nursery() as nursery:
        nursery.start_soon(work)
