"""Two replicas of the real server that share a store: they are drained and killed, sockets are cut, the store fails.

A client that roams opens another socket while its old one stays open, as a phone does that leaves its Wi-Fi: so two
halves of a session have a client at the same time, until the replica that was left hears that the session was taken.

Rules kept here:

* A replica that is killed does nothing more: sockets are cut, the store is out of reach, tools are not called.
* A client does as docs/protocol.md says: it comes back with its token, and sends its audio again from where it is told.
* What was said is a number, so it is known what was heard and done, and how often.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any, Final, cast

import attrs
import trio

import supervisor
from assembly.adapters import Adapters
from backends.protocols import Refusal
from backends.shared.guarded import GuardedShared
from config.settings import Settings
from runtime import Shared, run_tree
from tests.fake_shared import FakeShared, SharedMemory
from tests.simulation.outside import Outside, Weather, speech_of
from tests.simulation.seams import run_seeded, stream
from tests.simulation.trace import Trace
from tests.simulation.wire import CUT, SimulatedSocket
from tests.simulation.world import StopButton, simulated_settings

PIECE_BYTES: Final = 3_200  # 0.1 s
PIECE_S: Final = 0.1
SILENCE_S: Final = 0.6
PATIENCE_S: Final = 40.0
SETTLE_S: Final = 8.0
DRAIN_S: Final = 20.0
BACK_AFTER_S: Final = 3.0
LONGEST_S: Final = 300.0
STARTED_S: Final = 1.5
KINDS: Final = ("kill", "drain", "cut", "cut", "roam", "store")
HALVES_S: Final = 0.5  # after which the half that was left has ended
TROUBLES: Final = ("dead", "frozen", "slow", "forgets")


@attrs.frozen
class Misfortune:
    """What goes wrong when."""

    at_s: float
    kind: str
    """``kill`` and ``drain`` a replica, ``cut`` a client's socket, let it ``roam``, or trouble of the ``store``."""
    which: int
    """Of the replicas or the clients."""
    how: str = ""
    lasts_s: float = 0.0


@attrs.frozen
class ReplicaPlan:
    """All that is drawn before a run."""

    seed: int
    steps: tuple[tuple[tuple[str, int], ...], ...]
    """What each client does: ``say`` or ``text``, and its number."""
    misfortunes: tuple[Misfortune, ...]
    sayings: dict[int, str]


def plan_replicas(seed: int, kinds: tuple[str, ...] = KINDS) -> ReplicaPlan:
    """Draw everything."""
    rng = stream(seed, "replicas")
    sayings: dict[int, str] = {}
    scripts = []
    for _ in range(rng.choice((1, 2, 3))):
        script = []
        for _ in range(rng.randint(2, 5)):
            number = len(sayings) + 1
            sayings[number] = f"{rng.choice(('do', 'do', 'ask', 'read'))} {number}"
            script.append((rng.choice(("say", "say", "text")), number))
        scripts.append(tuple(script))
    misfortunes = []
    for _ in range(rng.randint(1, 4)):
        kind = rng.choice(kinds)
        at_s = round(rng.uniform(STARTED_S, STARTED_S + 8.0), 3)
        misfortunes.append(
            Misfortune(at_s, kind, rng.randrange(4), rng.choice(TROUBLES), round(rng.uniform(0.1, 4.0), 3))
        )
    return ReplicaPlan(seed, tuple(scripts), tuple(sorted(misfortunes, key=lambda one: one.at_s)), sayings)


@attrs.define(eq=False)
class Site:
    """One replica."""

    name: str
    outside: Outside
    store: FakeShared
    server: supervisor.Server
    button: StopButton = attrs.field(factory=StopButton)
    is_alive: bool = True

    def kill(self) -> None:
        """End it at once."""
        self.is_alive = False
        self.store.is_cut = True
        shed = self.outside.shed
        shed.calls, shed.changes, shed.undone = Counter(), Counter(), Counter()
        ingress = self.outside.ingress
        if ingress is not None:
            ingress._accepts = False
            for socket in list(ingress._sockets):
                socket.end(CUT)
        self.button.cancel()


