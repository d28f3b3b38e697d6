"""One simulated run: the real server in a world that one seed decides."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from itertools import pairwise
from typing import Any, cast
from unittest import mock

import attrs
import trio

import supervisor
from actors.admission.gateway_admission import GatewayStatistics
from assembly.adapters import Adapters
from config.settings import Settings
from runtime import Ref, Shared, run_tree
from runtime.messaging.envelope import PendingAsk
from tests.fakes import default_settings
from tests.simulation.callers import VERBS, Caller, plan_callers, plan_losses, plan_wake_word
from tests.simulation.clients import Client
from tests.simulation.faults import Fault, Saboteur, plan_faults
from tests.simulation.outside import Outside, Weather
from tests.simulation.seams import run_seeded, stream
from tests.simulation.sentences import ANSWERS, BEGINS, RESTS, UNDO, WANTS
from tests.simulation.trace import Trace

FAULTS_UNTIL_S = 6.0
TOO_LONG_S = 600.0  # of virtual time: no run takes as long
SETTLE_S = 13.0  # after the last client: lost clients are given up, sessions end, history is written
FAREWELL_S = 30.0  # for clients to see that the server is gone
DRAIN_S = 20.0
LATE_ASK_S = 0.15
ASKED_SHARE = 0.3  # of the pairs of sentences
HALVES_SHARE = 0.4  # of those that are left
UNDO_SHARE = 0.3
SHORT_LETTER_BYTES = 640  # 20 ms: long enough to be coughed at


@attrs.frozen
class Plan:
    """All that is drawn before a run begins."""

    seed: int
    callers: tuple[Caller, ...]
    sayings: dict[int, str]
    faults: tuple[Fault, ...]
    end: str
    """``idle``: stop when all clients are gone; ``drain`` or ``stop`` in the middle."""
    end_s: float
    letter_bytes: int = SHORT_LETTER_BYTES
    """How long answers take to hear."""
    load: tuple[tuple[float, int], ...] = ()
    """When the machine comes to which load level."""


@attrs.define(eq=False)
class Report:
    """What is left of a run, for ``tests/simulation/claims.py`` to judge."""

    plan: Plan
    trace: Trace
    saboteur: Saboteur
    weather: Weather
    outside: Outside
    clients: list[Client]
    refs: list[Ref] = attrs.field(factory=list)
    stopped_s: float = 0.0
    """When the stop of the tree began."""
    stop_s: float = 0.0
    """What it took."""
    ended_by: BaseException | None = None
    sessions_left: int = 0
    places_left: int = 0
    zombies: int = 0
    late_asks: list[str] = attrs.field(factory=list)
    open_asks: int = 0


def plan_run(seed: int) -> Plan:
    """Draw everything."""
    rng = stream(seed, "plan")
    sayings: dict[int, str] = {}
    losses = stream(seed, "losses")
    callers = tuple(plan_losses(caller, losses) for caller in plan_callers(rng, sayings))
    wake_words = stream(seed, "wake words")
    callers = tuple(plan_wake_word(caller, wake_words) for caller in callers)
    plan_questions(callers, stream(seed, "questions"), sayings)
    plan_halves(callers, stream(seed, "halves"), sayings)
    faults = plan_faults(rng, FAULTS_UNTIL_S)
    end = rng.choices(("idle", "drain", "stop"), (7, 1, 1))[0]
    end_s = round(rng.uniform(0.5, FAULTS_UNTIL_S), 3)
    return Plan(seed, callers, sayings, faults, end, end_s, load=plan_load(stream(seed, "load")))


def plan_questions(callers: Sequence[Caller], rng: random.Random, sayings: dict[int, str]) -> None:
    """Draw who leaves out what it wants, and says it when it is asked."""
    for caller in callers:
        spoken = [step for step in caller.steps if step.kind in ("say", "press", "text")]
        for step, following in zip(spoken[::2], spoken[1::2], strict=False):
            if rng.random() < ASKED_SHARE:
                sayings[step.number] = f"{WANTS} {step.number}"
                sayings[following.number] = f"{ANSWERS} {following.number}"


def plan_halves(callers: Sequence[Caller], rng: random.Random, sayings: dict[int, str]) -> None:
    """Draw who says a sentence in two halves, and who takes back what was done."""
    for caller in callers:
        said = [step for step in caller.steps if step.kind in ("say", "press", "text")]
        for step, following in pairwise(said):
            is_free = all(sayings[each.number].partition(" ")[0] in VERBS for each in (step, following))
            if is_free and rng.random() < HALVES_SHARE:
                is_undone = following.kind == "text" and rng.random() < UNDO_SHARE
                sayings[step.number] = f"{'do' if is_undone else BEGINS} {step.number}"
                sayings[following.number] = UNDO if is_undone else f"{RESTS} {following.number}"


def plan_load(rng: random.Random) -> tuple[tuple[float, int], ...]:
    """Draw how busy the machine gets: not at all in three runs of four, and never so that the server must leave."""
    count = rng.choice((0, 0, 0, 0, 0, 0, 1, 2))
    busy = sorted((round(rng.uniform(0.0, FAULTS_UNTIL_S), 3), rng.randint(1, 4)) for _ in range(count))
    calm = (round(FAULTS_UNTIL_S + rng.uniform(0.0, 10.0), 3), 0)
    return (*busy, calm) if busy else ()


def simulate(plan: Plan) -> Report:
    """Run the world of ``plan``."""
    return run_seeded(plan.seed, World(plan).run, plan.load)


class World:
    """The server, its clients and its misfortunes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._settings = simulated_settings()
        trace = Trace()
        weather = Weather(stream(plan.seed, "weather"), trace)
        outside = Outside(self._settings, weather, plan.sayings, plan.letter_bytes)
        saboteur = Saboteur(trace, weather)
        clients = [Client(caller, outside, weather, trace, plan.sayings) for caller in plan.callers]
        self._report = Report(plan, trace, saboteur, weather, outside, clients)
        self._begun_s = 0.0

    async def run(self) -> Report:
        """Live through it; what the server raises is noted."""
        self._begun_s = trio.current_time()
        server = supervisor.Server(self._settings, cast("Adapters", self._report.outside))
        open_session = server.sessions.open
        server.sessions.open = (  # type: ignore[method-assign] # sessions are sabotaged like all others
            lambda client, refusal=None: self._report.saboteur.wrap(open_session(client, refusal))
        )
        with watched_asks(self._report), trio.move_on_after(TOO_LONG_S) as patience:
            try:
                await self._live(server)
            except* Exception as errors:  # noqa: BLE001 - the server may end by anything; the checks judge it
                self._report.ended_by = errors
        if patience.cancelled_caught:
            self._report.ended_by = TimeoutError(f"not over after {TOO_LONG_S:g} s")
        self._report.refs = list(self._report.saboteur.refs)
        return self._report

    async def _live(self, server: supervisor.Server) -> None:
        report = self._report
        async with trio.open_nursery() as nursery:
            button = StopButton()
            ended = trio.Event()
            nursery.start_soon(self._clients_come, server, button, ended)
            nursery.start_soon(supervisor.leave, server, cast("trio.CancelScope", button))
            nursery.start_soon(self._misfortunes)
            nursery.start_soon(self._end_in_the_middle, server, button)
            try:
                with button.scope:
                    await self._run_tree(server)
            finally:
                report.stopped_s = trio.current_time() if button.pressed_s is None else button.pressed_s
                report.stop_s = trio.current_time() - report.stopped_s
                report.trace.note("house", "has ended")
                ended.set()
                self._count_what_is_left(server)
                nursery.cancel_scope.deadline = trio.current_time() + FAREWELL_S

    async def _run_tree(self, server: supervisor.Server) -> None:
        root = server.root()
        root._specs = tuple(self._report.saboteur.wrap(spec) for spec in root._specs)
        async with trio.open_nursery() as nursery:
            run = partial(
                run_tree,
                root,
                shared=Shared(rng=stream(self._plan.seed, "backoff"), pace=server.pace),
                stop_timeout_s=self._settings.supervisor.stop_timeout_s,
                on_zombies=self._count_zombies,
            )
            server.board.tree.publish(await nursery.start(run))

    async def _clients_come(self, server: supervisor.Server, button: "StopButton", ended: trio.Event) -> None:
        async with trio.open_nursery() as nursery:
            for client in self._report.clients:
                nursery.start_soon(client.run)
            for client in self._report.clients:
                await client.is_done.wait()
            with trio.move_on_after(SETTLE_S):
                await ended.wait()
            self._count_overdue(server)
            button.cancel()

    async def _misfortunes(self) -> None:
        for fault in self._plan.faults:
            await trio.sleep_until(self._begun_s + fault.at_s)
            self._report.saboteur.strike(fault)

    async def _end_in_the_middle(self, server: supervisor.Server, button: "StopButton") -> None:
        if self._plan.end == "idle":
            return
        await trio.sleep(self._plan.end_s)
        self._report.trace.note("house", self._plan.end)
        if self._plan.end == "drain":
            server.leaving.begin("deploy", DRAIN_S)
        else:
            button.cancel()

    # --- what is counted -------------------------------------------------------------------------

    def _count_overdue(self, server: supervisor.Server) -> None:
        """Look at a server whose clients have gone, except those that stay."""
        stay = sum(client.is_inside for client in self._report.clients)
        self._report.sessions_left = len(server.sessions.live) - stay
        gateway = self._report.saboteur.actors.get("gateway")
        if gateway is not None:
            shown = gateway.statistics()
            assert isinstance(shown, GatewayStatistics)
            self._report.places_left = shown.connections - stay

    def _count_what_is_left(self, server: supervisor.Server) -> None:
        self._report.sessions_left = max(self._report.sessions_left, len(server.sessions.live))

    def _count_zombies(self) -> None:
        self._report.zombies += 1


