"""Attacks on a server while people use it: what the attacker is told, what that costs, and what the others notice.

Typed turns go on in some sessions all the time. Each attack runs in a process of its own, and again until it has lasted
ten seconds; the sessions' turns during it are compared with those of the quiet time before it, in the same run. The
attacker has an address of his own, and the processor after all others, as he has a machine of his own. The server
limits how often an address may ask, as it does by default beyond this computer, so most of what he does is refused by
429. The cost is the processor time of the server's main process, less what it needed for the sessions alone, for each
thing that the attacker did.

    sayso bench attacks                                20 sessions, every attack in full size
    sayso bench attacks --only "key guessing,half-open"
    sayso bench attacks --share 0.05 --sessions 5      a twentieth of each attack
    sayso bench attacks --set gateway.rate.enabled=false   what each attack costs when nothing limits it
"""

import argparse
import http.client
import json
import math
import multiprocessing
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs
import psutil
import trio

from backends.keys.key_file import KeyFile
from bench.hostile.attacker import ATTACKS, Attack, Ends, Target
from bench.load.figures import percentile
from bench.load.options import SETTINGS
from bench.load.server import running
from bench.part import Flag, Part, Report, at_least_one, some_of
from bench.report import table
from protocol.admission.keys import KeyOrder, with_new_key
from protocol.messages.identity import Scope
from sayso_client import ClientOptions, Endpoint
from sayso_client.requests import connection_request, encode

LAST_S: Final = 10.0  # of quiet, and of an attack at least
PAUSE_S: Final = (0.8, 1.6)  # between the turns of a session, at least and at most; without a pause the server is full
ATTACKERS_NICENESS: Final = 5
ATTACKERS_ADDRESS: Final = (
    "127.0.0.66" if sys.platform == "linux" else ""
)  # elsewhere there is one loopback address only
LIMITS: Final = {"gateway.rate.loopback": True, "gateway.trusted_proxies": "127.0.0.1"}
"""The people come by a proxy, from an address each; the attacker does not."""
LIMITED: Final = frozenset({"429"})
TARGET_RATIO: Final = 1.25
HTTP_TIMEOUT_S: Final = 10.0
HELLO: Final = connection_request(ClientOptions(client_id="bench", capabilities=("llm", "tools")))
QUESTION: Final = encode("text", text="what is 6 times 7")
NAMES: Final = tuple(ATTACKS)


@attrs.define
class Sessions:
    """The sessions that go on, and how long their turns took."""

    url: str
    keys: Sequence[str]
    """Of each who talks."""
    rng: Random = attrs.field(factory=lambda: Random(1))
    turns: list[tuple[float, float]] = attrs.field(factory=list)
    """When each ended, by Trio's clock, and its milliseconds."""
    resume_token: str = ""
    failed: int = 0

    async def run(self, number: int, *, task_status: trio.TaskStatus[None]) -> None:
        """Ask again and again, until cancelled; has started when the session is open."""
        headers = {"Authorization": f"Bearer {self.keys[number]}", "X-Forwarded-For": f"192.0.2.{number + 1}"}
        async with await Endpoint(self.url, headers=headers).open() as websocket:
            await websocket.send(HELLO)
            self.resume_token = json.loads(await websocket.receive())["data"]["resume_token"]
            task_status.started()
            while True:
                began_s = trio.current_time()
                await websocket.send(QUESTION)
                while (event := json.loads(await websocket.receive()))["type"] != "turn_completed":
                    pass
                self.failed += event["data"]["outcome"] != "done"
                self.turns.append((trio.current_time(), (trio.current_time() - began_s) * 1_000))
                await trio.sleep(self.rng.uniform(*PAUSE_S))

    def times_ms(self, begin_s: float, end_s: float) -> list[float]:
        """Return the times of the turns that ended in a period."""
        return [took_ms for ended_s, took_ms in self.turns if begin_s <= ended_s < end_s]


@attrs.frozen
class Found:
    """What one attack did."""

    ends: Mapping[str, int]
    is_refused: bool
    """Whether the attacker was told nothing but what it must be told."""
    cost_ms: float
    """Of the server, for each thing that the attacker did."""
    quiet_p95_ms: float
    p95_ms: float

    @property
    def ratio(self) -> float:
        """How many times as long the others' turns took."""
        return self.p95_ms / self.quiet_p95_ms


@attrs.frozen
class Attacker:
    """The process that attacks, and what it attacks."""

    pool: ProcessPoolExecutor
    target: Target
    server: psutil.Process

    def run(self, attack: Attack, count: int) -> tuple[Ends, int]:
        """Attack again and again for a while; return what came of it, and how often the attacker did his thing."""
        until_s, ends, done = time.monotonic() + LAST_S, Ends(), 0
        while not done or time.monotonic() < until_s:
            ends += self.pool.submit(attack.run, self.target, count).result()
            done += count
        return ends, done


