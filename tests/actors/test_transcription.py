"""Which models are loaded; what a model's queue does is in ``stt/test_recogniser_queue.py``."""

from functools import partial

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.stt.recogniser_queue import TranscriptionUnavailable
from actors.stt.report import TranscriptionReport
from actors.transcription import SmallerModel, Transcription, TranscriptionStatistics
from backends.jobs import ClipTranscript, ClipTranscripts, DescribeModel, ModelDescription
from config.settings import TranscriptionSettings
from protocol.messages.hearing import Recognition, Transcribe, Utterance
from protocol.messages.models import ListModels, LoadModel, UnloadModel
from protocol.messages.records import Gauge
from runtime import ChildSpec, Ref, Tree
from runtime.messaging.published import Published
from runtime.workers.pool import StartFailure
from runtime.workers.pool_statistics import PoolStatistics
from tests.fake_pool import FakePool, PoolCall, pool_statistics
from tests.fakes import Grow, Script, default_settings, scripted, shown_by

MB = 1 << 20


@attrs.define(eq=False)
class SizedPool(FakePool):
    """Takes some memory while it runs, and says so."""

    memory_bytes: int = 300 * MB
    is_running: bool = False
    may_start: trio.Event | None = None

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        if self.may_start is not None:
            await self.may_start.wait()
        self.is_running = True
        try:
            await FakePool.run(self, task_status=task_status)
        finally:
            self.is_running = False

    def statistics(self) -> PoolStatistics:
        return pool_statistics(pss_bytes=self.memory_bytes if self.is_running else 0)


@attrs.define(eq=False)
class Server:
    """A transcription whose pools all say which model they are."""

    settings: TranscriptionSettings = attrs.field(
        factory=lambda: attrs.evolve(default_settings().transcription, workers=1, models_memory_mb=1_000)
    )
    pools: dict[str, SizedPool] = attrs.field(factory=dict)
    made: list[str] = attrs.field(factory=list)
    failing: set[str] = attrs.field(factory=set)
    held_back: dict[str, trio.Event] = attrs.field(factory=dict)
    work_s: float = 1.0
    ref: Ref = attrs.field(factory=lambda: Ref("transcription"))
    reports: Published[TranscriptionReport] = attrs.field(factory=Published)
    metrics: Script = attrs.field(factory=Script)
    memory_level: int = 0
    smaller: str | None = None
    tree: Tree = attrs.field(init=False)

    @property
    def report(self) -> TranscriptionReport:
        """What is published."""
        assert self.reports.latest is not None
        return self.reports.latest

    def pool(self, name: str) -> SizedPool:
        """Return a new pool for a model."""

        async def work(call: PoolCall) -> tuple[ModelDescription | ClipTranscripts, bytes]:
            if call.job == DescribeModel():
                return ModelDescription("cpu", "int8", is_multilingual=True, max_batch=0), b""
            await trio.sleep(self.work_s)
            found = ClipTranscript(text=name, language="en", confidence=0.9, no_speech=None, compute_s=0.5)
            return ClipTranscripts((found,) * len(call.job.clips)), b""

        self.made.append(name)
        pool = self.pools[name] = SizedPool(work, may_start=self.held_back.get(name))
        if name in self.failing:
            pool.start_failure = StartFailure(f"model {name} is not installed: run `pip install it`")
        return pool

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        usual = self.pool(self.settings.model)
        self.made.clear()
        smaller = None if self.smaller is None else SmallerModel(self.smaller, self.pool, lambda: self.memory_level)
        make = partial(Transcription, make_pool=self.pool, reports=self.reports, smaller=smaller)
        actor = ChildSpec(self.ref, lambda: make(self.settings, usual, metrics.ref))
        self.tree = await grow(metrics, actor)

    async def hear(self, model: str | None, language: str | None = None) -> str:
        """Return the text of an utterance: the name of the model that heard it."""
        message = Transcribe("s", Utterance(bytes(32_000), 0, 1_000), language=language, model=model)
        answer = await self.ref.ask(message, timeout_s=100.0)
        assert isinstance(answer, Recognition)
        return answer.text

    async def states(self) -> dict[str, str]:
        """Return what is loaded."""
        return {model.name: model.state for model in await self.ref.ask(ListModels())}


