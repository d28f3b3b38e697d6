from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.meaning import AT_ONCE, MAX_CHARS, MeaningReader, MeaningStatistics
from backends.jobs import ReadSentences, SentenceReading, SentenceReadings
from protocol.messages.meaning import Certainty, Meaning, OwnSentence, ReadMeaning
from protocol.messages.records import Observe
from runtime import ChildSpec, Ref, Tree
from runtime.workers.pool import JobTimeout, PoolUnavailable, StartFailure
from tests.fake_pool import FakePool, PoolCall
from tests.fakes import Grow, Script, default_settings, scripted, shown_by

OWN = tuple(OwnSentence("Lights", f"light number {number}") for number in range(AT_ONCE + 1))


class FakeExamples:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.taken: Sequence[OwnSentence] = ()
        self.embeddings = b""
        self.near: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self.taken)

    def replace(self, examples: Sequence[OwnSentence], embeddings: bytes) -> None:
        self.taken, self.embeddings = examples, embeddings

    def nearness(self, embedding: bytes) -> Mapping[str, float]:
        return self.near


@attrs.define(eq=False)
class Desk:
    """The actor with a fake pool."""

    has_pool: bool = True
    trouble: Exception | None = None
    delay_s: float = 0.0
    own: Sequence[OwnSentence] = ()
    pool: FakePool = attrs.field(init=False)
    examples: FakeExamples = attrs.field(factory=FakeExamples)
    metrics: Script = attrs.field(factory=Script)
    ref: Ref = attrs.field(factory=lambda: Ref("meaning"))
    tree: Tree = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.pool = FakePool(self._read)

    async def _read(self, call: PoolCall) -> tuple[SentenceReadings, bytes]:
        await trio.sleep(self.delay_s)
        if self.trouble is not None:
            raise self.trouble
        reading = SentenceReading({"get_time": 0.9, "none": 0.1})
        return SentenceReadings((reading,) * len(call.job.texts)), b"12" * len(call.job.texts)

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        pool: Any = self.pool if self.has_pool else None

        def make() -> MeaningReader:
            return MeaningReader(default_settings().understanding, pool, self.examples, lambda: self.own, metrics.ref)

        self.tree = await grow(metrics, ChildSpec(self.ref, make))
        await wait_all_tasks_blocked()

    async def read(self, text: str = "how late is it", language: str = "en") -> Meaning | None:
        """Ask what a sentence means."""
        meaning: Meaning | None = await self.ref.ask(ReadMeaning(text, language))
        await wait_all_tasks_blocked()
        return meaning

    def statistics(self) -> MeaningStatistics:
        return shown_by(self.tree.status().children[-1], MeaningStatistics)


async def test_a_sentence_has_the_likeliest_class_as_its_meaning(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk()
    await desk.open(grow)
    assert await desk.read() == Meaning("get_time", 0.9, Certainty.SURE)
    assert desk.pool.jobs[-1].job == ReadSentences(("how late is it",))
    assert [figure.name for figure in desk.metrics.of(Observe)] == ["meaning_seconds"]
    assert desk.statistics().problem is None


async def test_a_near_example_of_an_own_command_is_the_meaning(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk(own=OWN)
    await desk.open(grow)
    desk.examples.near = {"Lights": 0.9}
    assert await desk.read() == Meaning("Lights", 0.9, Certainty.LIKELY, is_own=True)


async def test_own_commands_are_learnt_at_the_start_a_few_at_a_time(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk(own=OWN)
    await desk.open(grow)
    assert [len(call.job.texts) for call in desk.pool.jobs] == [AT_ONCE, 1]
    assert desk.examples.taken is OWN
    assert desk.examples.embeddings == b"12" * len(OWN)
    assert desk.statistics().examples == len(OWN)


async def test_changed_commands_are_learnt_at_the_next_sentence_and_only_then(
    grow: Grow, autojump_clock: MockClock
) -> None:
    desk = Desk()
    await desk.open(grow)
    desk.own = OWN[:1]
    await desk.read()
    assert desk.examples.taken is desk.own
    learnt = len(desk.pool.jobs)
    await desk.read()
    assert len(desk.pool.jobs) == learnt + 1


async def test_examples_that_could_not_be_learnt_are_tried_again(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk(own=OWN, trouble=PoolUnavailable("no worker", 1.0))
    await desk.open(grow)
    assert len(desk.examples) == 0
    desk.trouble = None
    await desk.read()
    assert desk.examples.taken is OWN


@pytest.mark.parametrize("failure", [StartFailure("model all-MiniLM-L6-v2 is not installed")])
async def test_a_model_that_is_missing_is_told_once_and_crashes_nothing(
    grow: Grow, autojump_clock: MockClock, failure: Exception
) -> None:
    desk = Desk()
    desk.pool.start_failure = failure
    await desk.open(grow)
    assert await desk.read() is None
    assert "not installed" in str(desk.statistics().problem)
    assert desk.pool.starts == 1
    assert desk.tree.status().children[-1].restarts == 0


@pytest.mark.parametrize("trouble", [JobTimeout("too long"), PoolUnavailable("no worker", 1.0)])
async def test_a_worker_in_trouble_gives_no_meaning(grow: Grow, autojump_clock: MockClock, trouble: Exception) -> None:
    desk = Desk(trouble=trouble)
    await desk.open(grow)
    assert await desk.read() is None
    assert desk.statistics().problem is None


async def test_a_worker_that_takes_too_long_gives_no_meaning(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk(delay_s=60.0)
    await desk.open(grow)
    assert await desk.read() is None


async def test_no_worker_is_asked_where_there_is_nothing_to_read(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk()
    await desk.open(grow)
    assert await desk.read("wie spät ist es", "de-AT") is None
    assert await desk.read("  ") is None
    assert await desk.read("a" * (MAX_CHARS + 1)) is None
    assert list(desk.pool.jobs) == []


async def test_without_a_pool_there_is_no_meaning(grow: Grow, autojump_clock: MockClock) -> None:
    desk = Desk(has_pool=False)
    await desk.open(grow)
    assert await desk.read() is None
    assert desk.statistics().problem == "understanding.meaning is off"
