import attrs
import pytest
import trio

from assembly.status_source import SHOWN_SESSIONS, StatusSource, figures, plain
from protocol.admission.drain import Drain
from runtime import Actor, ChildSpec, Ref, Supervisor, run_tree


class Adapters:
    """What the facts ask of the adapters."""

    version = "1.2.3"


@pytest.fixture
def facts():
    return StatusSource(Adapters())  # type: ignore[arg-type] # it needs no more


async def test_a_childs_status_can_be_shown_as_json(autojump_clock):
    class Still(Actor):
        async def on_start(self):
            pass

    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor((ChildSpec(ref=Ref("still"), factory=Still),)))
        shown = plain(tree.status())
        await tree.stop("enough")
    (child,) = shown["children"]
    assert (child["id"], child["state"], child["incarnation"]) == ("still", "ready", 1)


@attrs.frozen
class RoomStatistics:
    trouble: str | None
    queued: int = 0
    demand: float | None = None
    rooms: tuple["RoomStatistics", ...] = ()


def test_a_figure_that_is_none_is_shown_unless_it_is_none_by_default():
    inner = RoomStatistics("dark", demand=0.5)

    assert figures(RoomStatistics(None, rooms=(inner,))) == {
        "trouble": None,
        "queued": 0,
        "rooms": ({"trouble": "dark", "queued": 0, "demand": 0.5, "rooms": ()},),
    }


def test_a_house_that_serves_is_not_stopping(facts):
    server = facts.server()

    assert (server["version"], server["stopping"], server["drain"]) == ("1.2.3", False, {"phase": "serving"})


async def test_a_house_that_leaves_says_so_and_until_when(facts, autojump_clock):
    facts.drain.begin("deploy", trio.current_time(), 60.0)
    await trio.sleep(10.0)

    server = facts.server()
    assert server["stopping"]
    assert server["drain"] == {"phase": "draining", "reason": "deploy", "deadline_in_s": 50.0}


def test_two_houses_do_not_share_a_drain(facts):
    assert facts.drain == Drain()
    assert StatusSource(Adapters()).drain is not facts.drain  # type: ignore[arg-type]


async def test_the_root_shows_the_states_of_its_children_and_nothing_below(facts, autojump_clock):
    inner = ChildSpec(ref=Ref("inner"), factory=lambda: Supervisor((ChildSpec(ref=Ref("leaf"), factory=Actor),)))
    assert facts.root() == {"id": "root", "children": []}
    async with trio.open_nursery() as nursery:
        facts.running = await nursery.start(run_tree, Supervisor((inner,)))
        assert facts.root() == {"id": "root", "children": [{"id": "inner", "state": "ready"}]}
        await facts.running.stop("enough")


async def test_of_many_sessions_some_are_shown_and_the_rest_summed_up(facts, autojump_clock):
    names = [f"{number:016x}" for number in range(SHOWN_SESSIONS + 5)]
    leaves = {name: Ref(f"{name}.leaf") for name in names}
    sessions = ChildSpec(
        ref=Ref("sessions"), factory=lambda: Supervisor([session(name, leaf) for name, leaf in leaves.items()])
    )
    assert facts.tree()["children"] == []
    assert facts.session(names[0]) is None
    async with trio.open_nursery() as nursery:
        facts.running = await nursery.start(run_tree, Supervisor((sessions,)))
        assert leaves[names[7]].tell_nowait("waits")
        [shown] = facts.tree()["children"]
        [everything] = facts.tree(is_full=True)["children"]
        assert [child["id"] for child in shown["children"]] == names[:SHOWN_SESSIONS]
        assert shown["children"][0]["children"][0]["id"] == f"{names[0]}.leaf"
        assert (shown["summary"]["count"], shown["summary"]["states"]) == (len(names), {"ready": len(names)})
        assert [(box["id"], box["queued"]) for box in shown["summary"]["worst_mailboxes"]] == [(f"{names[7]}.leaf", 1)]
        assert [child["id"] for child in everything["children"]] == names
        assert facts.session(names[14]) == everything["children"][14]
        assert facts.session("nobody") is None
        assert len(list(facts.actors())) == 1 + 2 * len(names)
        await facts.running.stop("enough")


def session(name, leaf):
    return ChildSpec(ref=Ref(name), factory=lambda: Supervisor((ChildSpec(ref=leaf, factory=Actor),)))
