"""The kinds of load whose capacity is searched: speaking callers, silent sessions, open microphones, spoken answers."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from bench.capacity.silent import Silence, hold
from bench.guide.voice import EVERY_S, plan
from bench.load.arrivals import poisson
from bench.load.callers import RATE_HZ, Crowds
from bench.load.clips import deal
from bench.load.figures import percentile, rounded, turns
from bench.load.records import Call, Clip, Plan
from bench.text import error_rate, plain_words

PERCENTS: Final = (50, 95, 99)
SAME: Final = {
    "12": "twelve",
    "7": "seven",
    "15": "fifteen",
    "80": "eighty",
    "5": "five",
    "2": "two",
    "kilometres": "kilometers",
    "x": "times",
}
"""How recognisers write words of the sentences that are spoken."""
COMMANDS: Final = 2
"""That each open microphone hears in a step."""


@attrs.frozen
class Scene:
    """What a load is made of."""

    crowds: Crowds
    clips: Sequence[Clip]
    step_s: float
    seed: int
    has_words: bool = False
    """Whether the names of the clips are what is said in them."""


@attrs.frozen
class Kind:
    """One kind of load."""

    title: str
    unit: str
    """Of the load."""
    latency: str
    """What is measured, in words."""
    first: float
    growth: float
    most: float
    target_ms: float
    offer: Callable[[Scene, str, float], Mapping[str, Any]]
    """Offers a load to an address, and returns the figures."""
    sockets: Callable[[Scene, float], int]
    """How many connections of the client are open at most."""
    is_whole: bool = False
    settings: Mapping[str, object] = {}
    """Of our server."""
    has_peer: bool = True
    """Whether the guide's design does it at all."""


# --- callers -------------------------------------------------------------------------------------


def _calls(capabilities: Sequence[Any], stage: str) -> Callable[[Scene, str, float], dict[str, Any]]:
    def offer(scene: Scene, url: str, rate_per_s: float) -> dict[str, Any]:
        rng = random.Random(scene.seed)
        arrivals = poisson(rate_per_s, scene.step_s, rng)
        clips = deal(scene.clips, len(arrivals), 1, rng)
        calls = scene.crowds.run(Plan(url, arrivals, clips, capabilities=tuple(capabilities)))
        mean_s = sum(len(clip.pcm) for one in clips for clip in one) / 2 / RATE_HZ / len(arrivals)
        words = {"words_wrong": words_wrong(calls)} if scene.has_words else {}
        return figures(calls, stage) | words | {"sessions": round(rate_per_s * mean_s, 1)}

    return offer


def _microphones(scene: Scene, url: str, sessions: float) -> dict[str, Any]:
    calls = scene.crowds.run(plan(url, scene.clips, round(sessions), COMMANDS))
    return figures(calls, "transcript") | {"sessions": sessions}


def words_wrong(calls: Sequence[Call]) -> str:
    """Return how many words of the transcripts are wrong, of how many that were said; digits stand for number words."""
    pairs = [
        (plain_words(turn.name, SAME), plain_words(" ".join(turn.transcripts), SAME))
        for turn in turns(calls)
        if turn.transcripts
    ]
    said = sum(len(expected) for expected, _ in pairs)
    return f"{round(error_rate(pairs) * said)} of {said}"


def figures(calls: Sequence[Call], stage: str) -> dict[str, Any]:
    """Return the figures of calls; latencies from the last voice to the first event of a stage, in ms."""
    times_ms = [turn.client_ms[stage] for turn in turns(calls) if stage in turn.client_ms]
    return {
        "offered": len(calls),
        "served": sum(call.result == "served" for call in calls),
        "refused": sum(call.result == "refused" for call in calls),
        "lost": sum(call.result == "lost" for call in calls),
        **{f"p{percent}_ms": rounded(percentile(times_ms, percent)) for percent in PERCENTS},
        "caller_late_p95_ms": rounded(percentile([call.late_ms for call in calls], 95)),
        "troubles": sorted({call.trouble for call in calls if call.trouble})[:5],
    }


# --- silent sessions -----------------------------------------------------------------------------


def _silent(scene: Scene, url: str, sessions: float) -> dict[str, Any]:
    return silent_figures(scene.crowds.apply(hold, url, round(sessions), scene.step_s)) | {"sessions": sessions}


def silent_figures(found: Silence) -> dict[str, Any]:
    """Return the figures of silent sessions; latencies from a ping to its pong, in ms."""
    return {
        "offered": found.wanted,
        "served": found.served,
        "refused": found.refused,
        "lost": found.wanted - found.served - found.refused,
        **{f"p{percent}_ms": rounded(percentile(found.pongs_ms, percent)) for percent in PERCENTS},
        "troubles": sorted(set(found.troubles))[:5],
    }


# --- the table -----------------------------------------------------------------------------------


def _of_callers(scene: Scene, rate_per_s: float) -> int:
    return max(1, round(rate_per_s * scene.step_s))  # all of a step, where none is answered


def _of_sessions(_scene: Scene, sessions: float) -> int:
    return round(sessions)


_CALLER: Final = ("stt", "llm", "tools")
KINDS: Final[Mapping[str, Kind]] = {
    "commands": Kind(
        title="callers who speak one command",
        unit="callers a second",
        latency="last voice to transcript",
        first=1.0,
        growth=1.5,
        most=60.0,
        target_ms=1_500.0,
        offer=_calls(_CALLER, "transcript"),
        sockets=_of_callers,
    ),
    "idle": Kind(
        title="silent sessions",
        unit="sessions",
        latency="ping to pong",
        first=100,
        growth=2.0,
        most=3_200,
        target_ms=50.0,
        offer=_silent,
        sockets=_of_sessions,
        is_whole=True,
        settings={"gateway.websocket.max_connections": 4_000, "session.idle_timeout_s": 3_600},
    ),
    "microphones": Kind(
        title=f"microphones that are always on, a command every {EVERY_S:g} s",
        unit="sessions",
        latency="last voice to transcript",
        first=8,
        growth=1.5,
        most=400,
        target_ms=1_500.0,
        offer=_microphones,
        sockets=_of_sessions,
        is_whole=True,
    ),
    "spoken": Kind(
        title="callers who get a spoken answer",
        unit="callers a second",
        latency="last voice to first sound",
        first=0.5,
        growth=1.5,
        most=20.0,
        target_ms=3_000.0,
        offer=_calls((*_CALLER, "tts"), "first_audio"),
        sockets=_of_callers,
        settings={"speech.provider": "piper"},
        has_peer=False,
    ),
}
