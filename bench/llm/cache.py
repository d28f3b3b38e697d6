"""The gain of the response cache: the embedded model's answers with and without it, question by question.

Questions come as people ask them: a few again and again, most once (Zipf's law), by several users, some within a
conversation. Each is answered without the cache and then with it, in one run; read the ratio. The real embedded
model answers in its own process, at temperature 0.

    sayso bench cache --questions 60
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from backends.jobs import LocateModel
from backends.llm import llamacpp
from backends.llm.response_cache import CacheSettings, ResponseCache
from backends.protocols import LanguageModel
from bench.part import Flag, Part, Report
from config.load import load
from protocol.messages.understanding import ChatMessage, CompletionRequest, Generate, Generation
from runtime.workers.pool import Pool, WorkerSpec

SYSTEM = ChatMessage("system", "You are a helpful voice assistant. Answer in one short spoken sentence.")
THINGS = ("France", "Spain", "Italy", "Norway", "Japan", "Egypt", "Peru", "Canada", "Kenya", "India", "Chile", "Greece")
FORMS = ("What is the capital of {}?", "What do people eat in {}?", "Tell me one fact about {}.")
USERS = ("anna", "ben", "cleo", "dora")
IN_A_CONVERSATION = 0.25  # of the questions; their answers are not shared
MAX_TOKENS = 32


@attrs.frozen
class Row:
    """One question, answered twice."""

    without_s: float
    with_s: float
    found: str


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Answer each question twice."""
    report = _report(trio.run(_answered, options.questions, options.seed))
    print(json.dumps(report, indent=1))
    yield report


async def _answered(count: int, seed: int) -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load(None, {"HOME": folder, "SAYSO_INFERENCE__TEMPERATURE": "0"}, {}).settings.inference
        params = llamacpp.worker_params(settings, Path(folder))
        spec = WorkerSpec(name="llm", target="backends.llm.llamacpp:LlamaWorker", params=params)
        pool = Pool(spec, 1)
        async with trio.open_nursery() as nursery:
            await nursery.start(pool.run)
            address, _ = await pool.call(LocateModel(), timeout_s=10.0)
            model = llamacpp.connect(settings, address.url)
            rows = [row async for row in _rows(model, list(_questions(count, random.Random(seed))))]
            await model.aclose()
            nursery.cancel_scope.cancel()
    return rows


async def _rows(model: LanguageModel, questions: list[Generate]) -> Any:
    cache = ResponseCache(
        CacheSettings(
            ttl_s=3_600.0,
            max_entries=1_000,
            is_compressed=True,
            parameters={},
            is_deterministic=True,
            tasks=frozenset(),
        )
    )
    for number, question in enumerate(questions, start=1):
        make = partial(_ask, model, question)
        started_s = time.perf_counter()
        await make()
        between_s = time.perf_counter()
        _, found = await cache.answer(question, make)
        yield Row(between_s - started_s, time.perf_counter() - between_s, found)
        print(f"\r{number} of {len(questions)}", end="", file=sys.stderr)
    print(file=sys.stderr)


async def _ask(model: LanguageModel, question: Generate) -> Generation:
    return await model.generate(CompletionRequest(question.messages, question.text_sink, MAX_TOKENS))


def _questions(count: int, rng: random.Random) -> Iterator[Generate]:
    texts = [form.format(thing) for form in FORMS for thing in THINGS]
    rng.shuffle(texts)
    weights = [1 / rank for rank in range(1, len(texts) + 1)]
    for text in rng.choices(texts, weights, k=count):
        user = rng.choice(USERS)
        history = (
            (ChatMessage("user", f"I am {user}."), ChatMessage("assistant", "Nice to meet you."))
            if rng.random() < IN_A_CONVERSATION
            else ()
        )
        yield Generate(user, (SYSTEM, *history, ChatMessage("user", text)), NullSink())


class NullSink:
    """A text sink that discards."""

    async def send(self, _text: str, /) -> None:
        """Discard the metric."""
        await trio.lowlevel.checkpoint()


def _report(rows: list[Row]) -> dict[str, Any]:
    found = Counter(row.found for row in rows)
    hits = [row for row in rows if row.found != "miss"]
    return {
        "questions": len(rows),
        "hit_ratio": round(len(hits) / len(rows), 3),
        "found": dict(found),
        "mean_ms": {
            "without": round(1000 * statistics.fmean(row.without_s for row in rows), 1),
            "with": round(1000 * statistics.fmean(row.with_s for row in rows), 1),
        },
        "median_ms_of_hits": {
            "without": round(1000 * statistics.median(row.without_s for row in hits), 2) if hits else None,
            "with": round(1000 * statistics.median(row.with_s for row in hits), 3) if hits else None,
        },
    }


PART: Final = Part("cache", measure, (Flag("--questions", 60), Flag("--seed", 1)), ("xllamacpp",))