async def test_a_session_that_names_no_model_gets_the_default(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    assert await server.hear(None) == await server.hear("tiny.en") == "tiny.en"
    assert server.made == []


async def test_a_model_is_loaded_on_demand_and_once(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    heard = []

    async def hear() -> None:
        heard.append(await server.hear("base"))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(hear)
    assert (heard, server.made) == (["base"] * 3, ["base"])


async def test_an_unknown_name_is_told_what_there_is(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    with pytest.raises(TranscriptionUnavailable, match=r"stt model must be one of tiny\.en, base, not '/etc/passwd'"):
        await server.hear("/etc/passwd")
    assert server.made == []


@pytest.mark.parametrize(
    ("language", "model", "heard_by"),
    [("de", None, "base"), ("de-AT", "base", "base"), ("en", None, "tiny.en"), ("en-US", "tiny.en", "tiny.en")],
)
async def test_a_language_is_heard_by_a_model_that_knows_it(
    language: str, model: str | None, heard_by: str, grow: Grow, autojump_clock: MockClock
) -> None:
    server = Server()
    await server.open(grow)

    assert await server.hear(model, language) == heard_by


async def test_the_configured_language_counts_where_none_is_named(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    server.settings = attrs.evolve(server.settings, language="de")
    await server.open(grow)

    assert await server.hear(None) == "base"
    assert await server.hear(None, "en") == "tiny.en"


async def test_a_language_that_no_model_knows_is_refused_in_words(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    server.settings = attrs.evolve(server.settings, models=("tiny.en",))
    await server.open(grow)

    with pytest.raises(
        TranscriptionUnavailable, match=r"tiny\.en hears English only, not de; set transcription\.model"
    ):
        await server.hear(None, "de")


async def test_a_model_that_was_asked_for_is_not_exchanged_for_another(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)

    with pytest.raises(TranscriptionUnavailable, match=r"tiny\.en hears English only, not de; base can hear it"):
        await server.hear("tiny.en", "de")


async def test_a_server_elsewhere_is_left_to_hear_any_language(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    server.settings = attrs.evolve(server.settings, provider="openai")
    await server.open(grow)

    assert await server.hear(None, "de") == "tiny.en"


async def test_a_model_that_cannot_be_loaded_is_told_and_tried_again_next_time(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server = Server(failing={"base"})
    await server.open(grow)
    with pytest.raises(TranscriptionUnavailable, match="pip install it"):
        await server.hear("base")
    server.failing.clear()
    assert await server.hear("base") == "base"
    assert await server.hear(None) == "tiny.en", "nothing has crashed"


async def test_a_client_that_leaves_while_a_model_is_loading_does_not_stop_that(
    grow: Grow, autojump_clock: MockClock
) -> None:
    loading = trio.Event()
    server = Server(held_back={"base": loading})
    await server.open(grow)
    with trio.move_on_after(1.0):
        await server.hear("base")
    assert await server.states() == {"tiny.en": "loaded", "base": "loading"}
    loading.set()
    assert await server.hear("base") == "base"
    assert server.made == ["base"]


async def test_some_models_are_loaded_at_the_start(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    server.settings = attrs.evolve(server.settings, preload=("base",))
    await server.open(grow)
    await wait_all_tasks_blocked()
    assert await server.states() == {"tiny.en": "loaded", "base": "loaded"}


async def test_an_unused_model_is_unloaded_after_a_while(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    await server.hear("base")
    await trio.sleep(server.settings.unload_after_s - 10.0)
    assert server.pools["base"].is_running
    await trio.sleep(20.0)
    assert not server.pools["base"].is_running
    assert await server.states() == {"tiny.en": "loaded", "base": "available"}
    assert server.pools["tiny.en"].is_running, "the usual one stays"


async def test_the_model_not_used_for_longest_makes_room(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    server.settings = attrs.evolve(server.settings, models=("base", "small", "tiny"))
    await server.open(grow)
    for name in ("base", "tiny", "base", "small"):  # 300 each as measured; small is expected to need 700
        assert await server.hear(name) == name
    assert await server.states() == {
        "tiny.en": "loaded", "small": "loaded", "base": "available", "tiny": "available",
    }  # fmt: skip


async def test_a_model_for_which_there_is_no_room_is_refused_while_others_are_in_use(
    grow: Grow, autojump_clock: MockClock
) -> None:
    server = Server(work_s=30.0)
    server.settings = attrs.evolve(server.settings, models=("base", "small"))
    await server.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.hear, "base")
        await trio.sleep(1.0)
        with pytest.raises(TranscriptionUnavailable, match="model small needs about 700 MB"):
            await server.hear("small")
    assert await server.states() == {"tiny.en": "loaded", "base": "loaded", "small": "available"}


async def test_an_operator_loads_and_unloads_what_no_client_may_name(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    shown = await server.ref.ask(LoadModel("/srv/mine"))
    assert (shown.state, shown.device, shown.compute_type, shown.memory_bytes) == ("loaded", "cpu", "int8", 300 * MB)
    assert await server.hear("/srv/mine") == "/srv/mine", "what is loaded may be named"
    assert (await server.ref.ask(UnloadModel("/srv/mine"))).state == "available"
    await wait_all_tasks_blocked()
    assert not server.pools["/srv/mine"].is_running
    with pytest.raises(TranscriptionUnavailable, match=r"not loaded; loaded are tiny\.en"):
        await server.ref.ask(UnloadModel("/srv/mine"))


async def test_what_is_in_use_or_usual_is_not_unloaded(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.hear, "base")
        await trio.sleep(0.5)
        with pytest.raises(TranscriptionUnavailable, match="in use"):
            await server.ref.ask(UnloadModel("base"))
    with pytest.raises(TranscriptionUnavailable, match="usual model"):
        await server.ref.ask(UnloadModel("tiny.en"))


async def test_only_an_offered_model_can_be_named(grow: Grow, autojump_clock: MockClock) -> None:
    ref = Ref("transcription")
    metrics = scripted("metrics", Script())
    server = Server()
    actor = ChildSpec(
        ref, lambda: Transcription(server.settings, server.pool("tiny.en"), metrics.ref, reports=server.reports)
    )
    await grow(metrics, actor)
    with pytest.raises(TranscriptionUnavailable, match=r"only tiny\.en is loaded here"):
        await ref.ask(LoadModel("base"))


async def test_what_is_loaded_besides_is_offered_while_it_is_loaded(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    await server.ref.ask(LoadModel("small"), timeout_s=10.0)
    loaded = server.report
    await server.ref.ask(UnloadModel("small"))
    await wait_all_tasks_blocked()
    assert (loaded.models.offered, len(loaded.others)) == (("tiny.en", "base", "small"), 1)
    assert (server.report.models.offered, len(server.report.others)) == (("tiny.en", "base"), 0)


async def test_after_a_crash_nothing_of_the_last_incarnation_is_read(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    await server.hear(None)
    assert server.report.usual.demand(["a"]) is not None
    server.pools["tiny.en"].start_failure = StartFailure("no memory")
    assert server.ref.tell_nowait("nonsense")
    await wait_all_tasks_blocked()
    assert server.reports.latest is None, "it is down"
    server.pools["tiny.en"].start_failure = None
    server.pools["tiny.en"].may_start = may_start = trio.Event()
    await trio.sleep(5.0)
    assert server.report.usual.workers_missing is None, "no worker has been ready yet"
    may_start.set()
    await wait_all_tasks_blocked()
    assert server.report.usual.workers_missing == 0.0
    assert server.report.usual.demand(["a"]) is None, "the next incarnation has heard nothing yet"


# --- while memory is short -------------------------------------------------------------------------


async def short_of_memory(grow: Grow) -> Server:
    """Return a server whose usual model is base, and where tiny does its work because memory is short."""
    server = Server(attrs.evolve(default_settings().transcription, model="base", models=(), workers=1), smaller="tiny")
    await server.open(grow)
    assert await server.hear(None) == "base"
    server.memory_level = 2
    await trio.sleep(1.5)
    return server


async def test_a_smaller_model_does_the_work_while_memory_is_short_and_the_usual_one_after_it(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = await short_of_memory(grow)
    assert await server.hear(None) == await server.hear("base") == "tiny"
    assert not server.pools["base"].is_running, "its memory is free"
    assert server.report.at_work == "tiny"
    shown = shown_by(server.tree.status().children[-1], TranscriptionStatistics)
    assert (shown.smaller_model, shown.models) == ("tiny", None)
    await trio.sleep(30.0)
    server.memory_level = 0
    await trio.sleep(70.0)
    assert await server.hear(None) == "base"
    assert not server.pools["tiny"].is_running
    assert server.report.at_work == "base"
    assert server.made == ["tiny", "base"], "each was loaded once"
    assert [one.value for one in server.metrics.of(Gauge) if one.name == "stt_smaller_model"] == [0, 1, 0]
    assert [record.getMessage() for record in caplog.records if "does the work" in record.getMessage()] == [
        "model tiny does the work of base: memory is short",
        "model base does the work of tiny: memory is free again",
    ]


async def test_what_the_usual_model_has_begun_it_ends(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server(attrs.evolve(default_settings().transcription, model="base", workers=1), smaller="tiny", work_s=5.0)
    await server.open(grow)
    heard = []

    async def hear() -> None:
        heard.append(await server.hear(None))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(hear)
        await trio.sleep(0.5)
        server.memory_level = 2
        await trio.sleep(2.0)
        assert server.pools["base"].is_running
        nursery.start_soon(hear)
    assert sorted(heard) == ["base", "tiny"]
    await wait_all_tasks_blocked()
    assert not server.pools["base"].is_running


async def test_a_smaller_model_that_cannot_be_loaded_changes_nothing_and_is_told_once_a_minute(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(attrs.evolve(default_settings().transcription, model="base", workers=1), smaller="tiny")
    server.failing.add("tiny")
    await server.open(grow)
    server.memory_level = 3
    await trio.sleep(50.0)
    assert await server.hear(None) == "base"
    assert server.made == ["tiny"]
    told = "model tiny cannot do the work of base: model tiny is not installed: run `pip install it`"
    assert [record.getMessage() for record in caplog.records] == [told]


async def test_operators_cannot_load_or_unload_what_memory_has_decided(grow: Grow, autojump_clock: MockClock) -> None:
    server = await short_of_memory(grow)
    with pytest.raises(TranscriptionUnavailable, match="tiny does the work of base while memory is short"):
        await server.ref.ask(LoadModel("base"))
    with pytest.raises(TranscriptionUnavailable, match="tiny does the work of the usual model"):
        await server.ref.ask(UnloadModel("tiny"))


async def test_a_smaller_model_that_a_client_had_asked_for_is_replaced_by_one_with_all_workers(
    grow: Grow, autojump_clock: MockClock
) -> None:
    settings = attrs.evolve(default_settings().transcription, model="base", models=("base", "tiny"), workers=2)
    server = Server(settings, smaller="tiny")
    await server.open(grow)
    assert await server.hear("tiny") == "tiny"
    first = server.pools["tiny"]
    server.memory_level = 2
    await trio.sleep(1.5)
    assert await server.hear(None) == await server.hear("tiny") == "tiny"
    assert (first.is_running, server.pools["tiny"].is_running) == (False, True)


async def test_without_a_smaller_model_memory_changes_nothing(grow: Grow, autojump_clock: MockClock) -> None:
    server = Server()
    await server.open(grow)
    server.memory_level = 4
    await trio.sleep(10.0)
    assert await server.hear(None) == "tiny.en"
    assert server.metrics.of(Gauge) == []
