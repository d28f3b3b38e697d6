import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from runtime.messaging.handling import current
from tests.runtime.probes import Do, Grow, Probe, probe


async def test_the_handler_and_tasks_it_waits_for_work_on_its_message(grow: Grow, autojump_clock: MockClock) -> None:
    spec = probe("a")
    await grow(spec)
    found: dict[str, bool] = {}

    async def note(key: str) -> None:
        found[key] = current() is not None

    async def handle(actor: Probe) -> None:
        await note("handler")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(note, "child of the handler")
        actor.context.nursery.start_soon(note, "background")
        actor.context.reply_in_task(note, "reply task")

    await spec.ref.ask(Do(handle))
    await wait_all_tasks_blocked()
    assert found == {"handler": True, "child of the handler": True, "background": False, "reply task": True}
    assert current() is None