def keys_in(folder: Path, people: int) -> list[str]:
    """Make a key for each of the people and one for the attacker, of another user; return the attacker's last."""
    file = KeyFile.in_folder(folder)
    texts = []
    with file.locked():
        keys = file.read()
        for name in (*(f"anna{number}" for number in range(people)), "mallory"):
            order = KeyOrder(name=name, user=name, scopes=frozenset({Scope.TALK}))
            keys, text = with_new_key(keys, order, time.time(), secrets.token_bytes)
            texts.append(text)
        file.write(keys)
    return texts


def asked(port: int, method: str, path: str, key: str, body: Mapping[str, object] | None = None) -> Any:
    """Return the JSON of an answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=HTTP_TIMEOUT_S)) as connection:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Authorization": f"Bearer {key}"})
        return json.loads(connection.getresponse().read())


def target_at(port: int, key: str, resume_token: str) -> Target:
    """Return the server with what an attacker may have of it: tokens that are over, and one of another's session."""
    expired = asked(port, "POST", "/api/tokens", key, {"expires_in_s": 1})["token"]
    used = asked(port, "POST", "/api/tokens", key, {"single_use": True})["token"]
    asked(port, "GET", "/api/commands", used)
    time.sleep(1.1)
    return Target(port, key, expired, used, resume_token, source=ATTACKERS_ADDRESS)


async def attacked(sessions: Sessions, attack: Attack, count: int, attacker: Attacker) -> Found:
    """Measure the quiet time, and then the attack."""
    began_s, before_s = trio.current_time(), _cpu_s(attacker.server)
    await trio.sleep(LAST_S)
    quiet_s, attack_at_s = _cpu_s(attacker.server) - before_s, trio.current_time()
    usual = quiet_s / (attack_at_s - began_s)
    before_s = _cpu_s(attacker.server)
    ends, done = await trio.to_thread.run_sync(attacker.run, attack, count)
    ended_s = trio.current_time()
    spent_s = _cpu_s(attacker.server) - before_s - usual * (ended_s - attack_at_s)
    return Found(
        dict(ends),
        set(ends) <= attack.answers | LIMITED,
        max(0.0, spent_s * 1_000 / done),
        percentile(sessions.times_ms(began_s, attack_at_s), 95),
        percentile(sessions.times_ms(attack_at_s, ended_s), 95),
    )


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


async def all_attacked(options: argparse.Namespace, url: str, port: int, pid: int, keys: Sequence[str]) -> list[Found]:
    """Return what each wanted attack did, in their order."""
    sessions = Sessions(url, keys[:-1])
    found: list[Found] = []
    apart = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, apart, os.nice, (ATTACKERS_NICENESS,)) as pool:
        async with trio.open_nursery() as nursery:
            for number in range(options.sessions):
                await nursery.start(sessions.run, number)
            target = await trio.to_thread.run_sync(target_at, port, keys[-1], sessions.resume_token)
            attacker = Attacker(pool, target, psutil.Process(pid))
            await trio.to_thread.run_sync(lambda: pool.submit(int).result())  # its process is there
            for name in options.only:
                attack = ATTACKS[name]
                count = max(1, math.ceil(attack.count * options.share))
                found.append(await attacked(sessions, attack, count, attacker))
                one = found[-1]
                print(f"  {name}: {_told(one.ends)}; {one.cost_ms:.2f} ms each; p95 x {one.ratio:.2f}", flush=True)
            nursery.cancel_scope.cancel()
    if sessions.failed:
        print(f"  {sessions.failed} turns of the others failed")
    return found


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Attack a server, and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder) / "data"
        keys = keys_in(data_dir, options.sessions)
        with running({"supervisor.data_dir": data_dir, "load.enabled": False, **LIMITS, **dict(options.set)}) as server:
            found = trio.run(all_attacked, options, server.url, server.port, server.pid, keys)
    rows = dict(zip(options.only, found, strict=True))
    table(
        f"attacks beside {options.sessions} sessions",
        ("told", "ms each", "quiet p95, ms", "p95, ms", "ratio"),
        [
            (
                name,
                _told(one.ends),
                f"{one.cost_ms:.2f}",
                f"{one.quiet_p95_ms:.0f}",
                f"{one.p95_ms:.0f}",
                f"{one.ratio:.2f}",
            )
            for name, one in rows.items()
        ],
    )
    missed = [name for name, one in rows.items() if not one.is_refused]
    missed += [f"{name}: p95" for name, one in rows.items() if one.ratio > TARGET_RATIO]
    yield {"attacks": {name: attrs.asdict(one) | {"ratio": one.ratio} for name, one in rows.items()}, "missed": missed}


def _told(ends: Mapping[str, int]) -> str:
    return ", ".join(f"{what} x{count}" for what, count in Counter(ends).most_common())


PART: Final = Part(
    "attacks",
    measure,
    [
        Flag("--sessions", 20, "sessions in which turns go on", at_least_one),
        Flag("--share", 1.0, "of each attack's full size", float),
        Flag("--only", list(NAMES), f"of {', '.join(NAMES)}", some_of(NAMES)),
        SETTINGS,
    ],
)