class StopButton:
    """A cancel scope that knows when it was cancelled."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self.pressed_s: float | None = None

    def cancel(self) -> None:
        """Stop the tree."""
        if self.pressed_s is None:
            self.pressed_s = trio.current_time()
        self.scope.cancel()


@contextmanager
def watched_asks(report: Report) -> Iterator[None]:
    """Note asks that outlive their deadline, and those that are still open at the end."""
    real_wait = PendingAsk.wait

    async def wait(ask: PendingAsk) -> Any:
        report.open_asks += 1
        begun_s = trio.current_time()  # one that is made too late, by an actor that hung, ends at once
        try:
            return await real_wait(ask)
        finally:
            report.open_asks -= 1
            late_s = trio.current_time() - max(begun_s, ask.deadline_s)
            if late_s > LATE_ASK_S:
                report.late_asks.append(f"{late_s:.3f} s past its deadline")

    with mock.patch.object(PendingAsk, "wait", wait):
        yield


@cache
def simulated_settings() -> Settings:
    """Return settings with shorter waits, so that a run is short in virtual time."""
    settings = default_settings()
    return attrs.evolve(
        settings,
        audio=attrs.evolve(settings.audio, silence_ms=300, max_utterance_s=4.0),
        dialogue=attrs.evolve(settings.dialogue, turn_timeout_s=8.0),
        transcription=attrs.evolve(settings.transcription, workers=2, job_timeout_s=4.0),
        session=attrs.evolve(settings.session, status_interval_s=5.0, resume_window_s=5.0),
    )
