from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from actors.stt.recogniser_queue import NEW
from actors.stt.report import TranscriptionReport
from assembly.monitor_look import LookSources, actor_look, figures_of, in_words, look_at_server, pool_of
from config.load import load
from protocol.admission.drain import DrainPhase
from protocol.admission.figure_history import NAMES
from protocol.admission.load import MEMORY, SIGNALS, Level, LoadReport, Reading
from protocol.language.speech_models import SpeechModels
from runtime import Actor, ChildSpec, ChildState, ChildStatus, Ref, Supervisor, run_tree
from runtime.workers.pool_statistics import PoolOwnerStatistics, WorkerStatistics
from supervisor import Server
from tests.fake_pool import pool_statistics


@pytest.fixture
def server(tmp_path: Path) -> Server:
    environ = {"SAYSO_SUPERVISOR__DATA_DIR": str(tmp_path), "SAYSO_SUPERVISOR__MODELS_DIR": str(tmp_path)}
    return Server(load(None, environ, {}).settings)


def sources(server: Server) -> LookSources:
    adapters = server.make.adapters
    return LookSources(server.status, adapters.machine, adapters.keys, server.leaving.drain, lambda: 2)


def worker(last_exit: str | None) -> WorkerStatistics:
    return WorkerStatistics(restarts=1, last_exit=last_exit, state="ready", role="active")


def status_of(name: str, **pool: Any) -> ChildStatus:
    return ChildStatus(
        id=name,
        state=ChildState.READY,
        incarnation=2,
        restarts=1,
        zombies=0,
        last_exit=None,
        mailbox=Ref(name).statistics(),
        statistics=PoolOwnerStatistics(pool=pool_statistics(**pool)),
    )


async def test_a_server_that_does_not_run_yet_has_no_actors(server: Server) -> None:
    look, figures = look_at_server(sources(server))
    assert (look.actors, look.level, look.drain, look.keys) == ({}, 0, DrainPhase.SERVING, {})
    assert figures == {"sessions": 2, "load_level": 0, "cpu": 0.0, "queued": 0, "oldest": 0.0}


async def test_the_actors_of_sessions_are_not_looked_at(server: Server, autojump_clock: MockClock) -> None:
    def below(name: str) -> ChildSpec[Any]:
        return ChildSpec(Ref(name), lambda: Supervisor((ChildSpec(Ref(f"{name}.leaf"), Actor),)))

    async with trio.open_nursery() as nursery:
        tree = await nursery.start(run_tree, Supervisor((below("tools"), below("sessions"))))
        server.board.tree.publish(tree)
        look, _ = look_at_server(sources(server))
        await tree.stop("enough")
    assert set(look.actors) == {"tools", "tools.leaf", "sessions"}
    assert look.actors["tools"].state == "ready"


async def test_the_speech_model_at_work_is_seen_while_it_is_known(server: Server) -> None:
    assert look_at_server(sources(server))[0].model == ""
    report = TranscriptionReport(SpeechModels(("base",)), NEW, at_work="tiny")
    server.board.transcription.publish(report)
    assert look_at_server(sources(server))[0].model == "tiny"


async def test_the_load_and_the_drain_are_those_of_this_moment(server: Server, autojump_clock: MockClock) -> None:
    readings = (Reading(MEMORY, 0.9), *(Reading(one, None) for one in SIGNALS if one is not MEMORY))
    server.board.load.publish(LoadReport(Level(3), 0.0, "memory", readings))
    server.leaving.begin("deploy", 60.0)
    look, figures = look_at_server(sources(server))
    assert (look.level, look.driver, look.drain_reason) == (3, "memory", "deploy")
    assert (figures["load_level"], figures["signal.memory"]) == (3, 0.9)
    assert [name for name in figures if name.startswith("signal.")] == ["signal.memory"]


async def test_a_pools_crashes_and_how_the_last_worker_ended_are_seen() -> None:
    actor = status_of("speech", crashes=2, ready=0, workers=(worker(None), worker("signal 9")))
    look = actor_look(actor)
    assert (look.incarnation, look.crashes, look.worker_exit) == (2, 2, "signal 9")
    assert look.trouble == "no worker process is ready"
    assert pool_of(attrs.evolve(actor, statistics=PoolOwnerStatistics())) is None


async def test_every_figure_has_a_place_in_the_history(server: Server) -> None:
    actors = [status_of(name, busy_ratio=0.25) for name in ("speech", "transcription", "nameless")]
    found = figures_of(sources(server), actors)
    assert (found["busy.speech"], "busy.nameless" in found) == (0.25, False)
    assert found.keys() <= NAMES


def test_an_actor_that_has_not_ended_has_no_reason_for_it() -> None:
    assert in_words(None) == ""
