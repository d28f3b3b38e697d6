"""How transcription has a worker search, and when it does not."""

from collections.abc import Callable
from typing import Any

import attrs
import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.transcription import Transcription
from backends.jobs import ClipTranscript, ClipTranscripts, SearchSentences, SentenceSearchReply, TranscribeClips
from config.settings import TranscriptionSettings
from protocol.messages.hearing import Recognition, Transcribe, Utterance
from protocol.messages.searching import FindSentences, FoundSentence, FoundSentences, NoSearch, SentenceAutomaton
from runtime import ChildSpec, Ref
from runtime.messaging.published import Published
from runtime.workers.pool import WorkerLost
from runtime.workers.pool_statistics import RemoteStatistics
from tests.fake_pool import FakePool, PoolCall, pool_statistics
from tests.fakes import Grow, Script, default_settings, scripted

FOUND = FoundSentences((FoundSentence("Stop.", -1.0, 2),), "Shop", -0.5, 2, is_loop=False, compute_s=0.2)
AUTOMATON = SentenceAutomaton("v1", ("", " ", "stop"), bytes(12))
WORK_S = 0.4


def question(**changes: Any) -> FindSentences:
    usual = FindSentences("s", Utterance(bytes(32_000), 0, 1_000), "en", AUTOMATON, 1.5, (7, 8), ("stop",))
    return attrs.evolve(usual, **changes)


@attrs.define(eq=False)
class Searching:
    """A transcription whose workers know no grammar at first."""

    settings: TranscriptionSettings = attrs.field(
        factory=lambda: attrs.evolve(default_settings().transcription, workers=1)
    )
    level: int = 0
    work_s: float = WORK_S
    reply: Callable[[SearchSentences], SentenceSearchReply] | None = None
    trouble: Exception | None = None
    pool: FakePool = attrs.field(init=False)
    ref: Ref = attrs.field(factory=lambda: Ref("transcription"))

    def __attrs_post_init__(self) -> None:
        self.pool = FakePool(self._work)

    async def _work(self, call: PoolCall) -> tuple[msgspec.Struct, bytes]:
        await trio.sleep(self.work_s)
        if isinstance(call.job, TranscribeClips):
            found = ClipTranscript(text="shop", language="en", confidence=0.9, no_speech=None, compute_s=0.5)
            return ClipTranscripts((found,)), b""
        if self.trouble is not None:
            raise self.trouble
        if self.reply is not None:
            return self.reply(call.job), b""
        return SentenceSearchReply(FOUND) if call.job.automaton else SentenceSearchReply(problem="unknown_grammar"), b""

    async def open(self, grow: Grow) -> None:
        metrics = scripted("metrics", Script())
        pool: Any = self.pool

        def make() -> Transcription:
            return Transcription(self.settings, pool, metrics.ref, load_level=lambda: self.level, reports=Published())

        await grow(metrics, ChildSpec(self.ref, make))


async def test_a_worker_that_has_not_had_the_grammar_is_sent_it(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching()
    await searching.open(grow)
    assert await searching.ref.ask(question()) == FOUND
    first, second = (call.job for call in searching.pool.jobs)
    assert first == SearchSentences("v1", 1.5, None, ("stop",), (7, 8))
    assert (second.automaton, second.within_s) == (AUTOMATON, 1.5 - WORK_S)
    assert {(call.attempts, call.blob) for call in searching.pool.jobs} == {(1, bytes(32_000))}


async def test_the_prompt_is_left_out_where_transcription_has_none(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching(settings=attrs.evolve(default_settings().transcription, workers=1, vocabulary=False))
    await searching.open(grow)
    await searching.ref.ask(question())
    assert searching.pool.jobs[0].job.vocabulary == ()


async def test_a_search_that_would_have_to_wait_does_not_begin(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching()
    await searching.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(searching.ref.ask, Transcribe("s", Utterance(bytes(32_000), 0, 1_000)))
        await wait_all_tasks_blocked()
        assert await searching.ref.ask(question()) == NoSearch("busy")
    assert [type(call.job) for call in searching.pool.jobs] == [TranscribeClips]


async def test_under_load_there_is_no_search(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching(level=1)
    await searching.open(grow)
    assert await searching.ref.ask(question()) == NoSearch("busy")


async def test_an_utterance_waits_for_a_search_that_goes_on_although_its_asker_has_left(
    grow: Grow, autojump_clock: MockClock
) -> None:
    searching = Searching(work_s=3.0)
    await searching.open(grow)
    start_s = trio.current_time()
    assert await searching.ref.ask(question()) == NoSearch("late")
    assert trio.current_time() - start_s == 1.5
    await searching.ref.ask(Transcribe("s", Utterance(bytes(32_000), 0, 1_000)), timeout_s=20.0)
    assert trio.current_time() - start_s == pytest.approx(6.0, abs=0.1)
    assert searching.pool.most_at_once == 1


async def test_a_worker_that_is_late_or_cannot_says_so(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching(reply=lambda _: SentenceSearchReply(problem="late"))
    await searching.open(grow)
    assert await searching.ref.ask(question()) == NoSearch("late")
    searching.reply = lambda _: SentenceSearchReply(problem="unsupported")
    assert await searching.ref.ask(question()) == NoSearch("unsupported")


async def test_a_worker_that_dies_costs_the_search_and_nothing_else(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching(trouble=WorkerLost("it died"))
    await searching.open(grow)
    assert await searching.ref.ask(question()) == NoSearch("failed")
    heard = await searching.ref.ask(Transcribe("s", Utterance(bytes(32_000), 0, 1_000)))
    assert isinstance(heard, Recognition)


async def test_a_server_elsewhere_searches_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching()
    searching.pool.shown = pool_statistics(
        remote=RemoteStatistics(addresses=(), fallbacks=0, hedges=0, hedge_after_s=1.0)
    )
    await searching.open(grow)
    assert await searching.ref.ask(question()) == NoSearch("unsupported")
    assert list(searching.pool.jobs) == []


async def test_no_model_is_loaded_for_a_search(grow: Grow, autojump_clock: MockClock) -> None:
    searching = Searching()
    await searching.open(grow)
    assert await searching.ref.ask(question(model="base")) == NoSearch("busy")