@attrs.define(eq=False)
class Talker:
    """A client that comes back until all is said and answered."""

    number: int
    script: tuple[tuple[str, int], ...]
    world: "ReplicaWorld"
    log: list[tuple[int, str, dict[str, Any]]] = attrs.field(factory=list)
    forgotten: int = 0
    """How often it was treated as new."""
    moved: int = 0
    gave_up: list[int] = attrs.field(factory=list)
    """What it waited for in vain."""
    overheard: list[str] = attrs.field(factory=list)
    """What an old socket was told of a session that the client had already at another one."""
    roamed: int = 0
    """How often it opened another socket while its old one was open."""
    socket: SimulatedSocket | None = None
    is_done: bool = False
    _ring: bytearray = attrs.field(factory=bytearray)
    _at: int = 0
    _acked: int = 0
    _base: int = 0
    """Where in all that it has said the audio of this session begins."""
    _is_in: trio.Event = attrs.field(factory=trio.Event)
    _listening: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _news: trio.Event = attrs.field(factory=trio.Event)

    async def run(self) -> None:
        """Do what the script says, and stay connected."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stay_connected, nursery)
            nursery.start_soon(self._stream)
            for kind, number in self.script:
                await self._do(kind, number)
            await self._wait_until(lambda: not self.open_turns())
            await trio.sleep(1.0)
            await self._wait_until(lambda: not self.open_turns())
            self.is_done = True
            nursery.cancel_scope.cancel()
        if self.socket is not None:
            self.socket.end(1000)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of all events of one kind."""
        return [data for _, name, data in self.log if name == kind]

    def open_turns(self) -> set[str]:
        """Return the turns that it knows of, and not of their end."""
        known = {data["turn_id"] for _, _, data in self.log if "turn_id" in data}
        return known - {data["turn_id"] for data in self.of("turn_completed")}

    async def _do(self, kind: str, number: int) -> None:
        await self._is_in.wait()
        before = len(self.of("turn_completed"))
        if kind == "say":
            self._ring += speech_of(number, 30) + bytes(round(SILENCE_S * 32_000))
            await self._wait_until(lambda: self._is_heard(number), number)
        else:
            socket = self.socket
            frame = json.dumps({"type": "text", "data": {"text": self.world.plan.sayings[number]}})
            if socket is not None:
                await socket.client_sends(frame)
            with trio.move_on_after(6.0):  # it may be lost with its socket: it is not sent again
                await self._wait(lambda: len(self.of("turn_completed")) > before and not self.open_turns())
        await self._wait_until(lambda: not self.open_turns(), number)

    def _is_heard(self, number: int) -> bool:
        """Whether the words were transcribed, or the turn that they belong to has failed."""
        texts = {data["text"] for data in self.of("transcript")}
        return self.world.plan.sayings[number] in texts or bool(self.world.changes[number])

    async def _wait_until(self, is_so: Any, number: int = 0) -> None:
        with trio.move_on_after(PATIENCE_S):
            await self._wait(is_so)
            return
        self.gave_up.append(number)

    async def _wait(self, is_so: Any) -> None:
        while not is_so():
            with trio.move_on_after(0.5):
                await self._news.wait()

    async def _stream(self) -> None:
        while True:
            await self._is_in.wait()
            socket, at = self.socket, self._at
            piece = bytes(self._ring[at : at + PIECE_BYTES]).ljust(0)
            if not piece:
                self._ring += bytes(PIECE_BYTES)  # silence: the microphone is always on
                continue
            if socket is not None and await socket.client_sends(piece) and at == self._at:
                self._at += len(piece)
            await trio.sleep(PIECE_S)

    def roam(self) -> None:
        """Leave the socket as it is, and open another one."""
        self._listening.cancel()

    async def _stay_connected(self, nursery: trio.Nursery) -> None:
        wait_s = 0.0
        while True:
            await trio.sleep(wait_s)
            site = self.world.pick()
            ingress = None if site is None else site.outside.ingress
            door = None if ingress is None else await ingress.connect(f"talker{self.number}")
            if isinstance(door, SimulatedSocket):
                self.world.trace.note(f"talker{self.number}", f"connects to {site.name if site else ''}")
                self.socket = door
                with trio.CancelScope() as self._listening:
                    await self._listen(door)
                if self._listening.cancelled_caught:
                    self._is_in = trio.Event()
                    self.roamed += door.close_code is None
                    nursery.start_soon(self._overhear, door, self.of("connection_accepted"))
            wait_s = 0.5 if isinstance(door, Refusal) else self.world.rng.uniform(0.05, 0.4)

    async def _listen(self, socket: SimulatedSocket) -> None:
        accepted = self.of("connection_accepted")
        request: dict[str, Any] = {"client_id": "t", "capabilities": ["stt", "llm", "tools"]}
        if accepted:
            request["resume"] = {"token": accepted[-1]["resume_token"], "last_seq": self.log[-1][0]}
        await socket.client_sends(json.dumps({"type": "connection_request", "data": request}))
        while True:
            frame = await socket.client_receives()
            if frame is None:
                break
            if isinstance(frame, str):
                self._take(json.loads(frame), is_back=bool(accepted))
        self.world.trace.note(f"talker{self.number}", f"is closed {socket.close_code}")
        self._is_in = trio.Event()

    async def _overhear(self, socket: SimulatedSocket, before: list[dict[str, Any]]) -> None:
        """Note what an old socket is told after its session has come to a new one."""
        while (frame := await socket.client_receives()) is not None:
            accepted = self.of("connection_accepted")
            is_elsewhere = bool(before) and accepted[: len(before)] == before and len(accepted) > len(before)
            if is_elsewhere and accepted[-1]["session_id"] == before[-1]["session_id"]:
                self.overheard.append(str(frame)[:80])

    def _take(self, event: dict[str, Any], *, is_back: bool) -> None:
        kind, data = event["type"], event["data"]
        if kind == "connection_refused":
            return
        self.world.trace.note(f"talker{self.number}", f"{event['seq']} {kind} {json.dumps(data)[:110]}")
        if kind == "connection_accepted":
            if is_back and not data["resumed"]:
                self.forgotten += 1
                self.log = []
                self._base = self._acked = self._at
            self.moved += is_back and data["resumed"]
            at = self._base + 2 * data["received_samples"]
            if at < self._acked:
                raise AssertionError(f"audio from {at} is wanted, and was acknowledged up to {self._acked}")
            self._at = at
            self._is_in.set()
        elif kind == "audio_ack":
            self._acked = max(self._acked, self._base + 2 * data["samples"])
        self.log.append((event["seq"], kind, data))
        self._news.set()
        self._news = trio.Event()


