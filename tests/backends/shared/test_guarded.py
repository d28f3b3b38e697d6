import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from backends.protocols import SessionTaken, SharedUnavailable
from backends.shared.guarded import SETTLE_LEAST_S, SETTLE_S, TAKE_S, GuardedShared
from protocol.messages.records import Count, Observe
from protocol.messages.shared import SavedSession, SharedLimit
from tests.fake_shared import FakeShared, SharedMemory

LIMITS = (SharedLimit("address 192.0.2.1", 100, 60.0, 10),)


class Case:
    """A guarded store, and what it reports."""

    def __init__(self) -> None:
        self.memory = SharedMemory()
        self.store = FakeShared(self.memory)
        self.figures: list[Count | Observe] = []
        self.guarded = GuardedShared(self.store, 0.05, self.figures.append)

    def errors(self) -> list[tuple[str, ...]]:
        return [figure.labels for figure in self.figures if isinstance(figure, Count)]


async def test_nothing_is_asked_before_the_first_heartbeat(autojump_clock: MockClock) -> None:
    case = Case()
    with pytest.raises(SharedUnavailable, match="first time"):
        await case.guarded.take(LIMITS)
    assert not case.store.asked
    assert await case.guarded.beat(3.0) == 0
    assert await case.guarded.take(LIMITS) == 0


@pytest.mark.parametrize(("trouble", "cost_s"), [("frozen", 0.05), ("slow", 0.05), ("dead", 0.0)])
async def test_a_store_that_fails_costs_its_deadline_once_and_then_nothing(
    trouble: str, cost_s: float, autojump_clock: MockClock
) -> None:
    case = Case()
    await case.guarded.beat(3.0)
    case.memory.trouble = trouble
    begun_s = trio.current_time()
    for _ in range(5):
        with pytest.raises(SharedUnavailable):
            await case.guarded.take(LIMITS)
    assert trio.current_time() - begun_s == pytest.approx(cost_s)
    assert case.store.asked["take"] == 1
    assert case.errors() == [("take",)]


async def test_a_heartbeat_that_is_answered_opens_it_again(autojump_clock: MockClock) -> None:
    case = Case()
    case.memory.trouble = "frozen"
    with pytest.raises(SharedUnavailable, match="50 ms"):
        await case.guarded.beat(3.0)
    assert case.guarded.trouble == "no answer in 50 ms"
    case.memory.trouble = ""
    await case.guarded.beat(3.0)
    assert case.guarded.trouble is None
    await case.guarded.give_back(LIMITS)
    await case.guarded.keep_answer(b"key", b"answer", 60.0)
    assert await case.guarded.find_answer(b"key") == b"answer"
    assert sum(isinstance(figure, Observe) for figure in case.figures) == 4


async def test_after_a_trouble_a_session_is_taken_once_living_replicas_have_written_theirs(
    autojump_clock: MockClock,
) -> None:
    case = Case()
    begun_s = trio.current_time()
    await case.guarded.beat(3.0)
    await case.guarded.take_session("token")
    assert trio.current_time() == begun_s, "at the start there is nothing to wait for"
    for away_s, wait_s in ((0.0, SETTLE_LEAST_S), (0.4, SETTLE_LEAST_S + 0.4), (60.0, SETTLE_S)):
        case.memory.trouble = "dead"
        with pytest.raises(SharedUnavailable):
            await case.guarded.take(LIMITS)
        case.memory.trouble = ""
        await trio.sleep(away_s)
        await case.guarded.beat(3.0)
        begun_s = trio.current_time()
        await case.guarded.take_session("token")
        assert trio.current_time() - begun_s == pytest.approx(wait_s)
        await case.guarded.take_session("token")
        assert trio.current_time() - begun_s == pytest.approx(wait_s), "later ones do not wait"


async def test_who_takes_a_session_waits_for_a_slow_answer_and_for_a_store_that_comes_back(
    autojump_clock: MockClock,
) -> None:
    case = Case()
    await case.guarded.beat(3.0)
    case.memory.delay_s = 1.0
    assert await case.guarded.take_session("token") is None
    assert case.guarded.trouble is None, "it was slow, and not away"
    with pytest.raises(SharedUnavailable):
        await case.guarded.take(LIMITS)
    case.memory.delay_s = 0.0

    async def come_back() -> None:
        await trio.sleep(TAKE_S / 2)
        await case.guarded.beat(3.0)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(come_back)
        assert await case.guarded.take_session("token") is None


async def test_a_store_that_stays_away_is_waited_for_within_bounds(autojump_clock: MockClock) -> None:
    case = Case()
    begun_s = trio.current_time()
    with pytest.raises(SharedUnavailable, match="first time"):
        await case.guarded.take_session("token")
    assert trio.current_time() - begun_s == pytest.approx(TAKE_S)


async def test_a_session_that_was_taken_is_no_failure_of_the_store(autojump_clock: MockClock) -> None:
    case = Case()
    await case.guarded.beat(3.0)
    session = SavedSession("owner", 1, ("token",), b"record", (), 60.0)
    await case.guarded.save_session(session)
    assert await case.guarded.take_session("token") == b"record"
    with pytest.raises(SessionTaken):
        await case.guarded.save_session(session)
    await case.guarded.forget_session("owner", ("token",))
    assert case.guarded.trouble is None


async def test_a_caller_that_is_cancelled_is_no_failure_of_the_store(autojump_clock: MockClock) -> None:
    case = Case()
    await case.guarded.beat(3.0)
    case.memory.delay_s = 0.04
    with trio.move_on_after(0.01) as scope:
        await case.guarded.take(LIMITS)
    assert scope.cancelled_caught
    assert case.guarded.trouble is None


async def break_connection(case: Case) -> None:
    async with case.guarded.connected():
        await case.guarded.beat(3.0)
        raise SharedUnavailable("reset")


async def test_a_connection_that_breaks_is_the_trouble(autojump_clock: MockClock) -> None:
    case = Case()
    with pytest.raises(SharedUnavailable, match="reset"):
        await break_connection(case)
    assert case.guarded.trouble == "reset"


@pytest.mark.parametrize(("slept_s", "asked"), [(0.05, 1), (0.3, 2)])
async def test_a_deadline_that_the_process_has_overslept_is_no_failure_of_the_store(
    slept_s: float, asked: int, mock_clock: MockClock
) -> None:
    case = Case()
    await case.guarded.beat(3.0)
    case.memory.trouble = "frozen"
    kept: list[bool] = []

    async def save() -> None:
        try:
            await case.guarded.save_session(SavedSession("owner", 1, ("token",), b"record", (), 60.0))
            kept.append(True)
        except SharedUnavailable:
            kept.append(False)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(save)
        await wait_all_tasks_blocked()
        case.memory.trouble = ""
        mock_clock.jump(slept_s)
    assert kept == [asked == 2]
    assert case.store.asked["save_session"] == asked


async def test_a_session_is_never_taken_twice_for_one_client(mock_clock: MockClock) -> None:
    case = Case()
    await case.guarded.beat(3.0)
    case.memory.trouble = "frozen"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(raises_unavailable, case)
        await wait_all_tasks_blocked()
        mock_clock.jump(TAKE_S + 1.0)
    assert case.store.asked["take_session"] == 1


async def raises_unavailable(case: Case) -> None:
    with pytest.raises(SharedUnavailable):
        await case.guarded.take_session("token")
