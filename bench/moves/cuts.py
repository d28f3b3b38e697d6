"""A client's connection is cut at random bytes while it speaks: words, calls and answers must be those of an uncut run.

A TCP proxy of ours between a client and a server cuts after a byte that the seed draws, of what the client sends or of
what it gets: in the middle of a frame, with bytes on the way, and at once or after half a second in which nothing
passes. The client comes back by itself. Each run is a session in which one order is said; what was called is known by
the ledger of the tool server. A run whose words are not transcribed in time, on a busy machine, is made again.

    sayso bench cuts                 100 runs, some 10 seconds each
    sayso bench cuts --count 5       fewer
"""

import argparse
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs
import trio

from bench.load.chaos import plain
from bench.load.figures import percentile, rounded
from bench.load.options import SEED
from bench.load.records import Clip
from bench.load.server import running
from bench.moves.cutting import Cut, CuttingProxy, Traffic, cutting_proxy, draw_cuts
from bench.moves.orders import Entry, by_session, entries, made_twice, orders, wanted, write_config
from bench.moves.speakers import History, Saying, Speaker
from bench.part import Flag, Part, Report, at_least_one
from bench.report import table
from sayso_client import Capability

CAPABILITIES: Final[tuple[Capability, ...]] = ("stt", "llm", "tools", "tts")
SETTINGS: Final[Mapping[str, object]] = {"speech.provider": "piper", "load.enabled": False}
LONGEST_WAIT_S: Final = 2.0
TRIES: Final = 3  # of a run that the machine was too busy for
FIGURES: Final = (
    "runs",
    "not transcribed in time, and repeated",
    "cuts",
    "words different",
    "calls twice",
    "calls missing",
    "answers lost",
    "median wait after one cut, ms",
    "longest wait after one cut, ms",
    "longest wait after up to three, ms",
)


@attrs.define
class Uncut:
    """What comes of a clip when nothing is cut."""

    text: str
    tools: list[str]
    replies: list[str]
    traffic: Traffic


@attrs.define
class Run:
    """One run: its cuts and what differs from the uncut one."""

    clip: str
    cuts: list[Cut]
    made: int
    """How many of the cuts were made: a run may be over before the others."""
    waits_s: list[float]
    heard: list[str]
    wrong_words: bool
    calls_twice: int
    calls_missing: bool
    lost_answer: bool
    too_slow: bool = False
    """Whether the words were not transcribed in time, as on a machine that is busy with other things."""
    trouble: str = ""
    events: list[str] = attrs.field(factory=list)
    """Of a run in which something differs."""

    @property
    def is_different(self) -> bool:
        """Whether anything differs from the uncut run."""
        is_wrong = self.wrong_words or self.calls_missing or self.lost_answer
        return bool(is_wrong or self.calls_twice or self.trouble)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Speak every order once uncut, then again and again with cuts."""
    clips = orders()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(SETTINGS, config=write_config(folder)) as server:
            count, seed = options.count, options.seed
            runs = trio.run(cut_runs, server.port, lambda proxy: Runs(proxy, folder).make(clips, count, seed))
    report = figures(runs)
    table("cut connections", ("figure",), [[name, str(report[name])] for name in FIGURES])
    for line in report["missed"]:
        print(f"  {line}")
    each = [attrs.evolve(run, events=run.events if run.is_different else []) for run in runs]
    yield {**report, "each": [attrs.asdict(run) for run in each]}


@attrs.frozen
class Runs:
    """Makes runs, through one proxy."""

    proxy: CuttingProxy
    folder: Path
    """Of the ledger."""
    capabilities: tuple[Capability, ...] = CAPABILITIES

    async def make(self, clips: Sequence[Clip], count: int, seed: int) -> list[Run]:
        """Return ``count`` runs, each with one of the clips, and those that the machine was too slow for."""
        rng = Random(seed)
        runs: list[Run] = []
        known = {clip.name: await self.uncut(clip) for clip in clips}
        for number in range(count):
            clip, drawn = clips[number % len(clips)], rng.random()
            for _ in range(TRIES):
                runs.append(await self.cut(clip, known[clip.name], Random(drawn)))
                if not runs[-1].too_slow:
                    break
            if (number + 1) % 10 == 0:
                print(f"  {number + 1} of {count} runs", flush=True)
        return runs

    async def uncut(self, clip: Clip) -> Uncut:
        """Say a clip without any cut; exits where it is not answered, or without the call that it wants."""
        speaker, traffic = self._speaker(Random(1)), Traffic(0, 0)

        def keep() -> None:
            nonlocal traffic
            traffic = self.proxy.traffic()

        await speaker.talk([clip], lambda: self.proxy.arm([]), keep)
        (said,) = speaker.history.said or (Saying(clip.name, 0.0),)
        if not said.is_answered or (wanted(clip.name) is not None and said.tools != ["enter"]):
            raise SystemExit(f"an uncut run was not answered: {clip.name!r}: {said}, {speaker.history.trouble}")
        return Uncut(said.texts[0], said.tools, said.replies, traffic)

    async def cut(self, clip: Clip, known: Uncut, rng: Random) -> Run:
        """Say a clip while the connection is cut."""
        cuts, before = draw_cuts(rng, known.traffic), self.proxy.made
        speaker = self._speaker(rng)
        await speaker.talk([clip], lambda: self.proxy.arm(cuts))
        self.proxy.cuts = []  # of a run that was over before them
        made = self.proxy.made - before
        return judged(clip.name, cuts, speaker.history, known, entries(self.folder), made=made)

    def _speaker(self, rng: Random) -> Speaker:
        return Speaker(f"ws://127.0.0.1:{self.proxy.port}/ws", self.capabilities, rng)


async def cut_runs(port: int, work: Callable[[CuttingProxy], Awaitable[list[Run]]]) -> list[Run]:
    """Return the runs that ``work`` makes through a proxy before a server's port."""
    async with cutting_proxy(port) as proxy:
        return await work(proxy)


