"""Many microphones that are always on: every command must be recognised as by one session alone, and in time.

Every session streams in real time without a gap, and speaks a command every ten seconds on average; speech and silence
lie on the detector's frames, so that a command is the same samples in every session. What one session alone is
understood to say is the reference. With --faults workers are killed, stopped, starved and made to leak meanwhile, and
one more speaker sends audio that kills them; for the others that must change nothing.

    sayso bench crowd                               50 sessions for 5 minutes
    sayso bench crowd --sessions 20 --duration 60
    sayso bench crowd --faults                      kill -9, SIGSTOP, no more memory, a leak, by turns; and poison
    sayso bench crowd --corpus DIR                  recordings from a folder of WAV files; dictation, no tools
"""

import argparse
import itertools
import os
import random
import resource
import signal
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import trio

from bench.load.callers import RATE_HZ
from bench.load.clips import clips
from bench.load.faults import busy
from bench.load.figures import percentile, rounded
from bench.load.hooks import sitecustomize as hooks
from bench.load.hooks.sitecustomize import POISON_SAMPLES
from bench.load.microphones import Microphone, listen_to
from bench.load.options import CORPUS, SEED, SETTINGS
from bench.load.records import Clip
from bench.load.server import Server, every, poll, running, watching
from bench.part import Flag, Part, Report
from sayso_client import Capability

GRID: Final = 256  # samples of a detector's frame
PAUSE_S: Final = 10.0  # between the beginnings of two commands, on average
MIN_SILENCE_S: Final = 2.5  # a command's answer comes before the next one begins
TAIL_S: Final = 6.0
SLACK_MS: Final = 700  # what is kept before and behind a voice
FAULT_EVERY_S: Final = 20.0
POISON_EVERY_S: Final = 45.0
POISON_AT_S: Final = 0.6  # in its clip, in the midst of the voice
FAULT_SETTINGS: Final[Mapping[str, object]] = {
    "transcription.job_timeout_s": 3,  # a stopped worker is replaced
    "transcription.embedded.worker_memory_mb": 600,  # one that leaks, too
}
"""With --faults."""


@attrs.define
class Said:
    """One command and its outcome."""

    clip: Clip
    start_sample: int
    """Of its first sample, in the session's stream."""
    texts: list[str] = attrs.field(factory=list)
    latency_ms: float | None = None
    """From its last voice to the arrival of its transcript."""

    @property
    def voiced_s(self) -> float:
        """Where its speech ends, from the beginning of the stream on."""
        return self.start_sample / RATE_HZ + self.clip.voiced_s

    def covers(self, start_ms: int, end_ms: int) -> bool:
        """Whether an utterance lies in the command."""
        first_ms = self.start_sample * 1_000 / RATE_HZ - SLACK_MS
        return first_ms <= start_ms and end_ms <= first_ms + len(self.clip.pcm) * 500 / RATE_HZ + 2 * SLACK_MS


@attrs.define
class Session:
    """A microphone that is always on."""

    plan: list[Said]
    length_s: float
    strange: list[str] = attrs.field(factory=list)
    """Transcripts where nothing was said."""
    errors: Counter[str] = attrs.field(factory=Counter)
    tools: int = 0

    def pcm(self, start: int, size: int) -> bytes:
        """Return ``size`` bytes of the stream from byte ``start`` on."""
        made = bytearray(size)
        for said in self.plan:
            at = 2 * said.start_sample - start
            if -len(said.clip.pcm) < at < size:
                piece = said.clip.pcm[max(0, -at) : size - at]
                made[max(0, at) : max(0, at) + len(piece)] = piece
        return bytes(made)


def measure(options: argparse.Namespace) -> Iterator[Report]:
    """Listen to one session, then to many, and print what differs."""
    spoken = clips(options.corpus)
    settings = {**(FAULT_SETTINGS if options.faults else {}), **dict(options.set)}
    capabilities: tuple[Capability, ...] = ("stt", "tools") if options.corpus is None else ("stt",)
    rng = random.Random(options.seed)
    with running(settings) as server:
        alone = _reference(spoken)
        trio.run(listen_to, [_microphone(alone)], server.url, capabilities)
        reference = {said.clip.name: said.texts for said in alone.plan}
        crowd = [_drawn(rng, spoken, options.duration) for _ in range(options.sessions)]
        mean = [_poisoner(spoken[0], options.duration)] if options.faults else []
        with watching(server) as watch, _faults(server if options.faults else None) as struck:
            trio.run(listen_to, [_microphone(session) for session in (*crowd, *mean)], server.url, capabilities)
    report: dict[str, Any] = {"crowd": _judged(crowd, reference), "server": watch.seen(), "faults": dict(struck)}
    report["poison"] = [{"said": len(one.plan), "errors": dict(one.errors)} for one in mean]
    shown = report["crowd"] | report["server"] | {name: report[name] for name in ("faults", "poison")}
    for name, value in shown.items():
        print(f"  {name:<22} {value}")
    yield report


# --- the schedule of commands ----------------------------------------------------------------------


