from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.inference import Inference, InferenceStatistics, ModelUnavailable
from backends.jobs import LocateModel, ModelAddress
from backends.llm.guarded import GuardedModel
from backends.llm.response_cache import CacheSettings, ResponseCache
from backends.protocols import LanguageModel, ProviderError
from config.settings import InferenceSettings
from protocol.messages.records import Count, Observe
from protocol.messages.understanding import ChatMessage, Generate, Generation, NoModel, ToolSpec
from runtime import AskTimeout, ChildSpec, Ref, TerminateChild, Tree
from runtime.workers.pool import PoolUnavailable, StartFailure
from tests.fake_pool import FakePool, PoolCall
from tests.fakes import FakeModel, FakeSink, Grow, Script, default_settings, scripted, shown_by

TOOL = ToolSpec("sayso-tools", "set_timer", "", {})


@attrs.define(eq=False)
class FakeEmbedded:
    """The embedded model: a process, and the client for it."""

    model: FakeModel
    trouble: Exception | None = None
    pool: Any = None
    address: str = "http://127.0.0.1:1"
    urls: list[str] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.pool = FakePool(self._address)

    async def _address(self, call: PoolCall) -> tuple[ModelAddress, bytes]:
        assert call.job == LocateModel()
        if self.trouble is not None:
            raise self.trouble
        return ModelAddress(self.address), b""

    def connect(self, url: str) -> LanguageModel:
        self.urls.append(url)
        return self.model


@attrs.define(eq=False)
class Models:
    """An inference with fake providers."""

    providers: list[FakeModel]
    embedded: FakeEmbedded | None = None
    settings: InferenceSettings = attrs.field(factory=lambda: default_settings().inference)
    metrics: Script = attrs.field(factory=Script)
    sink: FakeSink[str] = attrs.field(factory=FakeSink)
    ref: Ref = attrs.field(factory=lambda: Ref("inference"))
    tree: Tree = attrs.field(init=False)

    cache: ResponseCache | None = None
    level: int = 0

    async def open(self, grow: Grow) -> None:
        """Start it."""
        metrics = scripted("metrics", self.metrics)
        guarded = [GuardedModel(model, max_at_once=2, timeout_s=30.0) for model in self.providers]
        actor = ChildSpec(
            self.ref,
            lambda: Inference(
                self.settings, guarded, self.embedded, self.cache, metrics.ref, load_level=lambda: self.level
            ),
        )
        self.tree = await grow(metrics, actor)

    async def generate(
        self, max_tokens: int | None = None, timeout_s: float = 100.0, text: str = "hello", **wanted: Any
    ) -> Any:
        """Ask for a completion."""
        question = (ChatMessage("system", "Be short."), ChatMessage("user", text))
        message = Generate("s", question, self.sink, max_tokens=max_tokens, **wanted)
        return await self.ref.ask(message, timeout_s=timeout_s, linked=True)

    def statistics(self) -> InferenceStatistics:
        """Return what the actor shows of itself."""
        return shown_by(self.tree.status().children[-1], InferenceStatistics)


async def test_the_first_provider_that_answers_is_asked_and_its_text_streams(
    grow: Grow, autojump_clock: MockClock
) -> None:
    down, up = FakeModel("ollama", is_up=False), FakeModel("openai", [["Hel", "lo."]])
    models = Models([down, up])
    await models.open(grow)
    generation = await models.generate()
    assert (generation.text, generation.provider) == ("Hello.", "openai")
    assert models.sink.parts == ["Hel", "lo."]
    assert down.asked == []
    await wait_all_tasks_blocked()
    assert models.metrics.seen == [
        Count("llm_tokens_total", ("openai", "tiny", "prompt"), 7),
        Count("llm_tokens_total", ("openai", "tiny", "completion"), 3),
        Observe("llm_first_token_seconds", (), 0.25),
    ]
    statistics = models.statistics()
    assert (statistics.providers, statistics.in_flight) == (["openai"], 0)