class ReplicaWorld:
    """The replicas, the store, the clients and their misfortunes."""

    def __init__(self, plan: ReplicaPlan) -> None:
        self.plan = plan
        self.trace = Trace()
        self.rng: random.Random = stream(plan.seed, "choices")
        self.memory = SharedMemory(delay_s=0.001)
        self.sites: list[Site] = []
        self.calls = Counter[str]()
        self.changes = Counter[int]()
        self.talkers = [Talker(number, script, self) for number, script in enumerate(plan.steps)]
        self.was_killed = False
        self.troubles: list[str] = []
        self.doubled_sessions: set[str] = set()
        self._settings: Settings = simulated_settings()
        self._nursery: trio.Nursery

    def pick(self) -> Site | None:
        """Return a replica that takes clients, as a proxy would."""
        open_ones = [site for site in self.sites if site.is_alive and not site.server.leaving.has_begun.is_set()]
        return self.rng.choice(open_ones) if open_ones else None

    async def run(self) -> "ReplicaWorld":
        """Live through it."""
        with trio.fail_after(LONGEST_S):
            async with trio.open_nursery() as self._nursery:
                for _ in range(2):
                    self._open_site()
                await trio.sleep(1.0)
                self._nursery.start_soon(self._suffer)
                self._nursery.start_soon(self._look_for_doubles)
                async with trio.open_nursery() as talking:
                    for talker in self.talkers:
                        talking.start_soon(talker.run)
                await trio.sleep(SETTLE_S)
                for site in self.sites:
                    site.button.cancel()
                self._nursery.cancel_scope.cancel()
        return self

    def _open_site(self) -> None:
        name = f"replica{len(self.sites)}"
        outside = Outside(self._settings, Weather(stream(self.plan.seed, name), self.trace), self.plan.sayings, 640)
        outside.shed.calls, outside.shed.changes = self.calls, self.changes
        store = FakeShared(self.memory, name)
        outside.shared = GuardedShared(store, 0.05, lambda _: None)
        server = supervisor.Server(self._settings, cast("Adapters", outside))
        site = Site(name, outside, store, server)
        self.sites.append(site)
        self._nursery.start_soon(self._run_site, site)

    async def _run_site(self, site: Site) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(supervisor.leave, site.server, cast("trio.CancelScope", site.button))
            with site.button.scope:
                run = partial(
                    run_tree,
                    site.server.root(),
                    shared=Shared(rng=stream(self.plan.seed, site.name), pace=site.server.pace),
                    stop_timeout_s=self._settings.supervisor.stop_timeout_s,
                    on_zombies=lambda: None,
                )
                async with trio.open_nursery() as tree:
                    site.server.board.tree.publish(await tree.start(run))
            self.trace.note(site.name, "has ended")
            site.is_alive = False
            nursery.cancel_scope.cancel()

    async def _suffer(self) -> None:
        begun_s = trio.current_time() - STARTED_S
        for misfortune in self.plan.misfortunes:
            await trio.sleep_until(begun_s + misfortune.at_s)
            self.trace.note("misfortune", f"{misfortune.kind} {misfortune.which} {misfortune.how}")
            self._nursery.start_soon(self._strike, misfortune)

    async def _strike(self, misfortune: Misfortune) -> None:
        match misfortune.kind:
            case "kill" | "drain":
                alive = [site for site in self.sites if site.is_alive and not site.server.leaving.has_begun.is_set()]
                if not alive:
                    return
                site = alive[misfortune.which % len(alive)]
                if misfortune.kind == "kill":
                    self.was_killed = True
                    site.kill()
                else:
                    site.server.leaving.begin("deploy", DRAIN_S)
                await trio.sleep(BACK_AFTER_S)
                self._open_site()
            case "cut":
                socket = self.talkers[misfortune.which % len(self.talkers)].socket
                if socket is not None and not socket.has_unread_text:
                    socket.end(CUT)
            case "roam":
                talker = self.talkers[misfortune.which % len(self.talkers)]
                if talker.socket is not None and not talker.socket.has_unread_text:
                    talker.roam()
            case "store":
                self.troubles.append(misfortune.how)
                if misfortune.how == "forgets":
                    self.memory.forget_all()
                    return
                self.memory.trouble = misfortune.how
                await trio.sleep(misfortune.lasts_s)
                self.memory.trouble = ""

    async def _look_for_doubles(self) -> None:
        """Note sessions that live at two replicas for longer than it takes the one to hear of the other."""
        since_s: dict[str, float] = {}
        while True:
            await trio.sleep(0.05)
            alive = [site for site in self.sites if site.is_alive]
            held = Counter(session for site in alive for session in site.server.sessions.live.names())
            now_s = trio.current_time()
            since_s = {name: since_s.get(name, now_s) for name, count in held.items() if count > 1}
            self.doubled_sessions |= {name for name, begun_s in since_s.items() if now_s - begun_s > HALVES_S}


