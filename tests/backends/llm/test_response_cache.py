import random
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from backends.llm.response_cache import CacheSettings, ResponseCache, cache_key
from protocol.messages.understanding import ChatMessage, Generate, Generation, ModelToolCall, ToolSpec
from tests.fake_shared import FakeShared, SharedMemory
from tests.fakes import FakeSink

SETTINGS = CacheSettings(
    ttl_s=60.0,
    max_entries=3,
    is_compressed=True,
    parameters={"model": "llama3.2", "top_p": 0.9},
    is_deterministic=True,
    tasks=frozenset({"faq"}),
)


def asked(text: str = "What is the capital of France?", session_id: str = "anna", **more: Any) -> Generate:
    return Generate(session_id, (ChatMessage("system", "Be short."), ChatMessage("user", text)), FakeSink(), **more)


def with_history(session_id: str) -> Generate:
    messages = (
        ChatMessage("system", "Be short."),
        ChatMessage("user", "I live in Berlin."),
        ChatMessage("assistant", "Good."),
        ChatMessage("user", "Where do I live?"),
    )
    return Generate(session_id, messages, FakeSink())


@attrs.define(eq=False)
class Model:
    """Makes answers, and counts how often it was asked."""

    text: str = "Paris."
    delay_s: float = 0.0
    calls: tuple[ModelToolCall, ...] = ()
    trouble: list[Exception] = attrs.field(factory=list)
    asked: int = 0

    async def make(self) -> Generation:
        self.asked += 1
        await trio.sleep(self.delay_s)
        if self.trouble:
            raise self.trouble.pop(0)
        return Generation(self.text, self.calls, "fake", "tiny", 7, 3, 0.25)


# --- the key -------------------------------------------------------------------------------------


def test_the_same_question_has_the_same_key_however_it_is_written():
    key = cache_key(asked(), SETTINGS)

    assert key is not None
    assert cache_key(asked("what is  the capital of france"), SETTINGS) == key
    assert cache_key(asked(session_id="ben"), SETTINGS) == key, "a bare question's answer is its user's"
    assert cache_key(asked(user="cleo"), SETTINGS) != key


@pytest.mark.parametrize(
    "other",
    [
        asked("What is the capital of Spain?"),
        asked(max_tokens=5),
        asked(task="faq"),
        asked(tools=(ToolSpec("house", "lamp", "", {}),)),
        Generate("anna", (ChatMessage("user", "What is the capital of France?"),), FakeSink()),
    ],
)
def test_another_question_has_another_key(other):
    assert cache_key(other, SETTINGS) != cache_key(asked(), SETTINGS)


def test_another_model_has_another_key():
    assert cache_key(asked(), attrs.evolve(SETTINGS, parameters={"model": "mistral"})) != cache_key(asked(), SETTINGS)


def test_a_conversation_s_answer_belongs_to_its_own_session():
    assert cache_key(with_history("anna"), SETTINGS) == cache_key(with_history("anna"), SETTINGS)
    assert cache_key(with_history("anna"), SETTINGS) != cache_key(with_history("ben"), SETTINGS)


def test_two_users_never_share_an_answer_that_depends_on_their_context():
    rng = random.Random(7)
    words = ["lamp", "door", "Berlin", "tea", "yes", "no"]
    seen: dict[bytes, str] = {}
    for _ in range(2_000):
        session_id = rng.choice(["anna", "ben", "cleo"])
        turns = rng.randint(0, 3)
        messages = [ChatMessage("system", "Be short.")]
        for _turn in range(turns):
            messages += [ChatMessage("user", rng.choice(words)), ChatMessage("assistant", rng.choice(words))]
        messages.append(ChatMessage("user", rng.choice(words)))
        key = cache_key(Generate(session_id, tuple(messages), FakeSink()), SETTINGS)
        assert key is not None
        owner = seen.setdefault(key, session_id if turns else "anybody")
        assert owner == (session_id if turns else "anybody")


def test_random_answers_are_kept_for_named_tasks_only():
    random_ones = attrs.evolve(SETTINGS, is_deterministic=False)

    assert cache_key(asked(), random_ones) is None
    assert cache_key(asked(task="poetry"), random_ones) is None
    assert cache_key(asked(task="faq"), random_ones) is not None


def test_what_a_tool_said_is_news():
    message = asked()
    told = attrs.evolve(message, messages=(*message.messages, ChatMessage("tool", "20 degrees", tool_call_id="1")))

    assert cache_key(told, SETTINGS) is None


# --- the cache -----------------------------------------------------------------------------------


