"""One look at the running server, as the monitor takes it each second: from figures in memory, nothing waits."""

from collections.abc import Callable, Iterable, Mapping

import attrs

from assembly.status_source import StatusSource, permanent_actors
from backends.keys.key_ring import KeyRing
from backends.machine import Machine
from protocol.admission.drain import Drain
from protocol.admission.figure_history import POOLS
from protocol.admission.notices import ActorLook, ServerLook
from runtime import ChildStatus
from runtime.messaging.exits import Exit
from runtime.workers.pool_statistics import PoolOwnerStatistics, PoolStatistics


@attrs.frozen
class LookSources:
    """Where the figures of a look come from."""

    status: StatusSource
    machine: Machine
    keys: KeyRing
    drain: Drain
    count_sessions: Callable[[], int]


def look_at_server(sources: LookSources) -> tuple[ServerLook, Mapping[str, float]]:
    """Return the server as notices are made of it, and its figures by their names in the history."""
    board = sources.status.board
    actors = tuple(permanent_actors(board.tree.latest))
    load, drain = board.load.latest, sources.drain
    look = ServerLook(
        actors={actor.id: actor_look(actor) for actor in actors},
        level=sources.status.load_level(),
        driver="" if load is None else load.driver,
        drain=drain.phase,
        drain_reason=drain.reason,
        keys=sources.keys.keys,
        certificate=board.certificate.latest,
    )
    return look, figures_of(sources, actors)


def actor_look(actor: ChildStatus) -> ActorLook:
    """Return one actor as notices are made of it."""
    pool = pool_of(actor)
    exits = [] if pool is None else [worker.last_exit for worker in pool.workers if worker.last_exit]
    return ActorLook(
        state=actor.state.value,
        incarnation=actor.incarnation,
        exit=in_words(actor.last_exit),
        trouble=actor.find_trouble(),
        crashes=0 if pool is None else pool.crashes,
        worker_exit=exits[0] if exits else "",
    )


def figures_of(sources: LookSources, actors: Iterable[ChildStatus]) -> Mapping[str, float]:
    """Return what is known now; what is not measured is left out."""
    load, machine = sources.status.board.load.latest, sources.machine
    found: dict[str, float] = {
        "sessions": sources.count_sessions(),
        "load_level": sources.status.load_level(),
        "cpu": machine.cpu_percent,
        "queued": 0,
        "oldest": 0.0,
    }
    if machine.memory_bytes:  # sampled once
        found["memory"] = machine.memory_bytes
    for reading in () if load is None else load.readings:
        if reading.value is not None:
            found[f"signal.{reading.signal.name}"] = reading.value
    for actor in actors:
        found["queued"] += actor.mailbox.queued
        found["oldest"] = max(found["oldest"], actor.mailbox.head_age_s)
        pool = pool_of(actor)
        if pool is not None and actor.id in POOLS:
            found[f"busy.{actor.id}"] = pool.busy_ratio
    return found


def pool_of(actor: ChildStatus) -> PoolStatistics | None:
    """Return the statistics of an actor's worker processes, if it has some."""
    return actor.statistics.pool if isinstance(actor.statistics, PoolOwnerStatistics) else None


def in_words(ended: Exit | None) -> str:
    """Return why an incarnation ended; empty if none has."""
    return "" if ended is None else f"{ended.kind.value}: {ended.reason}"
