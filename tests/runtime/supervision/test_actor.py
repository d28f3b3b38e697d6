import attrs
import pytest
from trio.testing import MockClock

from runtime import Actor, ActorDied, ChildSpec, Ref
from tests.runtime.probes import Do, Grow, Probe, Say, probe


async def test_an_actor_without_a_handler_says_what_it_got(grow: Grow, autojump_clock: MockClock) -> None:
    spec = ChildSpec(Ref("a"), Actor)
    await grow(spec)
    with pytest.raises(ActorDied, match="Actor handles no Say"):
        await spec.ref.ask(Say("x"))


async def test_a_context_has_the_actors_reference_and_number(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    tree = await grow(spec)

    async def show(actor: Probe) -> tuple[object, ...]:
        return actor.context.ref, actor.context.incarnation, actor.context.shared

    assert await spec.ref.ask(Do(show)) == (spec.ref, 1, tree.shared)


@attrs.frozen
class CountStatistics:
    count: int


async def test_figures_are_shown_in_the_status(grow: Grow, autojump_clock: MockClock) -> None:
    class Counting(Probe):
        def statistics(self) -> CountStatistics:
            return CountStatistics(3)

    tree = await grow(ChildSpec(Ref("a"), Counting))
    assert tree.status().children[0].statistics == CountStatistics(3)