def broken_promises(world: ReplicaWorld) -> Iterator[str]:
    """Yield what is wrong with a run."""
    for call_id, count in world.calls.items():
        if count > 1:
            yield f"call {call_id} was made {count} times"
    may_be_unwritten = world.troubles and world.was_killed  # docs/replicas.md: what is lost with a replica then
    for number, count in world.changes.items():
        if count > 1 and not may_be_unwritten:
            yield f"{world.plan.sayings[number]!r} was done {count} times"
    for talker in world.talkers:
        yield from _broken_of(world, talker)
        if talker.overheard:
            yield f"talker{talker.number}: two halves answered: {talker.overheard}"
    for name in world.doubled_sessions:
        yield f"{name} lived at two replicas"


def _broken_of(world: ReplicaWorld, talker: Talker) -> Iterator[str]:
    name = f"talker{talker.number}"
    numbers = [seq for seq, _, _ in talker.log]
    if numbers != sorted(set(numbers)):
        yield f"{name}: events out of order or twice: {numbers}"
    ends = Counter(data["turn_id"] for data in talker.of("turn_completed"))
    is_calm = not world.troubles
    for turn_id, count in ends.items():
        if count > 1 and (is_calm or not world.was_killed):  # else what it has told may not have been kept
            yield f"{name}: {turn_id} ended {count} times"
    if talker.open_turns() and (is_calm or not world.was_killed):
        yield f"{name}: {talker.open_turns()} never ended"
    if talker.forgotten and is_calm:
        yield f"{name} was taken for somebody new {talker.forgotten} times"
    if talker.gave_up and is_calm:
        yield f"{name} waited in vain for {talker.gave_up}"
    if not is_calm:
        return
    failed = sum(data["outcome"] == "failed" for data in talker.of("turn_completed"))
    texts = {data["text"] for data in talker.of("transcript")}
    lost = [
        number
        for kind, number in talker.script
        if kind == "say" and world.plan.sayings[number] not in texts and not world.changes[number]
    ]
    if lost:
        yield f"{name}: {lost} were never heard"
    undone = [
        number
        for kind, number in talker.script
        if kind == "say" and world.plan.sayings[number].startswith("do") and not world.changes[number]
    ]
    if len(undone) > (failed if world.was_killed else 0):
        yield f"{name}: {undone} were not done, and {failed} turns failed"


def simulate_replicas(plan: ReplicaPlan) -> ReplicaWorld:
    """Run the world of ``plan``."""
    return run_seeded(plan.seed, ReplicaWorld(plan).run)
