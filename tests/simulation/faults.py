"""Faults: crashes of actors, put in from outside, and a plan of what goes wrong when.

Rules kept here:

* The product has no hooks. A crash is put in by wrapping the factory in a child's spec: the instance gets another
  ``handle``, which fails when it was told to, before or after the real one.
* A fault says what it excuses. What no fault excuses is a fault of the product.
"""

import random
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import attrs
import trio

from protocol.messages.records import Count
from protocol.messages.session import Announce, Send
from runtime import Actor, ChildSpec, Ref, Supervisor
from runtime.supervision.actor import Skip
from tests.simulation.outside import Weather
from tests.simulation.trace import Trace

BEFORE, AFTER, BESIDES, STUCK = "before", "after", "besides", "stuck"
STUCK_S = 30.0
FLOOD = 400
Handle = Callable[[Any], Coroutine[Any, Any, Any]]

CRASHES: Final = ("connection", "audio", "dialogue", "history", "metrics", "commands", "load", "tools.router", "vault")
CRASHES_OF_ALL: Final = ("inference", "transcription", "speech", "tools.server", "gateway", "sessions")
STICKY: Final = ("transcription", "inference", "speech", "tools.router", "tools.server", "history")
DEAF: Final = ("connection", "audio", "dialogue", "history", "metrics", "gateway", "speech", "inference")
WEATHER: Final = (
    ("whisper", "dies"),
    ("whisper", "hangs"),
    ("whisper", "refuses"),
    ("whisper", "fails"),
    ("whisper", "garbage"),
    ("piper", "dies"),
    ("piper", "refuses"),
    ("piper", "garbage"),
    ("model", "fails"),
    ("model", "slow"),
    ("model", "cut"),
    ("tool", "dies before"),
    ("tool", "dies after"),
    ("tool", "hangs"),
    ("store", "fails"),
    ("server-start", "fails"),
)


class SimulatedCrash(Exception):
    """An injected bug."""


@attrs.frozen
class Fault:
    """Something that goes wrong ``at_s``."""

    at_s: float
    kind: str
    """``crash``, ``weather``, ``deaf`` (it does not stop when asked) or ``flood``."""
    target: str
    """An actor's role or id, or a part of the outside."""
    how: str


def plan_faults(rng: random.Random, until_s: float) -> tuple[Fault, ...]:
    """Draw the faults of a run: none at all in one of four."""
    count = rng.choice((0, 1, 1, 2, 2, 3, 4))
    return tuple(sorted((draw_fault(rng, until_s) for _ in range(count)), key=lambda fault: fault.at_s))


def draw_fault(rng: random.Random, until_s: float) -> Fault:
    """Draw one."""
    at_s = round(rng.uniform(0.0, until_s), 3)
    dice = rng.random()
    if dice < 0.5:
        target = rng.choice(CRASHES + CRASHES[:3] * 2 + CRASHES_OF_ALL)
        return Fault(at_s, "crash", target, rng.choice((BEFORE, AFTER, BESIDES)))
    if dice < 0.92:
        part, trouble = rng.choice(WEATHER)
        return Fault(at_s, "weather", part, trouble)
    if dice < 0.95:
        return Fault(at_s, "crash", rng.choice(STICKY), STUCK)
    if dice < 0.98:
        return Fault(at_s, "deaf", rng.choice(DEAF), "to its stop")
    return Fault(at_s, "flood", rng.choice(("metrics", "dialogue")), "messages")


