"""Messages, references and actors as mypy sees them; it reads this file with all others.

``assert_type`` says what an ask returns. A ``type: ignore`` stands where mypy must refuse something: if it did not,
``warn_unused_ignores`` would name the line.
"""

from typing import TYPE_CHECKING, Never, assert_type

import attrs
from trio.testing import MockClock

from protocol.messages.ask import Ask
from runtime import Actor, ChildSpec, CountChildren, Ref, Registry, SupervisorMessage
from runtime.supervision.management import ChildCounts
from tests.runtime.probes import Grow


@attrs.frozen
class Lamp:
    """What a lamp is like."""

    brightness: int


@attrs.frozen
class LookAt(Ask[Lamp]):
    """Answered with a ``Lamp``."""

    name: str


@attrs.frozen
class Dim(Ask[int | None]):
    """Answered with the new brightness; ``None`` if the lamp is off."""

    by: int


@attrs.frozen
class Blink:
    """Told, never asked."""


@attrs.frozen
class Unknown(Ask[str]):
    """Something that lamps do not take."""


LampMessage = LookAt | Dim | Blink


class Lamps(Actor[LampMessage]):
    """Handles all of its messages."""

    def __init__(self) -> None:
        self._brightness = 5
        self.blinks = 0

    async def handle(self, message: LampMessage) -> object:
        match message:
            case LookAt():
                return Lamp(self._brightness)
            case Dim(by):
                self.context.reply_in_task(self._dim, by)
            case Blink():
                self.blinks += 1
            case _:
                self.unhandled(message)
        return None

    async def _dim(self, by: int) -> int:
        self._brightness -= by
        return self._brightness


class Forgetful(Actor[LampMessage]):
    """Has forgotten ``Dim`` and ``Blink``."""

    async def handle(self, message: LampMessage) -> None:
        match message:
            case LookAt():
                self.context.stop()
            case _:
                self.unhandled(message)  # type: ignore[arg-type]  # Dim | Blink are left


async def test_an_answer_has_the_type_that_its_message_names(grow: Grow, autojump_clock: MockClock) -> None:
    ref: Ref[LampMessage] = Ref("lamps")
    await grow(ChildSpec(ref, Lamps))
    lamp = assert_type(await ref.ask(LookAt("desk")), Lamp)
    assert lamp == Lamp(5)
    assert assert_type(await ref.ask(Dim(2), timeout_s=1.0, linked=True), int | None) == 3
    await ref.tell(Blink())
    assert ref.tell_nowait(LookAt("desk")), "what can be asked can be told, and its answer is dropped"


if TYPE_CHECKING:

    async def what_an_actor_does_not_take_is_refused(ref: Ref[LampMessage]) -> None:
        await ref.ask(Unknown())  # type: ignore[arg-type]
        await ref.ask(Blink())  # type: ignore[arg-type]  # it has no answer
        await ref.tell("blink")  # type: ignore[arg-type]
        ref.tell_nowait(Unknown())  # type: ignore[arg-type]
        ref.signal(Unknown())  # type: ignore[arg-type]

    async def an_answer_is_not_taken_for_another(ref: Ref[LampMessage]) -> None:
        _: Lamp = await ref.ask(Dim(1))  # type: ignore[arg-type]

    def a_sender_of_less_may_hold_a_reference_that_takes_more(ref: Ref[LampMessage]) -> Ref[Blink]:
        return ref

    def a_sender_of_more_may_not(ref: Ref[Blink]) -> Ref[LampMessage]:
        return ref  # type: ignore[return-value]

    async def nothing_is_sent_to_an_actor_of_which_nothing_is_said(ref: Ref[Never]) -> None:
        await ref.tell(Blink())  # type: ignore[arg-type]

    async def a_registry_knows_what_its_actors_take(registry: Registry[Blink], ref: Ref[LampMessage]) -> None:
        registry.register("desk", ref)
        found = registry.lookup("desk")
        if found is not None:
            found.signal(Dim(1))  # type: ignore[arg-type]

    async def a_supervisor_is_asked_in_the_same_way(ref: Ref[SupervisorMessage]) -> None:
        assert_type(await ref.ask(CountChildren()), ChildCounts)

    def an_answer_from_a_task_has_its_arguments_checked(actor: Lamps) -> None:
        actor.context.reply_in_task(actor._dim, "a little")  # type: ignore[arg-type]
