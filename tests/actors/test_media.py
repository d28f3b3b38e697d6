import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.media import Media, MediaUnavailable
from backends.jobs import DecodeRecording, ForgetRecording, RecordingBlock, RecordingForgotten
from protocol.messages.recordings import CloseRecording, DecodedBlock, ReadRecording, RecordingRefused
from protocol.messages.records import Count
from runtime import ChildSpec, Ref, Tree
from runtime.workers.pool import JobFailed, JobTimeout, PoolUnavailable, WorkerLost
from runtime.workers.pool_statistics import PoolOwnerStatistics
from tests.fake_pool import FakePool, PoolCall
from tests.fakes import Grow, Script, default_settings, scripted

READ = ReadRecording("r", "/proc/1/fd/9", 480_000)
GONE = WorkerLost("media worker 7 was ended by SIGSEGV during read")


@attrs.define(eq=False)
class Decoder:
    """A media actor with a fake pool that does what its list says, job by job."""

    ends: list[Exception | RecordingBlock]
    pool: FakePool = attrs.field(init=False)
    metrics: Script = attrs.field(factory=Script)
    ref: Ref = attrs.field(factory=lambda: Ref("media"))
    tree: Tree = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.pool = FakePool(self._do)

    async def _do(self, call: PoolCall) -> tuple[RecordingBlock | RecordingForgotten, bytes]:
        if isinstance(call.job, ForgetRecording) and not self.ends:
            return RecordingForgotten(), b""
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end, b"samples"

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        self.tree = await grow(
            metrics, ChildSpec(self.ref, lambda: Media(default_settings().media, self.pool, metrics.ref))
        )

    async def read(self) -> DecodedBlock | RecordingRefused:
        """Ask for a block."""
        return await self.ref.ask(READ)

    async def outcomes(self) -> list[str]:
        """Return what has been counted."""
        await wait_all_tasks_blocked()
        return [count.labels[0] for count in self.metrics.of(Count) if count.name == "recordings_total"]


async def test_a_block_is_decoded_and_the_last_one_counts_the_recording(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([RecordingBlock(is_last=False), RecordingBlock(is_last=True)])
    await decoder.open(grow)
    assert await decoder.read() == DecodedBlock(b"samples", is_last=False)
    assert await decoder.outcomes() == []
    assert await decoder.read() == DecodedBlock(b"samples", is_last=True)
    assert await decoder.outcomes() == ["decoded"]
    call = decoder.pool.jobs[0]
    assert (call.timeout_s, call.attempts) == (10.0, 1)
    assert call.job == DecodeRecording("r", "/proc/1/fd/9", 480_000)


async def test_what_the_worker_refuses_is_refused(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([RecordingBlock(is_last=True, refusal="there is no sound in this file")])
    await decoder.open(grow)
    assert await decoder.read() == RecordingRefused("there is no sound in this file")
    assert await decoder.outcomes() == ["refused"]


async def test_a_recording_that_kills_the_worker_twice_is_refused(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([GONE, GONE])
    await decoder.open(grow)
    assert await decoder.read() == RecordingRefused("this recording could not be decoded: the decoder fails on it")
    assert await decoder.outcomes() == ["crashed"]


async def test_one_death_of_the_worker_costs_no_recording(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([GONE, RecordingBlock(is_last=True)])
    await decoder.open(grow)
    assert await decoder.read() == DecodedBlock(b"samples", is_last=True)
    assert await decoder.outcomes() == ["decoded"]


async def test_a_recording_that_takes_too_long_is_refused_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([JobTimeout("media.read took longer than 10 s")])
    await decoder.open(grow)
    assert await decoder.read() == RecordingRefused("this recording could not be decoded within 10 s")
    assert await decoder.outcomes() == ["too_slow"]
    assert len(decoder.pool.jobs) == 1


@pytest.mark.parametrize(
    ("trouble", "retry_after_s"), [(PoolUnavailable("no worker", 1.0), 1.0), (JobFailed("OSError: no file"), None)]
)
async def test_trouble_of_ours_is_not_the_recordings_fault(
    grow: Grow, autojump_clock: MockClock, trouble: Exception, retry_after_s: float | None
) -> None:
    decoder = Decoder([trouble])
    await decoder.open(grow)
    with pytest.raises(MediaUnavailable, match=str(trouble)) as caught:
        await decoder.read()
    assert caught.value.retry_after_s == retry_after_s
    assert await decoder.outcomes() == [], "it is counted when it is closed"


async def test_an_abandoned_recording_is_closed_without_waiting(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([])
    await decoder.open(grow)
    assert decoder.ref.tell_nowait(CloseRecording("r", "abandoned"))
    assert await decoder.outcomes() == ["abandoned"]
    assert [call.job for call in decoder.pool.jobs] == [ForgetRecording("r")]


async def test_a_worker_that_is_gone_has_nothing_to_close(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([GONE, RecordingBlock(is_last=True)])
    await decoder.open(grow)
    decoder.ref.tell_nowait(CloseRecording("r", "abandoned"))
    await wait_all_tasks_blocked()
    assert await decoder.read() == DecodedBlock(b"samples", is_last=True)
    assert decoder.tree.status().children[-1].restarts == 0


async def test_two_recordings_are_decoded_side_by_side(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([RecordingBlock(is_last=True), RecordingBlock(is_last=True)])
    await decoder.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(decoder.read)
        nursery.start_soon(decoder.read)
    assert decoder.pool.most_at_once == 2


async def test_the_pool_is_shown(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([])
    await decoder.open(grow)
    assert decoder.tree.status().children[-1].statistics == PoolOwnerStatistics(pool=decoder.pool.statistics())


async def test_anything_else_is_a_bug(grow: Grow, autojump_clock: MockClock) -> None:
    decoder = Decoder([])
    await decoder.open(grow)
    await decoder.ref.tell("nonsense")
    await wait_all_tasks_blocked()
    last = decoder.tree.status().children[-1].last_exit
    assert last is not None
    assert last.reason == "TypeError: Media handles no str"
