import trio

from runtime.messaging.published import Published


async def test_readers_see_the_last_report_until_its_writer_ends() -> None:
    published: Published[int] = Published()
    assert published.latest is None
    async with trio.open_nursery() as nursery:
        publish = await nursery.start(published.lend)
        assert published.latest is None
        publish(1)
        publish(2)
        assert published.latest == 2
        nursery.cancel_scope.cancel()
    assert published.latest is None
    publish(3)
    assert published.latest is None, "what has ended publishes nothing"


async def test_a_crash_withdraws_the_report() -> None:
    published: Published[int] = Published()

    async def actor() -> None:
        async with trio.open_nursery() as nursery:
            (await nursery.start(published.lend))(1)
            raise KeyError("a bug")

    try:
        await actor()
    except* KeyError:
        assert published.latest is None


async def test_of_two_writers_the_later_one_counts() -> None:
    published: Published[str] = Published()
    async with trio.open_nursery() as nursery:
        stuck = trio.CancelScope()

        async def lend_to_stuck(task_status: trio.TaskStatus[object]) -> None:
            with stuck:
                await published.lend(task_status=task_status)

        old = await nursery.start(lend_to_stuck)
        old("old")
        new = await nursery.start(published.lend)
        new("new")
        old("late")
        assert published.latest == "new"
        stuck.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert published.latest == "new", "an incarnation that was given up withdraws nothing of its successor's"
        nursery.cancel_scope.cancel()


def test_a_report_without_a_borrower_stays() -> None:
    published: Published[int] = Published()
    published.publish(4)
    assert published.latest == 4
