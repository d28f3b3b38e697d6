from typing import Any, cast

import attrs
import pytest
import trio

from actors.gateway import GatewayReport
from actors.stt.recogniser_queue import NEW
from actors.stt.report import QueueReport, TranscriptionReport
from assembly.adapters import Adapters
from assembly.board import StatusBoard
from assembly.status_source import SHOWN_SESSIONS, StatusSource, component_report, figures, plain
from protocol.admission.capacity import Capacity
from protocol.admission.drain import Drain
from protocol.admission.health import ComponentReport
from protocol.admission.load import Level, LoadReport
from protocol.language.speech_models import SpeechModels
from runtime import Actor, ChildSpec, ChildState, ChildStatus, NoStatistics, Ref, Registry, Supervisor, run_tree
from tests.fakes import default_settings


class Named:
    """The part of the adapters that is asked here."""

    version = "1.2.3"


@attrs.define(eq=False)
class Shown:
    """A status source, and what it reads."""

    settings: Any = attrs.field(factory=default_settings)
    board: StatusBoard = attrs.field(factory=StatusBoard)
    live: Registry = attrs.field(factory=Registry)
    drain: Drain = attrs.field(factory=Drain)

    @property
    def source(self) -> StatusSource:
        return StatusSource(self.settings, cast("Adapters", Named()), self.board, self.live, self.drain)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def status(shown: Shown) -> StatusSource:
    return shown.source


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


def test_a_server_that_serves_is_not_stopping(status):
    server = status.server()

    assert (server["version"], server["stopping"], server["drain"]) == ("1.2.3", False, {"phase": "serving"})


def test_a_server_without_sessions_says_what_it_is_for(shown):
    assert shown.source.server()["roles"] == []
    supervisor = attrs.evolve(shown.settings.supervisor, roles=("recognise",))
    shown.settings = attrs.evolve(shown.settings, supervisor=supervisor)
    assert shown.source.server()["roles"] == ["recognise"]


async def test_a_server_that_leaves_says_so_and_until_when(shown, status, autojump_clock):
    shown.drain.begin("deploy", trio.current_time(), 60.0)
    await trio.sleep(10.0)

    server = status.server()
    assert server["stopping"]
    assert server["drain"] == {"phase": "draining", "reason": "deploy", "deadline_in_s": 50.0}


async def test_the_states_are_those_of_the_roots_children_and_of_nothing_below(status, autojump_clock):
    inner = ChildSpec(ref=Ref("inner"), factory=lambda: Supervisor((ChildSpec(ref=Ref("leaf"), factory=Actor),)))
    assert status.states() == {}
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor((inner,)))
        status.board.tree.publish(tree)
        assert status.states() == {"inner": "ready"}
        await tree.stop("enough")


@attrs.frozen
class Figures:
    pending: int = 3
    trouble: str | None = None
    inner: Any = None


def child(actor_id: str, statistics: Any, *children: ChildStatus) -> ChildStatus:
    return ChildStatus(
        id=actor_id,
        state=ChildState.READY,
        incarnation=1,
        restarts=0,
        zombies=0,
        last_exit=None,
        mailbox=Ref(actor_id).statistics(),
        statistics=statistics,
        children=children,
    )


async def test_a_component_is_reported_with_its_plain_figures_alone():
    report = component_report(child("history", Figures(inner=Figures())))

    assert report == ComponentReport(state="ready", trouble=None, figures={"pending": 3})


async def test_trouble_of_an_actor_below_is_its_components():
    below = child("tools.time", Figures(trouble="no such command: tick"))

    assert component_report(child("tools", NoStatistics(), child("tools.home", Figures()), below)) == ComponentReport(
        state="ready", trouble="no such command: tick"
    )


async def test_components_are_reported_that_run(status, autojump_clock):
    assert status.components() == {}
    async with trio.open_nursery() as nursery:
        specs = (ChildSpec(ref=Ref("history"), factory=Actor), ChildSpec(ref=Ref("commands"), factory=Actor))
        tree = await nursery.start(run_tree, Supervisor(specs))
        status.board.tree.publish(tree)
        assert status.components() == {"history": ComponentReport(state="ready")}
        await tree.stop("enough")