async def test_no_more_tokens_are_asked_for_than_the_settings_allow(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"], ["b"], ["c"]])
    models = Models([model])
    await models.open(grow)
    for wanted in (None, 10, 100_000):
        await models.generate(wanted)
    assert model.max_tokens == [512, 10, 512]


async def test_under_load_answers_are_half_as_long(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"], ["b"]])
    models = Models([model], level=1)
    await models.open(grow)
    for wanted in (None, 10):
        await models.generate(wanted)
    assert model.max_tokens == [256, 10]


async def test_a_provider_that_fails_before_its_first_word_is_replaced(grow: Grow, autojump_clock: MockClock) -> None:
    models = Models([FakeModel("ollama", [[ProviderError("status 500")]]), FakeModel("openai", [["Hello."]])])
    await models.open(grow)
    assert (await models.generate()).provider == "openai"


async def test_after_the_first_word_no_other_model_is_asked(grow: Grow, autojump_clock: MockClock) -> None:
    second = FakeModel("openai", [["Hello."]])
    models = Models([FakeModel("ollama", [["Hel", ProviderError("broken off")]]), second])
    await models.open(grow)
    with pytest.raises(ModelUnavailable, match="ollama: broken off"):
        await models.generate()
    assert models.sink.parts == ["Hel"], "nothing may be spoken twice"
    assert second.asked == []


async def test_when_all_fail_the_error_names_each(grow: Grow, autojump_clock: MockClock) -> None:
    failing = [FakeModel(name, [[ProviderError("status 500")]]) for name in ("ollama", "openai")]
    models = Models(failing)
    await models.open(grow)
    with pytest.raises(ModelUnavailable, match="ollama: status 500; openai: status 500"):
        await models.generate()
    assert models.tree.status().children[-1].incarnation == 1


async def test_without_any_provider_there_is_no_model(grow: Grow, autojump_clock: MockClock) -> None:
    models = Models([])
    await models.open(grow)
    assert await models.generate() == NoModel()


async def test_a_provider_that_is_configured_and_down_is_no_missing_model(
    grow: Grow, autojump_clock: MockClock
) -> None:
    models = Models(
        [FakeModel("ollama", is_up=False)], settings=attrs.evolve(default_settings().inference, provider="ollama")
    )
    await models.open(grow)
    with pytest.raises(ModelUnavailable, match="no language model is available"):
        await models.generate()


@pytest.mark.parametrize(
    ("asked", "tools", "providers"),
    [
        ("talk", (), ["ollama"]),
        ("work", (), ["ollama"]),
        ("action", (), []),
        ("action", (TOOL,), ["ollama"]),
    ],
)
async def test_an_action_is_for_models_with_tools(
    grow: Grow, autojump_clock: MockClock, asked: str, tools: tuple[ToolSpec, ...], providers: list[str]
) -> None:
    embedded = FakeEmbedded(FakeModel("embedded"))
    models = Models([FakeModel("ollama", [["Hello."]])], embedded)
    await models.open(grow)
    answer = await models.generate(asked_for=asked, tools=tools)
    assert ([answer.provider] if isinstance(answer, Generation) else []) == providers


@pytest.mark.parametrize(("asked", "is_answered"), [("talk", True), ("work", False), ("action", False)])
async def test_the_embedded_model_only_talks(
    grow: Grow, autojump_clock: MockClock, asked: str, is_answered: bool
) -> None:
    embedded = FakeEmbedded(FakeModel("embedded", [["Hello."]]))
    models = Models([FakeModel("ollama", is_up=False)], embedded)
    await models.open(grow)
    answer = await models.generate(asked_for=asked, tools=(TOOL,))
    assert isinstance(answer, Generation) is is_answered
    assert len(embedded.urls) == is_answered, "nobody else is asked in its place"


async def test_a_provider_that_does_not_answer_in_time_is_replaced(grow: Grow, autojump_clock: MockClock) -> None:
    models = Models([FakeModel("ollama", [["late"]], delay_s=60.0), FakeModel("openai", [["Hello."]])])
    await models.open(grow)
    start_s = trio.current_time()
    assert (await models.generate()).provider == "openai"
    assert trio.current_time() - start_s == pytest.approx(30.0)


async def test_a_provider_that_starts_later_is_found(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["Hello."]], is_up=False)
    models = Models([model])
    await models.open(grow)
    model.is_up = True
    await trio.sleep(16.0)
    assert (await models.generate()).text == "Hello."


async def test_at_most_num_parallel_completions_run_at_once(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"] for _ in range(5)], delay_s=1.0)
    models = Models([model])
    await models.open(grow)
    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(models.generate)
        await trio.sleep(0.5)
        [guard] = models.statistics().guards
        assert (guard.in_flight, guard.waiting) == (2, 3)
    assert model.most_at_once == 2


async def test_a_cancelled_question_gives_the_place_back(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"], ["b"]], delay_s=10.0)
    models = Models([model])
    await models.open(grow)
    with pytest.raises(AskTimeout):
        await models.generate(timeout_s=1.0)
    await wait_all_tasks_blocked()
    assert models.statistics().in_flight == 0


async def test_a_provider_that_keeps_failing_is_left_alone_and_tried_again_later(
    grow: Grow, autojump_clock: MockClock
) -> None:
    broken = FakeModel("ollama", [[ProviderError("status 500")] for _ in range(3)])
    models = Models([broken, FakeModel("openai", [["Hello."] for _ in range(5)])])
    await models.open(grow)
    for _ in range(4):
        assert (await models.generate()).provider == "openai"
    assert len(broken.asked) == 3, "the fourth did not even ask"
    broken.answers.append(["I am back."])
    await trio.sleep(1.1)
    assert (await models.generate()).provider == "ollama"


async def test_a_task_is_served_by_its_model(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"] for _ in range(4)])
    models = Models([model])
    models.settings = attrs.evolve(models.settings, task_models={"coding": "codellama", "poetry": "muse"})
    await models.open(grow)
    await models.generate(text="how do I debug this python code")
    await models.generate(text="how do I debug this python code", task="poetry")
    await models.generate(text="hello")
    models.settings = attrs.evolve(models.settings, route_by_task=False)
    assert model.models == ["codellama", "muse", None]


async def test_without_routing_the_usual_model_does_it_all(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"]])
    models = Models([model])
    models.settings = attrs.evolve(models.settings, task_models={"coding": "codellama"}, route_by_task=False)
    await models.open(grow)
    await models.generate(text="debug this code", task="coding")
    assert model.models == [None]


async def test_a_conversation_is_cut_to_the_model_s_context(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["a"]])
    models = Models([model])
    models.settings = attrs.evolve(models.settings, context_size=600, max_tokens=500)
    await models.open(grow)
    old = (ChatMessage("user", "x" * 400), ChatMessage("assistant", "y" * 400))
    message = Generate("s", (ChatMessage("system", "Be short."), *old, ChatMessage("user", "hello")), models.sink)
    await models.ref.ask(message)
    assert [item.content for item in model.asked[0]] == ["Be short.", "hello"]


async def test_an_answer_that_would_come_out_the_same_is_given_again(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", [["Paris."]])
    kept = CacheSettings(
        ttl_s=60.0, max_entries=10, is_compressed=True, parameters={}, is_deterministic=True, tasks=frozenset()
    )
    models = Models([model], cache=ResponseCache(kept))
    await models.open(grow)
    first, second = [await models.generate() for _ in range(2)]
    assert (first.text, second.text, first.is_cached, second.is_cached) == ("Paris.", "Paris.", False, True)
    assert models.sink.parts == ["Paris.", "Paris."]
    await wait_all_tasks_blocked()
    found = [figure.labels for figure in models.metrics.seen if figure.name == "cache_requests_total"]
    assert found == [("miss",), ("hit",)]
    assert models.statistics().cached_answers == 1


# --- the embedded model --------------------------------------------------------------------------


async def test_the_embedded_model_starts_if_no_other_answers(grow: Grow, autojump_clock: MockClock) -> None:
    embedded = FakeEmbedded(FakeModel("embedded", [["Hello."]]))
    models = Models([FakeModel("ollama", is_up=False)], embedded)
    await models.open(grow)
    assert (await models.generate()).provider == "embedded"
    assert (embedded.pool.starts, embedded.urls) == (1, ["http://127.0.0.1:1"])
    assert models.statistics().pool == embedded.pool.statistics()


async def test_the_embedded_model_stays_off_while_another_answers(grow: Grow, autojump_clock: MockClock) -> None:
    embedded = FakeEmbedded(FakeModel("embedded"))
    models = Models([FakeModel("ollama", [["Hello."]])], embedded)
    await models.open(grow)
    await trio.sleep(60.0)
    await models.generate()
    assert embedded.pool.starts == 0
    assert models.statistics().pool is None


async def test_the_embedded_model_is_started_when_the_other_leaves(grow: Grow, autojump_clock: MockClock) -> None:
    ollama, embedded = FakeModel("ollama"), FakeEmbedded(FakeModel("embedded", [["Hello."]]))
    models = Models([ollama], embedded)
    await models.open(grow)
    ollama.is_up = False
    await trio.sleep(16.0)
    assert embedded.pool.starts == 1
    assert (await models.generate()).provider == "embedded"


async def test_an_embedded_model_that_is_down_is_told(grow: Grow, autojump_clock: MockClock) -> None:
    embedded = FakeEmbedded(FakeModel("embedded"), trouble=PoolUnavailable("it died", 1.0))
    models = Models([], embedded)
    await models.open(grow)
    with pytest.raises(ModelUnavailable, match="the embedded model is not ready: it died"):
        await models.generate()


async def test_an_embedded_model_that_is_down_delays_no_other(grow: Grow, autojump_clock: MockClock) -> None:
    ollama = FakeModel("ollama", [["Hello."]], is_up=False)
    embedded = FakeEmbedded(FakeModel("embedded"), trouble=PoolUnavailable("it died", 1.0))
    models = Models([ollama], embedded)
    await models.open(grow)
    ollama.is_up = True
    await trio.sleep(16.0)
    assert (await models.generate()).provider == "ollama"
    assert embedded.pool.jobs == []


async def test_a_new_process_of_the_embedded_model_has_a_new_address(grow: Grow, autojump_clock: MockClock) -> None:
    embedded = FakeEmbedded(FakeModel("embedded", [["a"], ["b"], ["c"]]))
    models = Models([], embedded)
    await models.open(grow)
    await models.generate()
    await models.generate()
    assert len(embedded.urls) == 1, "the same process keeps its connection"
    embedded.address = "http://127.0.0.1:2"
    await models.generate()
    assert embedded.urls == ["http://127.0.0.1:1", "http://127.0.0.1:2"]


async def test_all_connections_are_closed_at_the_end(grow: Grow, autojump_clock: MockClock) -> None:
    ollama, embedded = FakeModel("ollama", is_up=False), FakeEmbedded(FakeModel("embedded", [["Hello."]]))
    models = Models([ollama], embedded)
    await models.open(grow)
    await models.generate()
    await models.tree.ref.ask(TerminateChild("inference"))
    assert (ollama.is_closed, embedded.model.is_closed) == (True, True)


async def test_an_embedded_model_that_does_not_start_later_on_is_tried_again_and_ends_nothing(
    grow: Grow, autojump_clock: MockClock
) -> None:
    ollama, embedded = FakeModel("ollama"), FakeEmbedded(FakeModel("embedded", [["Hello."]]))
    models = Models([ollama], embedded)
    await models.open(grow)
    ollama.is_up = False
    embedded.pool.start_failure = StartFailure("the model is damaged")
    await trio.sleep(2.5 * models.settings.recheck_s)
    assert embedded.pool.starts == 2
    with pytest.raises(ModelUnavailable, match="no language model is available"):
        await models.generate()

    embedded.pool.start_failure = None

    assert (await models.generate()).text == "Hello."
    assert models.tree.status().children[-1].incarnation == 1


async def test_models_that_answer_no_more_are_a_trouble_until_one_does(grow: Grow, autojump_clock: MockClock) -> None:
    model = FakeModel("ollama", is_up=False)
    models = Models([model])
    await models.open(grow)
    seen = []
    for model.is_up in (False, True, False, True):
        await trio.sleep(1.5 * models.settings.recheck_s)
        seen.append(models.statistics().trouble)
    assert seen == [None, None, "no language model answers: ollama", None]
