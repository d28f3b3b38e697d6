import trio
from trio.testing import MockClock

from assembly.leaving import Leaving


async def test_the_first_reason_is_kept_and_the_earliest_deadline_counts(autojump_clock: MockClock) -> None:
    leaving = Leaving()
    assert not leaving.has_begun.is_set()
    now_s = trio.current_time()
    leaving.begin("deploy", 60.0)
    leaving.begin("SIGTERM", 5.0)
    leaving.begin("not safe", 100.0, must_restart=True)
    assert leaving.has_begun.is_set()
    assert (leaving.drain.reason, leaving.drain.deadline_s) == ("deploy", now_s + 5.0)
    assert not leaving.drain.must_restart, "an orderly stop that has begun stays one"