def _reference(spoken: Sequence[Clip]) -> Session:
    """Return a session that says each clip once."""
    plan, at_s = [], 0.0
    for clip in spoken:
        plan.append(Said(clip, _on_grid(at_s)))
        at_s += len(clip.pcm) / 2 / RATE_HZ + MIN_SILENCE_S
    return Session(plan, at_s + TAIL_S)


def _drawn(rng: random.Random, spoken: Sequence[Clip], duration_s: float) -> Session:
    """Return a session that speaks at random times, every ``PAUSE_S`` on average."""
    plan: list[Said] = []
    at_s = rng.uniform(0.0, PAUSE_S)
    while at_s < duration_s:
        plan.append(Said(rng.choice(spoken), _on_grid(at_s)))
        least_s = len(plan[-1].clip.pcm) / 2 / RATE_HZ + MIN_SILENCE_S
        at_s += least_s + rng.expovariate(1 / max(0.1, PAUSE_S - least_s))
    return Session(plan, duration_s + TAIL_S)


def _poisoner(clip: Clip, duration_s: float) -> Session:
    """Return a session that repeats audio that kills its worker."""
    start, size = 2 * round(POISON_AT_S * RATE_HZ), 2 * POISON_SAMPLES
    loud = struct.pack("<2h", 32_767, -32_768) * (size // 4)
    poison = attrs.evolve(clip, name="poison", pcm=clip.pcm[:start] + loud + clip.pcm[start + size :])
    times_s = itertools.takewhile(duration_s.__gt__, itertools.count(5.0, POISON_EVERY_S))
    return Session([Said(poison, _on_grid(at_s)) for at_s in times_s], duration_s + TAIL_S)


def _on_grid(at_s: float) -> int:
    return round(at_s * RATE_HZ / GRID) * GRID


# --- the conversation ----------------------------------------------------------------------------


def _microphone(session: Session) -> Microphone:
    return Microphone(session.length_s, session.pcm, partial(_note, session))


def _note(session: Session, kind: str, data: Mapping[str, Any], now_s: float) -> None:
    match kind:
        case "transcript":
            span = data["audio"]
            said = next((one for one in session.plan if one.covers(span["start_ms"], span["end_ms"])), None)
            if said is None:
                session.strange.append(data["text"])
                return
            said.texts.append(data["text"])
            if said.latency_ms is None:
                said.latency_ms = (now_s - said.voiced_s) * 1_000
        case "tool_result":
            session.tools += 1
        case "error":
            session.errors[str(data.get("code"))] += 1


# --- faults --------------------------------------------------------------------------------------


@contextmanager
def _faults(server: Server | None) -> Iterator[Counter[str]]:
    """Break a worker every ``FAULT_EVERY_S`` and count the faults; without a server do nothing."""
    struck: Counter[str] = Counter()

    def strike(server: Server) -> None:
        name, break_worker = list(BREAK.items())[struck.total() % len(BREAK)]
        if poll(lambda: busy(server), FAULT_EVERY_S / 4) is not None and (hit := busy(server)):
            break_worker(hit[0]["pid"])
            struck[name] += 1

    with nullcontext() if server is None else every(FAULT_EVERY_S, partial(strike, server)):
        yield struck


def _starve(pid: int) -> None:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmData")]
    data_bytes = int(line.split()[1]) * 1_024
    resource.prlimit(pid, resource.RLIMIT_DATA, (data_bytes, data_bytes))


def _send(number: int, pid: int) -> None:
    os.kill(pid, number)


BREAK: Final[Mapping[str, Callable[[int], None]]] = {
    "killed": partial(_send, signal.SIGKILL),
    "stopped": partial(_send, signal.SIGSTOP),
    "starved": _starve,
    "leaking": partial(_send, hooks.LEAK),
}
"""The faults of a worker that decodes."""


# --- the report ----------------------------------------------------------------------------------


def _judged(crowd: Sequence[Session], reference: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the figures; a command counts as heard if it has one transcript, as alone."""
    said = [one for session in crowd for one in session.plan]
    times_ms = [one.latency_ms for one in said if one.latency_ms is not None]
    different = [one for one in said if one.texts and one.texts != reference[one.clip.name]]
    return {
        "commands": len(said),
        "lost": sum(not one.texts for one in said),
        "doubled": sum(len(one.texts) > len(reference[one.clip.name]) for one in said),
        "as_alone": sum(one.texts == reference[one.clip.name] for one in said),
        "different": [{"alone": reference[one.clip.name], "here": one.texts} for one in different[:20]],
        "transcripts_of_nothing": [text for session in crowd for text in session.strange],
        "tool_results": sum(session.tools for session in crowd),
        "errors": dict(sum((session.errors for session in crowd), Counter())),
        "transcript_p50_ms": rounded(percentile(times_ms, 50)),
        "transcript_p95_ms": rounded(percentile(times_ms, 95)),
        "transcript_max_ms": rounded(max(times_ms, default=float("nan"))),
    }


PART: Final = Part(
    "crowd",
    measure,
    (
        SEED,
        CORPUS,
        SETTINGS,
        Flag("--sessions", 50),
        Flag("--duration", 300.0, "seconds"),
        Flag("--faults", False, "break workers meanwhile"),
    ),
)