async def test_a_kept_answer_is_spoken_and_costs_no_tokens(autojump_clock: MockClock) -> None:
    cache, model, sink = ResponseCache(SETTINGS), Model(), FakeSink[str]()
    first = await cache.answer(asked(), model.make)
    second = await cache.answer(attrs.evolve(asked(session_id="ben"), text_sink=sink), model.make)
    assert first == (Generation("Paris.", (), "fake", "tiny", 7, 3, 0.25), "miss")
    assert second == (Generation("Paris.", (), "fake", "tiny", is_cached=True), "hit")
    assert (sink.parts, model.asked) == (["Paris."], 1)


async def test_an_answer_is_forgotten_after_its_time(autojump_clock: MockClock) -> None:
    cache, model = ResponseCache(SETTINGS), Model()
    await cache.answer(asked(), model.make)
    await trio.sleep(61.0)
    assert (await cache.answer(asked(), model.make))[1] == "miss"
    assert model.asked == 2


async def test_the_answer_that_was_not_wanted_for_longest_makes_room(autojump_clock: MockClock) -> None:
    cache, model = ResponseCache(SETTINGS), Model()
    for text in ("a", "b", "c"):
        await cache.answer(asked(text), model.make)
    await cache.answer(asked("a"), model.make)
    await cache.answer(asked("d"), model.make)
    assert len(cache) == 3
    assert (await cache.answer(asked("a"), model.make))[1] == "hit"
    assert (await cache.answer(asked("b"), model.make))[1] == "miss"


@pytest.mark.parametrize("is_compressed", [True, False])
async def test_a_long_answer_comes_back_as_it_was(autojump_clock: MockClock, is_compressed: bool) -> None:
    model = Model(text="Straße, naïve, 東京. " * 200)
    cache = ResponseCache(attrs.evolve(SETTINGS, is_compressed=is_compressed))
    await cache.answer(asked(), model.make)
    assert (await cache.answer(asked(), model.make))[0].text == model.text


async def test_of_many_equal_questions_at_once_one_is_sent_to_the_model(autojump_clock: MockClock) -> None:
    cache, model, found = ResponseCache(SETTINGS), Model(delay_s=2.0), []

    async def ask() -> None:
        found.append((await cache.answer(asked(), model.make))[1])

    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(ask)
    assert model.asked == 1
    assert sorted(found) == ["joined"] * 9 + ["miss"]


async def test_if_the_one_fails_the_others_ask_themselves(autojump_clock: MockClock) -> None:
    cache, model, found = ResponseCache(SETTINGS), Model(delay_s=2.0, trouble=[ValueError("down")]), list[str]()

    async def ask() -> None:
        try:
            found.append((await cache.answer(asked(), model.make))[1])
        except ValueError:
            found.append("failed")

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
    assert sorted(found) == ["failed", "miss", "miss"]
    assert model.asked == 3


async def test_a_cancelled_question_does_not_leave_the_others_waiting(autojump_clock: MockClock) -> None:
    cache, model = ResponseCache(SETTINGS), Model(delay_s=5.0)
    async with trio.open_nursery() as nursery:
        with trio.move_on_after(1.0):
            nursery.start_soon(cache.answer, asked(), model.make)
            await cache.answer(asked(), model.make)
    with trio.fail_after(6.0):
        assert (await cache.answer(asked(), model.make))[1] == "hit"


async def test_an_answer_that_acts_is_not_kept(autojump_clock: MockClock) -> None:
    cache, model = ResponseCache(SETTINGS), Model(calls=(ModelToolCall("c", "lamp", {}),))
    for _ in range(2):
        assert (await cache.answer(asked(), model.make))[1] == "miss"
    assert len(cache) == 0


async def test_an_empty_answer_is_not_kept(autojump_clock: MockClock) -> None:
    cache, model = ResponseCache(SETTINGS), Model(text="")
    await cache.answer(asked(), model.make)
    assert len(cache) == 0


async def test_replicas_share_their_answers_and_do_without_a_store_that_fails(autojump_clock: MockClock):
    memory, model = SharedMemory(), Model()

    async def found_by_another_replica() -> str:
        return (await ResponseCache(SETTINGS, FakeShared(memory)).answer(asked(), model.make))[1]

    assert [await found_by_another_replica() for _ in range(2)] == ["miss", "hit"]
    memory.trouble = "dead"
    assert await found_by_another_replica() == "miss"
    memory.trouble = ""
    for key in memory.answers:
        memory.answers[key] = (1e9, b"what another version wrote")
    assert await found_by_another_replica() == "miss"
    assert model.asked == 3
