from collections.abc import Sequence
from typing import Any

import attrs
import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.stt.recogniser_queue import TranscriptionUnavailable, batch_size_for, job_timeout_for
from actors.stt.report import QueueReport, TranscriptionReport
from actors.transcription import Transcription, TranscriptionStatistics
from backends.jobs import Clip, ClipTranscript, ClipTranscripts, TranscribeClips
from config.settings import TranscriptionSettings
from protocol.messages.hearing import NoWords, Recognition, Transcribe, Utterance
from protocol.messages.records import Count, Observe
from runtime import AskTimeout, ChildSpec, Ref, Tree
from runtime.messaging.published import Published
from runtime.workers.pool import JobFailed, JobTimeout, PoolUnavailable, WorkerLost
from runtime.workers.pool_statistics import PoolStatistics, RemoteStatistics
from tests.fake_pool import FakePool, PoolCall, pool_statistics
from tests.fakes import Grow, Script, default_settings, scripted, shown_by

JOB_S = 1.0


def clip(session_id: str, name: str, seconds: float = 1.0) -> Transcribe:
    """Return an utterance that the fake worker will understand as ``name``."""
    return Transcribe(session_id, Utterance(bytes(round(32_000 * seconds)), 0, 1_000), vocabulary=(name,))


def worked(call: PoolCall, compute_s: float = 0.5) -> tuple[ClipTranscripts, bytes]:
    """Return a worker's reply: every utterance's text is the first word of its vocabulary."""
    found = [
        ClipTranscript(text=name, language="en", confidence=0.9, no_speech=None, compute_s=compute_s)
        for name in names(call)
    ]
    return ClipTranscripts(tuple(found)), b""


def names(call: PoolCall) -> list[str]:
    """Return which utterances were in a job."""
    return [clip.vocabulary[0] for clip in call.job.clips]


@attrs.define(eq=False)
class RecogniserQueue:
    """A transcription with a fake pool."""

    settings: TranscriptionSettings = attrs.field(
        factory=lambda: attrs.evolve(default_settings().transcription, workers=1, queue_per_worker=8)
    )
    troubles: dict[tuple[str, ...], Exception] = attrs.field(factory=dict)
    """What goes wrong with a job of just these utterances."""
    reply: ClipTranscripts | None = None
    """What each job is replied to with, if not with what was said."""
    pool: FakePool = attrs.field(init=False)
    metrics: Script = attrs.field(factory=Script)
    ref: Ref = attrs.field(factory=lambda: Ref("transcription"))
    answers: dict[str, Any] = attrs.field(factory=dict)
    order: list[str] = attrs.field(factory=list)
    level: int = 0
    company_pays: bool = True
    """Whether an utterance of a batch costs half of one alone."""
    reports: Published[TranscriptionReport] = attrs.field(factory=Published)
    tree: Tree = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.pool = FakePool(self._work)

    async def _work(self, call: PoolCall) -> tuple[ClipTranscripts, bytes]:
        await trio.sleep(JOB_S)
        if self.reply is not None:
            return self.reply, b""
        trouble = self.troubles.get(tuple(names(call)))
        if trouble is not None:
            raise trouble
        return worked(call, compute_s=0.25 if self.company_pays and len(names(call)) > 1 else 0.5)

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        pool: Any = self.pool

        def make() -> Transcription:
            return Transcription(self.settings, pool, metrics.ref, load_level=lambda: self.level, reports=self.reports)

        self.tree = await grow(metrics, ChildSpec(self.ref, make))

    async def ask(self, message: Transcribe) -> None:
        """Ask, and note the answer or the error."""
        [name] = message.vocabulary
        try:
            self.answers[name] = await self.ref.ask(message, timeout_s=100.0)
        except TranscriptionUnavailable as error:
            self.answers[name] = error
        self.order.append(name)

    async def ask_all(self, messages: Sequence[Transcribe]) -> None:
        """Ask for all at once, in this order, and wait for all answers."""
        async with trio.open_nursery() as nursery:
            for message in messages:
                nursery.start_soon(self.ask, message)
                await wait_all_tasks_blocked()

    @property
    def report(self) -> QueueReport:
        """What is published of the queue."""
        assert self.reports.latest is not None
        return self.reports.latest.usual

    def batches(self) -> list[list[str]]:
        """Return which utterances went together."""
        return [names(job) for job in self.pool.jobs]


