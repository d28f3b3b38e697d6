from collections.abc import Sequence

import attrs
import pytest
import trio
from trio.testing import MockClock

from backends.ingress.joined import JoinedIngress


@attrs.define
class Listening:
    """A listener without a port."""

    address: tuple[str, int]
    fails: bool = False
    _stopped: trio.Event = attrs.field(factory=trio.Event)

    async def serve(self, *, task_status: trio.TaskStatus[Sequence[tuple[str, int]]]) -> None:
        if self.fails:
            raise OSError("in use")
        task_status.started([self.address])
        await self._stopped.wait()

    async def stop(self) -> None:
        self._stopped.set()


async def test_all_listen_under_the_addresses_of_the_first_and_stop_together(autojump_clock: MockClock) -> None:
    joined = JoinedIngress(Listening(("a", 1)), Listening(("b", 2)))
    async with trio.open_nursery() as nursery:
        assert await nursery.start(lambda task_status: joined.serve(task_status=task_status)) == [("a", 1)]
        await joined.stop()


async def test_one_that_cannot_listen_ends_the_others(autojump_clock: MockClock) -> None:
    joined = JoinedIngress(Listening(("a", 1)), Listening(("b", 2), fails=True))
    with pytest.RaisesGroup(OSError, flatten_subgroups=True):
        async with trio.open_nursery() as nursery:
            await nursery.start(lambda task_status: joined.serve(task_status=task_status))