async def test_of_many_sessions_some_are_shown_and_the_rest_summed_up(status, autojump_clock):
    names = [f"{number:016x}" for number in range(SHOWN_SESSIONS + 5)]
    leaves = {name: Ref(f"{name}.leaf") for name in names}
    sessions = ChildSpec(
        ref=Ref("sessions"), factory=lambda: Supervisor([session(name, leaf) for name, leaf in leaves.items()])
    )
    assert status.tree()["children"] == []
    assert status.session(names[0]) is None
    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor((sessions,)))
        status.board.tree.publish(tree)
        assert leaves[names[7]].tell_nowait("waits")
        [shown] = status.tree()["children"]
        [everything] = status.tree(is_full=True)["children"]
        assert [child["id"] for child in shown["children"]] == names[:SHOWN_SESSIONS]
        assert shown["children"][0]["children"][0]["id"] == f"{names[0]}.leaf"
        assert (shown["summary"]["count"], shown["summary"]["states"]) == (len(names), {"ready": len(names)})
        assert [(box["id"], box["queued"]) for box in shown["summary"]["worst_mailboxes"]] == [(f"{names[7]}.leaf", 1)]
        assert [child["id"] for child in everything["children"]] == names
        assert status.session(names[14]) == everything["children"][14]
        assert status.session("nobody") is None
        assert len(list(status.actors())) == 1 + 2 * len(names)
        await tree.stop("enough")


def session(name, leaf):
    return ChildSpec(ref=Ref(name), factory=lambda: Supervisor((ChildSpec(ref=leaf, factory=Actor),)))


# --- figures of actors ---------------------------------------------------------------------------


def queue(**changes: Any) -> QueueReport:
    return attrs.evolve(NEW, is_started=True, ready=2, size=2, **changes)


def test_before_any_report_the_figures_are_those_of_a_server_that_has_just_started(status):
    assert (status.load_level(), status.queue_delay_s(), status.workers_missing()) == (0, 0.0, None)
    assert status.demand(["a"]) is None
    assert status.addresses == ()
    assert status.server()["all_places_taken"] is False
    assert status.stt_models() == ("tiny.en", "base"), "those of the settings can be loaded as soon as it is up"
    assert status.hearing_problem("de", "tiny.en") is not None


def test_the_models_that_can_be_named_are_those_of_the_newest_report(status):
    models = SpeechModels(("tiny.en", "small.en"), "en")
    status.board.transcription.publish(TranscriptionReport(models, queue()))
    assert status.stt_models() == ("tiny.en", "small.en")
    assert status.hearing_problem("de", None) is not None


async def test_the_queue_stands_longer_between_two_reports(status, autojump_clock):
    report = TranscriptionReport(SpeechModels(("tiny.en",)), queue(oldest_s=trio.current_time()))
    status.board.transcription.publish(report)
    await trio.sleep(1.5)
    assert status.queue_delay_s() == 1.5


def test_demand_is_of_the_speaking_sessions_when_it_is_asked_for(status):
    report = TranscriptionReport(SpeechModels(("tiny.en",)), queue(capacity=Capacity().learnt(1.0, 0.5)))
    status.board.transcription.publish(report)
    speaking = {"session": "a"}
    assert status.demand(speaking.values()).busy == {"a": 1}
    speaking["other"] = "b"
    assert status.demand(speaking.values()).busy == {"a": 1, "b": 1}


def test_where_no_load_is_shed_no_demand_is_known():
    settings = default_settings()
    shown = Shown(attrs.evolve(settings, load=attrs.evolve(settings.load, enabled=False)))
    report = TranscriptionReport(SpeechModels(("tiny.en",)), queue(capacity=Capacity().learnt(1.0, 0.5)))
    shown.board.transcription.publish(report)
    assert shown.source.demand(["a"]) is None


async def test_the_places_and_the_level_are_those_of_the_newest_reports(status):
    status.board.gateway.publish(GatewayReport(places=1, places_taken=1, addresses=(("127.0.0.1", 8000),)))
    status.board.load.publish(LoadReport(Level(2), 0.0, "memory", ()))
    assert status.load_level() == 2
    assert status.server()["all_places_taken"] is True
    assert status.addresses == (("127.0.0.1", 8000),)
