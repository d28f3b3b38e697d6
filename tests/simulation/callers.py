"""The scripts of simulated callers, drawn from a seed; ``clients.py`` follows them."""

import random
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from tests.simulation.wire import CUT

VERBS: Final = ("do", "ask", "read", "act")
VOICE_FRAMES: Final = (16, 40)  # of 16 ms
COUGH_FRAMES: Final = (4, 30)
WAKE_SHARE: Final = 0.2  # of the callers
CLOSE_CODES: Final = (CUT, CUT, CUT, 1001, 1005, 3001, 4999)  # by which a client loses its socket, and does not leave


@attrs.frozen
class Step:
    """One thing that a client does."""

    kind: str
    """``say``, ``press``, ``text``, ``cut in`` (say, as soon as an answer is heard), ``interrupt``, ``ping``,
    ``nonsense``, ``stall`` or ``trail off``."""
    number: int = 0
    frames: int = 0
    is_awaited: bool = True
    """Whether the client waits for the end of the turn before the next step."""
    cough_frames: int = 0
    """How long it coughs into the answer, if it does."""
    pause_s: float = 0.0
    """How long it waits before it does this."""


@attrs.frozen
class Caller:
    """A client's script."""

    name: str
    starts_s: float
    steps: tuple[Step, ...]
    end: str
    """``bye``, ``hasty`` (a bye in the middle of whatever goes on), ``cut`` or ``stay``."""
    consents: str
    """``yes``, ``no``, ``aloud`` or ``never``."""
    capabilities: tuple[str, ...]
    vanishes: tuple[tuple[float, float], ...] = ()
    """When it loses its socket, in seconds after it came, and how long it takes to come back."""
    losses: tuple["Loss", ...] = ()
    """How it loses its socket each time; cut, and back at the first try, where nothing is said."""
    wake: str = ""
    """The wake word that it says before each command, if it has one."""

    @property
    def options(self) -> dict[str, Any]:
        """What it asks for in each ``connection_request``."""
        return {"client_id": self.name, "capabilities": self.capabilities} | ({"wake": self.wake} if self.wake else {})


@attrs.frozen
class Loss:
    """One time that a client loses its socket."""

    close_code: int = CUT
    """What it closes the socket with; 1006 is no close frame."""
    lost_answers_s: tuple[float, ...] = ()
    """How long each try to come back lasts that is cut before its answer is read."""


def plan_losses(caller: Caller, rng: random.Random) -> Caller:
    """Draw how a caller loses its sockets."""
    losses = [
        Loss(
            close_code=rng.choice(CLOSE_CODES),
            lost_answers_s=tuple(round(rng.uniform(0.0, 0.8), 3) for _ in range(rng.choice((0, 0, 1, 2)))),
        )
        for _ in caller.vanishes
    ]
    return attrs.evolve(caller, losses=tuple(losses))


def plan_wake_word(caller: Caller, rng: random.Random) -> Caller:
    """Draw whether a caller has a wake word; without it a cough is not heard, so it does not wait for one."""
    if rng.random() >= WAKE_SHARE:
        return caller
    steps = tuple(attrs.evolve(step, cough_frames=0) for step in caller.steps)
    return attrs.evolve(caller, wake="okay nabu", steps=steps)


def plan_callers(rng: random.Random, sayings: dict[int, str]) -> tuple[Caller, ...]:
    """Draw one to four callers; what each says goes into ``sayings`` by its number."""
    numbers = iter(range(1, 1_000))
    return tuple(_draw_caller(rng, f"caller{at}", numbers, sayings) for at in range(rng.choice((1, 1, 2, 2, 3, 4))))


def _draw_caller(rng: random.Random, name: str, numbers: Iterator[int], sayings: dict[int, str]) -> Caller:
    steps = []
    is_hurried = rng.random() < 0.3
    for _ in range(rng.randint(1, 4 if is_hurried else 3)):
        step = Step(
            kind=rng.choices(("say", "press", "text"), (5, 1, 3))[0],
            number=next(numbers),
            frames=rng.randint(*VOICE_FRAMES),
            is_awaited=not is_hurried,
            cough_frames=0 if is_hurried or rng.random() < 0.8 else rng.randint(*COUGH_FRAMES),
        )
        sayings[step.number] = f"{rng.choice(VERBS)} {step.number}"
        steps.append(step)
        if rng.random() < 0.2:
            steps.append(Step(rng.choice(("interrupt", "ping", "nonsense", "stall", "trail off"))))
    return Caller(
        name=name,
        starts_s=round(rng.uniform(0.0, 1.0), 3),
        steps=tuple(steps),
        end=rng.choices(("bye", "hasty", "cut", "stay"), (6, 1, 1, 2))[0],
        consents=rng.choices(("yes", "no", "aloud", "never"), (6, 2, 1, 1))[0],
        capabilities=rng.choice((("stt", "llm", "tools"), ("stt", "llm", "tools", "tts"))),
        vanishes=tuple(_draw_vanishing(rng) for _ in range(rng.choices((0, 1, 2), (7, 2, 1))[0])),
    )


def _draw_vanishing(rng: random.Random) -> tuple[float, float]:
    return round(rng.uniform(0.1, 4.0), 3), round(rng.choice((0.0, rng.uniform(0.0, 3.0))), 3)


def shown(callers: Sequence[Caller]) -> str:
    """Return the scripts as lines."""
    return "\n".join(
        f"  {caller.name} at {caller.starts_s}: {', '.join(f'{step.kind} {step.number}' for step in caller.steps)},"
        f" {caller.end}, consents {caller.consents}"
        for caller in callers
    )
