"""Recognisers on other servers: what the way there costs, and an address that is killed under load.

On this machine run at once: a server that recognises itself, two that only recognise for others, and one with sessions
that has their addresses and no workers of its own (``transcription.fallback = false``). The same spoken commands are
said to the first and the last one by turns. Then callers speak to the last one, and one recogniser is killed.

    sayso bench remote                       some ten minutes
    sayso bench remote --count 9 --rounds 2  fewer commands
    sayso bench remote --callers 0           without the killing
"""

import argparse
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from math import inf
from typing import Any, Final

import attrs
import psutil

from bench.load.callers import Crowds, run
from bench.load.commands import Command, spoken_commands
from bench.load.figures import percentile, rounded
from bench.load.options import SEED
from bench.load.records import Call, Plan
from bench.load.server import Server, kill, nodes, running
from bench.part import Flag, Part, Report, at_least_one
from bench.report import rotated, table
from cli.sound import FRAME_S

HERE: Final = "here"
ELSEWHERE: Final = "elsewhere"
ONE_WORKER: Final[Mapping[str, object]] = {
    "load.enabled": False,  # four servers share this machine: each would refuse what is the others' doing
    "transcription.workers": 1,
    "transcription.embedded.spare_workers": 0,
}
RECOGNISER: Final[Mapping[str, object]] = {**ONE_WORKER, "supervisor.roles": "recognise"}
KILL_AFTER_S: Final = 6.0
APART_S: Final = 1.5  # between callers, who speak one command after the other


@attrs.define
class Round:
    """The commands that were said in one session."""

    right: int
    """How many called the right tool."""
    stt_ms: list[float]
    """From the last voice to the transcript, on the server."""
    cpu_s: float
    """Of the server and all recognisers that it asks."""


@attrs.frozen
class Side:
    """A server with sessions, and the servers whose time its turns cost besides."""

    server: Server
    others: Sequence[Server] = ()

    def cpu_s(self) -> float:
        """Return the processor time of all their processes so far, in seconds."""
        found = 0.0
        for server in (self.server, *self.others):
            for process in (psutil.Process(server.pid), *server.family()):
                times = process.cpu_times()
                found += times.user + times.system
        return found

    def say(self, commands: Sequence[Command]) -> Round:
        """Say all commands in one session."""
        began_s = self.cpu_s()
        clips = [command.clip for command in commands]
        (call,) = run(Plan(self.server.url, [0.0], [clips], limit_s=inf, frame_s=FRAME_S))
        said = zip(commands, call.turns, strict=False)
        times = [turn.transcript_ms for turn in call.turns if turn.transcript_ms is not None]
        return Round(sum(command.is_right(turn) for command, turn in said), times, self.cpu_s() - began_s)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Say the commands to both by turns, then kill a recogniser while callers speak."""
    commands = spoken_commands(options.count, options.seed)
    with ExitStack() as servers:
        here = servers.enter_context(running(ONE_WORKER))
        recognisers = [servers.enter_context(running(RECOGNISER)) for _ in range(2)]
        urls = [f"{one.url.removesuffix('/ws').replace('ws', 'http', 1)}/v1" for one in recognisers]
        elsewhere = servers.enter_context(
            running(
                {
                    "load.enabled": False,
                    "transcription.provider": "openai",
                    "transcription.openai.url": ",".join(urls),
                    "transcription.fallback": False,
                }
            )
        )
        sides = {HERE: Side(here), ELSEWHERE: Side(elsewhere, recognisers)}
        rounds: dict[str, list[Round]] = {name: [] for name in sides}
        for number in range(options.rounds):
            for name in rotated(sides, number):
                rounds[name].append(sides[name].say(commands))
        report = compared(rounds, len(commands) * options.rounds)
        _print(report)
        yield report
        if options.callers:
            report |= _killed(elsewhere, recognisers[0], commands, options)
            report["missed"] = missed(report)
            print(
                f"\none of two recognisers killed under {options.callers} callers: {report['killed']['turns']} turns, "
                f"{report['killed']['lost']} lost"
            )
            for one in (*report["killed"]["which"], *report["killed"]["troubles"], *report["addresses"]):
                print(f"  {one}")
            yield report


def compared(rounds: Mapping[str, Sequence[Round]], said: int) -> dict[str, Any]:
    """Return the figures of both sides, and the ratio of the times and of the processor's, round by round."""
    sides = {
        name: {
            "said": said,
            "right": sum(one.right for one in found),
            "transcript_p50_ms": rounded(percentile([ms for one in found for ms in one.stt_ms], 50)),
            "transcript_p95_ms": rounded(percentile([ms for one in found for ms in one.stt_ms], 95)),
            "cpu_ms_each": round(1_000 * sum(one.cpu_s for one in found) / said, 1),
        }
        for name, found in rounds.items()
    }
    pairs = list(zip(rounds[HERE], rounds[ELSEWHERE], strict=True))
    more_ms = [percentile(away.stt_ms, 50) - percentile(own.stt_ms, 50) for own, away in pairs]
    return {
        "sides": sides,
        "more_p50_ms": rounded(percentile(more_ms, 50)),
        "cpu_ratio": round(percentile([away.cpu_s / own.cpu_s for own, away in pairs if own.cpu_s], 50), 2),
    }


