"""Simulated callers: each comes at its time, speaks in real time, takes all events, and leaves.

Rules kept here:

* Callers never wait for one another: who is due comes, however slow the server is (open loop).
* A caller that is refused does not come again, and whatever breaks is in its record.
"""

import json
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final, Self

import attrs
import trio

from bench.load.records import Call, Clip, Plan, Turn
from bench.load.wire import Refused, Socket, connected

RATE_HZ: Final = 16_000
FRAME_S: Final = 0.1
FRAME_BYTES: Final = round(RATE_HZ * FRAME_S) * 2
HELLO: Final = json.dumps(
    {
        "type": "connection_request",
        "data": {
            "client_id": "bench",
            "capabilities": ["stt", "llm", "tools"],
            "audio": {"format": "pcm_s16le", "sample_rate": RATE_HZ, "channels": 1},
        },
    }
)


class Crowds:
    """Processes in which crowds run, so that a busy client disturbs neither the clock nor who watches the server."""

    def __init__(self, processes: int) -> None:
        self._executor = ProcessPoolExecutor(processes, mp_context=get_context("spawn"))
        self._processes = processes
        for warm in [self._executor.submit(int) for _ in range(processes)]:
            warm.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)

    def start(self, plan: Plan) -> "Running":
        """Let a crowd begin; its callers are dealt to the processes in turn."""
        step = self._processes
        parts = [
            attrs.evolve(plan, arrivals_s=plan.arrivals_s[first::step], clips=plan.clips[first::step])
            for first in range(step)
        ]
        return Running([self._executor.submit(run, part) for part in parts])

    def run(self, plan: Plan) -> list[Call]:
        """Let a crowd come and return when the last has left."""
        return self.start(plan).calls()


@attrs.frozen
class Running:
    """A crowd on its way."""

    _parts: Sequence["Future[list[Call]]"]

    def calls(self) -> list[Call]:
        """Wait for all and return their records in the order in which they were due."""
        return sorted((call for part in self._parts for call in part.result()), key=lambda call: call.due_s)


def run(plan: Plan) -> list[Call]:
    """Run a crowd in this process; returns one record for each caller."""
    return trio.run(_crowd, plan)


async def _crowd(plan: Plan) -> list[Call]:
    calls: list[Call] = []
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        for due_s, clips in zip(plan.arrivals_s, plan.clips, strict=True):
            await trio.sleep_until(began_s + due_s)
            late_ms = (trio.current_time() - began_s - due_s) * 1_000
            calls.append(Call(due_s, len(clips), late_ms))
            nursery.start_soon(call, plan, clips, calls[-1])
    return calls


async def call(plan: Plan, clips: Sequence[Clip], record: Call) -> None:
    """Make one call and write down what came of it."""
    began_s = trio.current_time()
    try:
        with trio.move_on_after(plan.limit_s) as scope:
            await _talk(plan, clips, record, began_s)
        record.trouble = "gave up" if scope.cancelled_caught else ""
    except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as broken:
        record.trouble = repr(broken.exceptions[0])


async def _talk(plan: Plan, clips: Sequence[Clip], record: Call, began_s: float) -> None:
    try:
        async with connected(plan.url, source=plan.source) as socket:
            record.status = 101
            await Caller(socket, record, began_s).talk(clips, plan.factor)
    except Refused as refused:
        record.status, record.retry_after_s = refused.status, refused.retry_after_s
        record.refused_ms = (trio.current_time() - began_s) * 1_000


class Caller:
    """One caller with an open socket."""

    def __init__(self, socket: Socket, record: Call, began_s: float) -> None:
        self._socket = socket
        self._record = record
        self._began_s = began_s
        self._voiced_s = 0.0
        self._is_accepted = trio.Event()
        self._is_over = trio.Event()

    async def talk(self, clips: Sequence[Clip], factor: float) -> None:
        """Introduce itself, say one clip after the other, and leave; returns early when the server closes."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, nursery.cancel_scope)
                await self._socket.send_text(HELLO)
                await self._is_accepted.wait()
                for clip in clips:
                    await self._say(clip, factor)
                nursery.cancel_scope.cancel()
            await self._socket.leave()
        finally:
            self._record.close_code = self._socket.close_code

    async def _say(self, clip: Clip, factor: float) -> None:
        self._is_over = trio.Event()
        self._record.turns.append(Turn(clip.name))
        started_s = trio.current_time()
        self._voiced_s = started_s + clip.voiced_s / factor
        for number, offset in enumerate(range(0, len(clip.pcm), FRAME_BYTES), start=1):
            await trio.sleep_until(started_s + number * FRAME_S / factor)  # a microphone has it only then
            await self._socket.send_bytes(clip.pcm[offset : offset + FRAME_BYTES])
        await self._is_over.wait()

    async def _listen(self, scope: trio.CancelScope) -> None:
        while (frame := await self._socket.receive()) is not None:
            if frame.opcode == frame.opcode.TEXT:
                event = json.loads(bytes(frame.data))
                await self._take(event["type"], event["data"])
        scope.cancel()

    async def _take(self, name: str, data: dict[str, Any]) -> None:
        match name:
            case "connection_accepted":
                self._is_accepted.set()
            case "connection_refused":
                self._refused(data)
            case "confirm_request":
                approval = {"call_id": data["call_id"], "approve": True}
                await self._socket.send_text(json.dumps({"type": "confirm", "data": approval}))
            case "error":
                self._record.errors.append(str(data.get("code")))
            case "speech_started" | "transcript" | "tool_call" | "turn_completed" if self._record.turns:
                self._note(self._record.turns[-1], name, data)

    def _refused(self, data: dict[str, Any]) -> None:
        self._record.refused_ms = (trio.current_time() - self._began_s) * 1_000
        self._record.retry_after_s = data.get("retry_after_ms", 0) / 1_000

    def _note(self, turn: Turn, name: str, data: dict[str, Any]) -> None:
        if name == "transcript":
            turn.transcripts.append(data["text"])
            if turn.transcript_ms is None:
                turn.transcript_ms = (trio.current_time() - self._voiced_s) * 1_000
        elif name == "speech_started":
            turn.is_heard = True
        elif name == "tool_call":
            turn.tools.append(data["tool"])
        else:
            turn.outcome, turn.server_ms = data["outcome"], data["latency_ms"]
            self._is_over.set()
