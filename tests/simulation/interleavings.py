"""Runs in which everything happens that may get in each other's way: each caller is interrupted and interrupts.

Every run has a barge-in, an interrupt, typed words, a question for consent, a worker that dies and a model that is
slow, in an order and at times that are drawn; ``struck`` tells which of them have met a turn.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from tests.simulation.callers import Caller, Step
from tests.simulation.clients import Heard
from tests.simulation.faults import Fault
from tests.simulation.seams import stream
from tests.simulation.world import Plan, Report

LETTER_BYTES: Final = 1_000  # 31 ms: an answer of one sentence lasts long enough to be cut off
CUT_FRAMES: Final = (25, 50)  # of 16 ms: longer than a cough, so that it counts
FAULTS_UNTIL_S: Final = 12.0
CONSENTS: Final = (("yes", "no", "aloud", "never"), (5, 3, 3, 1))
INGREDIENTS: Final = ("barge-in", "interrupt", "text", "confirm", "worker crash", "slow model")


def plan_interleaving(seed: int) -> Plan:
    """Draw one or two callers, each with all that a caller can do, and faults in the midst of it."""
    rng = stream(seed, "interleaving")
    sayings: dict[int, str] = {}
    numbers = iter(range(1, 1_000))
    callers = tuple(_draw_caller(rng, f"caller{at}", numbers, sayings) for at in range(rng.choice((1, 1, 1, 2))))
    return Plan(seed, callers, sayings, _draw_faults(rng), "idle", 0.0, LETTER_BYTES)


def struck(report: Report) -> Counter[str]:
    """Count, over all callers, what has met a turn."""
    found = Counter(dict.fromkeys(INGREDIENTS, 0))
    for client in report.clients:
        found["barge-in"] += sum(_is_cut_by_voice(client.heard, turn_id) for turn_id in _interrupted(client.heard))
        found["interrupt"] += sum(_is_cut_by_hand(client.heard, turn_id) for turn_id in _interrupted(client.heard))
        found["text"] += sum(kind == "text" for _, kind in client.heard.did)
        found["confirm"] += len(client.heard.of("confirm_request"))
    weather = report.weather.struck
    found["worker crash"] = weather["whisper:dies"] + weather["piper:dies"]
    found["slow model"] = weather["model:slow"]
    return found


# --- drawing -------------------------------------------------------------------------------------


def _draw_caller(rng: random.Random, name: str, numbers: Iterator[int], sayings: dict[int, str]) -> Caller:
    def step(kind: str, verb: str, pause_s: float) -> Step:
        number = next(numbers)
        sayings[number] = f"{verb} {number}"
        return Step(kind, number, rng.randint(*CUT_FRAMES), rng.random() < 0.3, pause_s=pause_s)

    def ask(verb: str) -> Step:
        return step(rng.choice(("say", "text")), verb, rng.uniform(0.0, 2.0))

    scenes: list[list[Step]] = [
        [attrs.evolve(ask("ask"), is_awaited=False), step("cut in", rng.choice(("ask", "do")), rng.uniform(0.0, 0.6))],
        [attrs.evolve(ask("ask"), is_awaited=False), Step("interrupt", pause_s=rng.uniform(0.0, 3.0))],
        [step("text", rng.choice(("ask", "read", "do")), rng.uniform(0.0, 3.0))],
        [ask("act")],
    ]
    rng.shuffle(scenes)
    return Caller(
        name=name,
        starts_s=round(rng.uniform(0.0, 1.0), 3),
        steps=tuple(step for scene in scenes for step in scene),
        end=rng.choices(("bye", "hasty", "stay"), (6, 2, 1))[0],
        consents=rng.choices(*CONSENTS)[0],
        capabilities=("stt", "llm", "tools", "tts"),
    )


def _draw_faults(rng: random.Random) -> tuple[Fault, ...]:
    kinds = [(rng.choice(("whisper", "piper")), "dies"), ("model", "slow")]
    kinds += [rng.choice(kinds) for _ in range(rng.randint(0, 2))]
    faults = [Fault(round(rng.uniform(0.0, FAULTS_UNTIL_S), 3), "weather", part, how) for part, how in kinds]
    return tuple(sorted(faults, key=lambda fault: fault.at_s))


# --- counting ------------------------------------------------------------------------------------


def _interrupted(heard: Heard) -> Iterator[str]:
    return (data["turn_id"] for data in heard.of("turn_completed") if data["outcome"] == "interrupted")


def _is_cut_by_voice(heard: Heard, turn_id: str) -> bool:
    """Whether speech began between the first sound of that turn and its end, and nothing was typed or pressed then."""
    begun, ended = _at(heard, "speech_audio_start", turn_id), _at(heard, "turn_completed", turn_id)
    if begun is None or ended is None:
        return False
    others = {name for _, name, _ in heard.log[begun:ended]}
    return "speech_started" in others and not _did(heard, lambda at, kind: begun < at <= ended and kind != "confirm")


def _is_cut_by_hand(heard: Heard, turn_id: str) -> bool:
    """Whether an interrupt was sent just before that turn ended."""
    ended = _at(heard, "turn_completed", turn_id)
    return ended is not None and _did(heard, lambda at, kind: kind == "interrupt" and ended - 3 <= at <= ended)


def _did(heard: Heard, is_meant: Callable[[int, str], bool]) -> bool:
    return any(is_meant(at, kind) for at, kind in heard.did)


def _at(heard: Heard, kind: str, turn_id: str) -> int | None:
    log = enumerate(heard.log)
    return next((at for at, (_, name, data) in log if name == kind and data.get("turn_id") == turn_id), None)
