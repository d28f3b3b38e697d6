import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from actors.tools import START_GRACE_S, NoSuchServer, ToolFailed, Tools, ToolsStatistics
from protocol.messages.understanding import (
    AwaitFirstTry,
    CallTool,
    ListTools,
    McpOffer,
    ToolList,
    ToolOutcome,
    ToolSpec,
)
from runtime import AskTimeout, ChildSpec, DomainError, MailboxSpec, Overflow, Ref, Restart, Tree
from tests.fakes import Grow, Script, default_settings, scripted

CLOCK = ToolSpec("house", "clock", "", {})
LAMP = ToolSpec("lights", "lamp", "", {})
MANUAL = McpOffer("lights", "resource", "manual", "How they work.", "file:///manual")
LIGHTS = ToolList((LAMP,), offers=(MANUAL,), notes=("a note",))
WITHOUT_HOUSE = ToolList((LAMP,), ("house",), (MANUAL,), ("a note",))


class Down(DomainError):
    """What a server that is down says."""


def call(server: str) -> CallTool:
    return CallTool("s", "c1", server, "clock", {})


async def never(_: object) -> None:
    await trio.sleep_forever()


@attrs.define(eq=False)
class Box:
    """A toolbox with two scripted servers."""

    house: Script = attrs.field(factory=lambda: Script({ListTools: ToolList((CLOCK,))}))
    lights: Script = attrs.field(factory=lambda: Script({ListTools: LIGHTS}))
    ref: Ref = attrs.field(factory=lambda: Ref("tools.router"))
    tree: Tree = attrs.field(init=False)

    async def open(self, grow: Grow, house_mailbox: MailboxSpec | None = None) -> None:
        """Start it; a server that crashes stays down."""
        house = attrs.evolve(scripted("tools.house", self.house, house_mailbox), restart=Restart.TEMPORARY)
        lights = scripted("tools.lights", self.lights)
        settings = attrs.evolve(default_settings().tools, result_max_chars=100)
        servers = {"house": house.ref, "lights": lights.ref}
        self.tree = await grow(house, lights, ChildSpec(self.ref, lambda: Tools(settings, servers)))


async def test_the_tools_of_all_servers_are_listed(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    await box.open(grow)
    assert await box.ref.ask(ListTools()) == ToolList((CLOCK, LAMP), offers=(MANUAL,), notes=("a note",))


async def test_a_call_goes_to_its_server(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[CallTool] = ToolOutcome(True, "noon", 0.1)
    await box.open(grow)
    assert await box.ref.ask(call("house")) == ToolOutcome(True, "noon", 0.1)
    assert (box.house.of(CallTool), box.lights.of(CallTool)) == ([call("house")], [])
    assert box.tree.status().children[-1].statistics == ToolsStatistics(servers=["house", "lights"], calls=1)


async def test_servers_that_hang_are_waited_for_together_and_not_for_long(
    grow: Grow, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box()
    box.house.answers[AwaitFirstTry] = box.lights.answers[AwaitFirstTry] = never
    started_s = trio.current_time()
    await box.open(grow)
    assert trio.current_time() - started_s == pytest.approx(START_GRACE_S)
    assert caplog.text.count("is still being connected; its tools come later") == 2
    assert await box.ref.ask(ListTools()) == ToolList((CLOCK, LAMP), offers=(MANUAL,), notes=("a note",))


async def test_servers_that_are_ready_are_not_waited_for(grow: Grow, autojump_clock: MockClock) -> None:
    started_s = trio.current_time()
    await Box().open(grow)
    assert trio.current_time() == started_s


async def test_an_unknown_server_is_named_with_those_there_are(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    await box.open(grow)
    with pytest.raises(NoSuchServer, match="no tool server 'garden' is configured; there are: house, lights"):
        await box.ref.ask(call("garden"))


async def test_a_long_result_is_cut(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[CallTool] = [ToolOutcome(True, "x" * 101, 0.1), ToolOutcome(True, "x" * 100, 0.1)]
    await box.open(grow)
    assert (await box.ref.ask(call("house"))).content == "x" * 100 + " …"
    assert (await box.ref.ask(call("house"))).content == "x" * 100


async def test_a_server_that_does_not_answer_hides_only_its_own_tools(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[ListTools] = never
    await box.open(grow)
    assert await box.ref.ask(ListTools()) == WITHOUT_HOUSE


async def test_a_server_that_is_gone_hides_only_its_own_tools(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[ListTools] = ValueError("as told")
    await box.open(grow)
    assert await box.ref.ask(ListTools()) == WITHOUT_HOUSE, "it dies of the question"
    assert await box.ref.ask(ListTools()) == WITHOUT_HOUSE, "it is gone"
    with pytest.raises(ToolFailed, match="is stopped"):
        await box.ref.ask(call("house"))


async def test_a_server_with_a_full_mailbox_is_no_crash(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[CallTool] = never
    await box.open(grow, MailboxSpec(capacity=1, overflow=Overflow.REJECT, max_in_flight=1))
    for _ in range(2):  # one in hand, one queued
        await box.ref.tell(call("house"))
        await wait_all_tasks_blocked()
    assert await box.ref.ask(ListTools()) == WITHOUT_HOUSE
    with pytest.raises(ToolFailed, match=r"mailbox of tools\.house is full"):
        await box.ref.ask(call("house"))
    assert box.tree.status().children[-1].incarnation == 1


async def test_a_server_s_refusal_reaches_the_asker(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[CallTool] = Down("house is down")
    await box.open(grow)
    with pytest.raises(Down):
        await box.ref.ask(call("house"))


async def test_a_call_has_its_askers_deadline(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[CallTool] = never
    await box.open(grow)
    start_s = trio.current_time()
    with pytest.raises(AskTimeout):
        await box.ref.ask(call("house"), timeout_s=30.0)
    assert trio.current_time() - start_s == pytest.approx(30.0)
    assert box.tree.status().children[-1].incarnation == 1, "no fault of the toolbox"


async def test_a_cancelled_asker_stops_the_call(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    cancelled: list[float] = []

    async def note(_: object) -> None:
        try:
            await trio.sleep_forever()
        finally:
            cancelled.append(trio.current_time())

    box.house.answers[CallTool] = note
    await box.open(grow)
    with pytest.raises(AskTimeout):
        await box.ref.ask(call("house"), timeout_s=1.0, linked=True)
    await wait_all_tasks_blocked()
    assert cancelled == [pytest.approx(1.0)]


async def test_several_slow_servers_cost_no_more_than_one(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[ListTools] = never
    box.lights.answers[ListTools] = never
    await box.open(grow)
    start_s = trio.current_time()
    assert await box.ref.ask(ListTools()) == ToolList(missing=("house", "lights"))
    assert trio.current_time() - start_s == pytest.approx(1.0)


async def test_a_server_that_is_down_is_named(grow: Grow, autojump_clock: MockClock) -> None:
    box = Box()
    box.house.answers[ListTools] = Down("house is down")
    await box.open(grow)
    assert await box.ref.ask(ListTools()) == WITHOUT_HOUSE
