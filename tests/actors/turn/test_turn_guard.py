from actors.turn.turn_guard import TurnGuard


async def test_a_turn_is_counted_before_it_asks_whether_it_may_run() -> None:
    waits = iter([0.0, 0.6])

    async def count() -> float:
        return next(waits)

    guard = TurnGuard(count)
    await guard.count_turn()
    assert guard.wait_s == 0
    await guard.count_turn()
    assert guard.wait_s == 0.6


async def test_turns_are_free_by_default() -> None:
    guard = TurnGuard()
    await guard.count_turn()
    assert guard.wait_s == 0