def judged(clip: str, cuts: list[Cut], history: History, known: Uncut, ledger: Sequence[Entry], *, made: int) -> Run:
    """Return what differs from the uncut run."""
    (said,) = history.said
    calls = [entry for session in history.sessions for entry in by_session(ledger).get(session, ())]
    twice = len(made_twice([(clip, said.begun_s)], calls)) + len(said.call_ids) - len(known.tools)
    return Run(
        clip,
        cuts,
        made,
        [round(wait_s, 3) for wait_s in history.waits_s],
        said.texts,
        wrong_words=[plain(text) for text in said.texts] != [plain(known.text)],
        calls_twice=max(0, twice),
        calls_missing=len(said.call_ids) < len(known.tools),
        lost_answer=said.replies[:1] != known.replies[:1] or not said.is_answered,
        too_slow=not said.texts and "failed" in said.outcomes.values(),
        trouble=trouble_of(history, said),
        events=history.events,
    )


def trouble_of(history: History, said: Saying) -> str:
    """Return in words what went wrong besides; empty if nothing did."""
    told = [history.trouble, *history.errors, *(["it was taken for somebody new"] if history.forgotten else [])]
    told += [] if said.is_answered else [f"turns: {said.outcomes or 'none'}, {said.no_speech}"]
    return "; ".join(filter(None, told))


def figures(every: Sequence[Run]) -> dict[str, Any]:
    """Return the figures of the runs; those that the machine was too slow for are counted by themselves."""
    runs = [run for run in every if not run.too_slow]
    once_s = [wait_s for run in runs for wait_s in run.waits_s if run.made == 1]
    all_s = [wait_s for run in runs for wait_s in run.waits_s]
    different = [
        f"{run.clip!r} was heard as {run.heard}; {run.cuts}; {run.trouble}" for run in runs if run.is_different
    ]
    late = [f"a client that was cut once waited {max(once_s)} s"] if max(once_s, default=0.0) > LONGEST_WAIT_S else []
    counted = (
        len(runs),
        len(every) - len(runs),
        sum(run.made for run in runs),
        sum(run.wrong_words for run in runs),
        sum(run.calls_twice for run in runs),
        sum(run.calls_missing for run in runs),
        sum(run.lost_answer for run in runs),
        rounded(percentile(once_s, 50) * 1_000),
        rounded(percentile(once_s, 100) * 1_000),
        rounded(percentile(all_s, 100) * 1_000),
    )
    return {**dict(zip(FIGURES, counted, strict=True)), "missed": [*different, *late]}


PART: Final = Part("cuts", measure, (SEED, Flag("--count", 100, "runs", at_least_one)))