def missed(report: Mapping[str, Any]) -> list[str]:
    """Return what was promised and is not so."""
    found = []
    sides = report["sides"]
    if sides[ELSEWHERE]["right"] < sides[HERE]["right"]:
        found.append(f"{sides[ELSEWHERE]['right']} commands right elsewhere, {sides[HERE]['right']} here")
    if report.get("killed", {}).get("lost"):
        found.append(f"{report['killed']['lost']} turns lost")
    return found


def _killed(server: Server, victim: Server, commands: Sequence[Command], options: argparse.Namespace) -> dict[str, Any]:
    """Let callers speak, kill one recogniser meanwhile, and return what became of their turns."""
    rng = random.Random(options.seed)
    clips = [[rng.choice(commands).clip for _ in range(options.each)] for _ in range(options.callers)]
    plan = Plan(server.url, [APART_S * number for number in range(options.callers)], clips, limit_s=inf)
    timer = threading.Timer(KILL_AFTER_S, kill, [victim])
    with Crowds(1) as crowds:
        speaking = crowds.start(plan)
        timer.start()
        calls = speaking.calls()
    timer.join()
    return {"killed": turns_of(calls), "addresses": _addresses(server)}


def turns_of(calls: Sequence[Call]) -> dict[str, Any]:
    """Return how many turns there were and how many of them were lost: those without a transcript and a good end."""
    turns = [turn for call in calls for turn in call.turns]
    wanted = sum(call.wanted for call in calls)
    done = sum(turn.outcome == "done" and bool(turn.transcripts) for turn in turns)
    others = [turn for turn in turns if turn.outcome != "done" or not turn.transcripts]
    return {
        "turns": wanted,
        "lost": wanted - done,
        "which": [{"said": one.name, "heard": one.transcripts, "outcome": one.outcome} for one in others],
        "troubles": [f"{call.trouble} {call.errors}" for call in calls if call.trouble or call.errors],
    }


def _addresses(server: Server) -> list[dict[str, Any]]:
    node = next(node for node in nodes(server.status()["tree"]) if node["id"] == "transcription")
    return list(node["statistics"]["pool"]["remote"]["addresses"])


def _print(report: Mapping[str, Any]) -> None:
    rows = [[name, *side.values()] for name, side in report["sides"].items()]
    table("commands", ("said", "right", "transcript p50 ms", "p95 ms", "CPU ms each"), rows)
    print(
        f"elsewhere: {report['more_p50_ms']} ms more (median of the rounds), {report['cpu_ratio']} times the CPU time"
    )


PART: Final = Part(
    "remote",
    measure,
    (
        SEED,
        Flag("--count", 25, "commands of a round", at_least_one),
        Flag("--rounds", 2, kind=at_least_one),
        Flag("--callers", 4, "who speak while a recogniser is killed"),
        Flag("--each", 6, "commands of a caller", at_least_one),
    ),
)