@attrs.define(eq=False)
class Saboteur:
    """Knows every actor of a run, and crashes them."""

    trace: Trace
    weather: Weather
    refs: dict[Ref, None] = attrs.field(factory=dict)
    """Of all actors there have been."""
    actors: dict[str, Actor] = attrs.field(factory=dict)
    """By id: the incarnation that was made last."""
    crashes: dict[str, list[str]] = attrs.field(factory=dict)
    """Ids of actors that crashed by us, or hung in a handler, with how."""
    lost: list[Any] = attrs.field(factory=list)
    """Messages that an actor was handling when it crashed."""
    deaf: list[str] = attrs.field(factory=list)
    """Ids of actors that do not stop when asked."""
    _armed: dict[str, str] = attrs.field(factory=dict)

    def wrap(self, spec: ChildSpec) -> ChildSpec:
        """Return the same child with our hand in it, and its children's too."""
        self.refs[spec.ref] = None

        def factory() -> Actor | Skip:
            actor = spec.factory()
            if isinstance(actor, Skip):
                return actor
            self.actors[spec.id] = actor
            if isinstance(actor, Supervisor):
                actor._specs = tuple(self.wrap(child) for child in actor._specs)
            actor.handle = self._handle(spec.id, actor.handle)  # type: ignore[method-assign, assignment] # as a bug would
            return actor

        return attrs.evolve(spec, factory=factory)

    def strike(self, fault: Fault) -> None:
        """Let it happen."""
        self.trace.note("fault", f"{fault.kind} {fault.target} {fault.how}")
        if fault.kind == "weather":
            self.weather.brew(fault.target, fault.how)
            return
        for actor_id in self._meant(fault.target):
            if fault.kind == "flood":
                self._flood(actor_id)
            elif fault.kind == "deaf":
                self.actors[actor_id].on_stop = trio.sleep_forever  # type: ignore[method-assign] # as a bug would
                self.deaf.append(actor_id)
            elif fault.how == BESIDES:
                self._crash_besides(actor_id)
            else:
                self._armed[actor_id] = fault.how

    def has_crashed(self, *roles: str) -> bool:
        """Whether an actor of one of the roles was crashed."""
        return any(role_of(actor_id) in roles for actor_id in self.crashes)

    def _meant(self, target: str) -> list[str]:
        return [actor_id for actor_id in self.actors if role_of(actor_id) == target][-1:]

    def _crash_besides(self, actor_id: str) -> None:
        async def fail() -> None:
            raise SimulatedCrash(f"{actor_id}: a task of its own fails")

        context = getattr(self.actors[actor_id], "context", None)
        if context is None or context.nursery.cancel_scope.cancel_called:
            return
        try:
            context.nursery.start_soon(fail)
        except RuntimeError:  # that incarnation is over
            return
        self.crashes.setdefault(actor_id, []).append(BESIDES)

    def _flood(self, actor_id: str) -> None:
        ref = next(ref for ref in reversed(self.refs) if ref.name == actor_id)
        message = Count("no_speech_total", ("noise",)) if actor_id == "metrics" else Announce("Flood.")
        for _ in range(FLOOD):
            ref.tell_nowait(message)

    def _handle(self, actor_id: str, handle: Handle) -> Handle:
        async def sabotaged(message: Any) -> Any:
            how = self._armed.pop(actor_id, None)
            if how == STUCK:
                self.crashes.setdefault(actor_id, []).append(how)
                await trio.sleep(STUCK_S)
            if how != BEFORE:
                value = await handle(message)
            if how in (None, STUCK):
                return value
            self.crashes.setdefault(actor_id, []).append(how)
            self.lost.append(message)
            what = type(message.event if isinstance(message, Send) else message).__name__
            self.trace.note("crash", f"{role_of(actor_id)} {how} {what}")
            raise SimulatedCrash(f"{actor_id}: {how} {what}")

        return sabotaged


def role_of(actor_id: str) -> str:
    """Return the part of an id that does not depend on the session."""
    first, _, role = actor_id.partition(".")
    return role if len(first) == 16 and role else actor_id


def shown(faults: Sequence[Fault]) -> str:
    """Return a plan as one line."""
    return "; ".join(f"{fault.at_s:.2f} {fault.kind} {fault.target} {fault.how}" for fault in faults) or "none"