async def test_an_utterance_comes_back_as_text(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    message = Transcribe("s", Utterance(b"\1\0" * 8_000, 0, 500), language="de", vocabulary=("hallo",))
    answer = await queue.ref.ask(message)
    assert answer == Recognition("hallo", "en", 0.9, (), queue_s=0.0, compute_s=0.5)
    [job] = queue.pool.jobs
    assert (job.timeout_s, job.attempts) == (4.675, 2)
    assert job.job == TranscribeClips((Clip(16_000, "de", ("hallo",)),))
    assert job.blob == message.utterance.pcm
    await wait_all_tasks_blocked()
    assert queue.metrics.seen == [
        Observe("stt_batch_size", (), 1),
        Count("stt_audio_seconds_total", (), 0.5),
        Observe("stt_real_time_factor", (), 1.0),
    ]


async def test_with_an_idle_worker_no_utterance_waits_for_a_batch(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(settings=attrs.evolve(default_settings().transcription, workers=2))
    await queue.open(grow)
    start_s = trio.current_time()
    await queue.ask_all([clip("a", "one"), clip("b", "two")])
    assert queue.batches() == [["one"], ["two"]]
    assert [job.at_s for job in queue.pool.jobs] == [start_s, start_s]


async def test_a_crowd_of_one_tenant_lets_another_have_its_turn(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(
        settings=attrs.evolve(default_settings().transcription, workers=1, queue_per_worker=8, batch_size=1)
    )
    await queue.open(grow)
    crowd = [attrs.evolve(clip(f"c{number}", f"c{number}"), tenant="crowd") for number in range(6)]
    await queue.ask_all([*crowd, attrs.evolve(clip("s", "single"), tenant="other")])
    assert queue.order.index("single") <= 2, "the first was in work, the second had its turn"


async def test_while_all_are_busy_batches_form(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask_all([clip(f"s{number}", str(number)) for number in range(7)])
    assert [len(batch) for batch in queue.batches()] == [1, 4, 2], "at most batch_size"
    assert {answer.text for answer in queue.answers.values()} == set("0123456")
    assert queue.pool.most_at_once == 1, "no more jobs at once than workers"
    assert queue.answers["6"].queue_s == pytest.approx(2.0, abs=0.05)


async def test_where_a_batch_costs_as_much_no_utterance_waits_for_the_others_in_it(
    grow: Grow, autojump_clock: MockClock
) -> None:
    queue = RecogniserQueue(company_pays=False)
    await queue.open(grow)
    await queue.ask_all([clip(f"s{number}", str(number)) for number in range(7)])
    assert [len(batch) for batch in queue.batches()] == [1, 4, 1, 1]
    assert queue.pool.jobs[3].at_s == queue.pool.jobs[2].at_s + JOB_S, "and nobody waits for company"


async def test_the_samples_of_a_batch_travel_one_after_the_other(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask_all([clip("a", "one"), clip("b", "two", 0.5), clip("c", "three", 0.25)])
    batch = queue.pool.jobs[1]
    assert [one.size_bytes for one in batch.job.clips] == [16_000, 8_000]
    assert len(batch.blob) == 24_000


async def test_a_session_that_talks_a_lot_does_not_starve_another(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(settings=attrs.evolve(default_settings().transcription, workers=1, batch_size=1))
    await queue.open(grow)
    long = [clip("talker", f"long{number}", seconds=8.0) for number in range(4)]
    await queue.ask_all([*long, clip("other", "short")])
    assert queue.order == ["long0", "short", "long1", "long2", "long3"]


async def test_a_full_queue_refuses_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask_all([clip("s", str(number)) for number in range(12)])
    refused = [answer for answer in queue.answers.values() if isinstance(answer, TranscriptionUnavailable)]
    assert [str(error) for error in refused] == ["8 utterances are waiting"] * 3
    assert refused[0].retry_after_s == 2.0
    assert queue.tree.status().children[-1].incarnation == 1, "that is no crash"


async def test_a_batch_whose_worker_died_is_sent_once_more_one_by_one(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(
        troubles={
            ("good", "killer", "fine"): WorkerLost("signal 11"),
            ("killer",): WorkerLost("signal 11"),
        }
    )
    await queue.open(grow)
    await queue.ask_all([clip("a", "first"), clip("b", "good"), clip("c", "killer"), clip("d", "fine")])
    assert queue.batches() == [["first"], ["good", "killer", "fine"], ["good"], ["killer"], ["fine"]]
    assert [job.attempts for job in queue.pool.jobs] == [2, 1, 2, 2, 2]
    assert (queue.answers["good"].text, queue.answers["fine"].text) == ("good", "fine")
    assert isinstance(queue.answers["killer"], TranscriptionUnavailable)


@pytest.mark.parametrize(
    "trouble", [JobFailed("out of memory"), JobTimeout("15 s"), PoolUnavailable("all down", 1.0), WorkerLost("killed")]
)
async def test_trouble_with_workers_is_told_and_crashes_nothing(
    grow: Grow, autojump_clock: MockClock, trouble: Exception
) -> None:
    queue = RecogniserQueue(troubles={("one",): trouble})
    await queue.open(grow)
    with pytest.raises(TranscriptionUnavailable, match=str(trouble)):
        await queue.ref.ask(clip("s", "one"))
    assert (await queue.ref.ask(clip("s", "two"))).text == "two"
    assert queue.tree.status().children[-1].incarnation == 1


async def test_an_abandoned_utterance_is_not_transcribed(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)

    async def give_up() -> None:
        with pytest.raises(AskTimeout):
            await queue.ref.ask(clip("b", "two"), timeout_s=0.5, linked=True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(queue.ask, clip("a", "one"))
        await wait_all_tasks_blocked()
        nursery.start_soon(give_up)
        await trio.sleep(0.6)
        nursery.start_soon(queue.ask, clip("c", "three"))
    assert queue.batches() == [["one"], ["three"]]
    assert shown_by(queue.tree.status().children[-1], TranscriptionStatistics).queued == 0


async def test_anything_else_is_a_bug(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ref.tell("nonsense")
    await wait_all_tasks_blocked()
    last = queue.tree.status().children[-1].last_exit
    assert last is not None
    assert last.reason == "TypeError: Transcription handles no str"


@pytest.mark.parametrize(
    ("queued", "free_workers", "size"), [(0, 1, 1), (1, 1, 1), (5, 2, 3), (9, 1, 4), (3, 0, 3), (2, 4, 1)]
)
def test_a_worker_takes_its_share_of_the_queue(queued: int, free_workers: int, size: int) -> None:
    assert batch_size_for(queued, free_workers, limit=4) == size


@pytest.mark.parametrize(("audio_s", "timeout_s"), [(0.0, 3.0), (15.0, 6.5), (30.0, 10.0), (90.0, 10.0)])
def test_a_short_utterance_is_given_up_sooner_than_a_long_one(audio_s: float, timeout_s: float) -> None:
    assert job_timeout_for(audio_s, 10.0) == pytest.approx(timeout_s)


HEARD = ClipTranscript(text="x", language="en", confidence=0.9, alternatives=("y", "z"), no_speech=None, compute_s=0.5)


async def test_a_result_without_words_is_no_transcript(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    queue.reply = ClipTranscripts((HEARD,))
    assert await queue.ref.ask(clip("s", "x")) == Recognition("x", "en", 0.9, ("y", "z"), queue_s=0.0, compute_s=0.5)
    queue.reply = ClipTranscripts((msgspec.structs.replace(HEARD, no_speech="hallucination"),))
    assert await queue.ref.ask(clip("s", "x")) == NoWords("hallucination")


async def test_without_vocabulary_the_model_is_told_no_words(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(settings=attrs.evolve(default_settings().transcription, vocabulary=False))
    queue.reply = ClipTranscripts((HEARD,))
    await queue.open(grow)
    await queue.ref.ask(clip("s", "x"))
    assert queue.pool.jobs[0].job.clips[0].vocabulary == ()


async def test_early_work_is_for_idle_workers_only(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask(attrs.evolve(clip("s", "first"), urgency="early"))
    assert isinstance(queue.answers["first"], Recognition)
    early = attrs.evolve(clip("s", "early"), urgency="early")
    await queue.ask_all([clip("s", "second"), early, clip("s", "third")])
    assert isinstance(queue.answers["early"], TranscriptionUnavailable)
    assert queue.order == ["first", "early", "second", "third"]


async def test_partial_work_leaves_a_worker_idle(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(settings=attrs.evolve(default_settings().transcription, workers=2))
    await queue.open(grow)
    first = attrs.evolve(clip("a", "first"), urgency="partial")
    second = attrs.evolve(clip("b", "second"), urgency="partial")
    await queue.ask_all([first, second, attrs.evolve(clip("c", "early"), urgency="early")])
    assert isinstance(queue.answers["first"], Recognition)
    assert isinstance(queue.answers["second"], TranscriptionUnavailable)
    assert isinstance(queue.answers["early"], Recognition)


async def test_a_lone_worker_does_partial_work_when_it_is_idle(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue(settings=attrs.evolve(default_settings().transcription, workers=1))
    await queue.open(grow)
    await queue.ask(attrs.evolve(clip("s", "part"), urgency="partial"))
    assert isinstance(queue.answers["part"], Recognition)


@pytest.mark.parametrize(
    ("level", "is_early_done", "is_partial_done"), [(0, True, True), (1, True, False), (2, False, False)]
)
async def test_under_load_captions_go_first_and_early_work_next(
    grow: Grow, level: int, is_early_done: bool, is_partial_done: bool, autojump_clock: MockClock
) -> None:
    queue = RecogniserQueue(level=level)
    await queue.open(grow)
    for urgency in ("early", "partial", "final"):
        await queue.ask(attrs.evolve(clip("s", urgency), urgency=urgency))
    done = [isinstance(queue.answers[urgency], Recognition) for urgency in ("early", "partial", "final")]
    assert done == [is_early_done, is_partial_done, True]


def piece(name: str) -> Transcribe:
    """Return one piece of a recording."""
    return attrs.evolve(clip("recordings", name, seconds=20.0), urgency="background")


async def test_a_recording_leaves_a_worker_for_sessions_that_begin_to_speak(
    grow: Grow, autojump_clock: MockClock
) -> None:
    queue = RecogniserQueue(settings=attrs.evolve(default_settings().transcription, workers=3))
    await queue.open(grow)
    async with trio.open_nursery() as nursery:
        for number in range(6):
            nursery.start_soon(queue.ask, piece(f"piece {number}"))
        await wait_all_tasks_blocked()
        assert queue.pool.at_once == 2, "in parallel, and one worker is left"
        nursery.start_soon(queue.ask, clip("caller", "live"))
    live = queue.answers["live"]
    assert live.queue_s == 0.0
    assert ["live"] in queue.batches(), "and shares no batch with pieces of a recording"
    assert len(queue.answers) == 7


async def test_live_sessions_go_before_all_recordings(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask_all([clip("a", "one"), piece("piece 1"), piece("piece 2"), clip("b", "two"), clip("c", "three")])
    assert queue.batches() == [["one"], ["two", "three"], ["piece 1"], ["piece 2"]]


async def test_too_many_pieces_are_refused_and_take_no_place_from_others(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask_all([*(piece(str(number)) for number in range(12)), clip("caller", "live")])
    refused = [answer for answer in queue.answers.values() if isinstance(answer, TranscriptionUnavailable)]
    assert len(refused) == 3
    assert isinstance(queue.answers["live"], Recognition)


# --- what is known of capacity -------------------------------------------------------------------


async def test_the_demand_of_speakers_is_learnt_from_earlier_utterances(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    assert queue.report.demand("abcde") is None
    await queue.ask(clip("a", "one", seconds=1.0))
    demand = queue.report.demand("ab")
    assert demand is not None
    assert (demand.share, demand.each, demand.per_s) == (0.5, 0.25, 2.0), "half a second in two, one of them patience"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(queue.ask, attrs.evolve(clip("a", "two"), tenant="a"))
        await trio.sleep(0.5)
        demand = queue.report.demand("ab")
        assert demand is not None
        assert demand.busy == {"a": 2, "b": 1}
        assert demand.share == 0.75, "who waits for his words wants a worker, too"


@pytest.mark.parametrize(("urgency", "is_learnt"), [("final", True), ("early", False), ("background", False)])
async def test_only_utterances_of_live_sessions_are_learnt_from(
    grow: Grow, autojump_clock: MockClock, urgency: Any, is_learnt: bool
) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask(attrs.evolve(clip("a", "one"), urgency=urgency))
    assert (queue.report.demand("a") is not None) is is_learnt


ELSEWHERE = pool_statistics(
    size=1, ready=0, remote=RemoteStatistics(addresses=(), fallbacks=0, hedges=0, hedge_after_s=1.0)
)


@pytest.mark.parametrize(
    ("pool", "missing"),
    [
        (pool_statistics(size=2, ready=2), 0.0),
        (pool_statistics(size=2, ready=3), 0.0),  # a spare
        (pool_statistics(size=2, ready=1), 0.5),
        (pool_statistics(size=1, ready=0), 1.0),
        (ELSEWHERE, None),  # only work shows that it is back
    ],
)
async def test_workers_that_are_not_ready_are_missing(
    grow: Grow, autojump_clock: MockClock, pool: PoolStatistics, missing: float | None
) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    await queue.ask(clip("a", "one"))
    queue.pool.show(pool)
    assert queue.report.workers_missing == missing
    assert (queue.report.demand("a") is None) is (not pool.ready)


async def test_what_waits_and_what_waited_is_published_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    queue = RecogniserQueue()
    await queue.open(grow)
    async with trio.open_nursery() as nursery:
        for name in ("one", "two"):
            nursery.start_soon(queue.ask, attrs.evolve(clip(name, name), tenant=name))
            await wait_all_tasks_blocked()
        asked_s = trio.current_time()
        assert sorted(queue.report.awaited) == ["one", "two"]
        assert queue.report.oldest_s == asked_s
        await trio.sleep(0.75 * JOB_S)
        assert queue.report.delay_s(trio.current_time()) == 0.0, "the first one did not wait"
    assert queue.report.awaited == ()
    assert queue.report.oldest_s is None
    await trio.sleep(0.5)
    assert queue.report.delay_s(trio.current_time()) >= JOB_S, "in the last second or two only the second one began"
