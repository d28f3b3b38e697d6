"""Simulated callers: each comes at its time, speaks in real time, takes all events, and leaves.

Rules kept here:

* Callers never wait for one another: who is due comes, however slow the server is (open loop).
* A caller that is refused does not come again, and whatever breaks is in its record.
"""

import contextlib
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final, Self

import attrs
import trio

from bench.load.records import Call, Clip, Plan, Turn
from sayso_client import (
    ClientError,
    ClientOptions,
    ClientSession,
    ConfirmRequest,
    Error,
    Event,
    ServerRefused,
    SessionClosed,
    SpeechStarted,
    ToolCall,
    Transcript,
    TurnCompleted,
    as_data,
    connect,
)
from sayso_client.websocket import connect_stream, parse_address

RATE_HZ: Final = 16_000
FRAME_S: Final = 0.1
FRAME_BYTES: Final = round(RATE_HZ * FRAME_S) * 2
SWITCHED: Final = 101  # HTTP: the WebSocket was opened
OPTIONS: Final = ClientOptions(client_id="bench", capabilities=("stt", "llm", "tools"))


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
    except* ClientError as broken:
        record.trouble = repr(broken.exceptions[0])


async def _talk(plan: Plan, clips: Sequence[Clip], record: Call, began_s: float) -> None:
    open_stream = partial(connect_stream, parse_address(plan.url), local_host=plan.source or None)
    try:
        async with connect(plan.url, OPTIONS, reconnect=None, open_stream=open_stream) as session:
            record.status = SWITCHED
            await Caller(session, record).talk(clips, plan.factor)
        record.close_code = session.close_code
    except ServerRefused as refused:
        record.status, record.retry_after_s = refused.status or SWITCHED, refused.retry_after_s
        record.refused_ms = (trio.current_time() - began_s) * 1_000


class Caller:
    """One caller in an open session."""

    def __init__(self, session: ClientSession, record: Call) -> None:
        self._session = session
        self._record = record
        self._voiced_s = 0.0
        self._is_over = trio.Event()

    async def talk(self, clips: Sequence[Clip], factor: float) -> None:
        """Say one clip after the other; returns early when the server closes."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, nursery.cancel_scope)
                for clip in clips:
                    await self._say(clip, factor)
                nursery.cancel_scope.cancel()
        finally:
            self._record.close_code = self._session.close_code

    async def _say(self, clip: Clip, factor: float) -> None:
        self._is_over = trio.Event()
        self._record.turns.append(Turn(clip.name))
        started_s = trio.current_time()
        self._voiced_s = started_s + clip.voiced_s / factor
        for number, offset in enumerate(range(0, len(clip.pcm), FRAME_BYTES), start=1):
            await trio.sleep_until(started_s + number * FRAME_S / factor)  # a microphone has it only then
            await self._session.send_audio(clip.pcm[offset : offset + FRAME_BYTES])
        await self._is_over.wait()

    async def _listen(self, scope: trio.CancelScope) -> None:
        with contextlib.suppress(SessionClosed):  # its code is in the record
            async for event in self._session:
                await self._take(event)
        scope.cancel()

    async def _take(self, event: Event) -> None:
        match event:
            case ConfirmRequest():
                await self._session.confirm(event.call_id, approve=True)
            case Error():
                self._record.errors.append(event.code)
            case _ if self._record.turns:
                self._note(self._record.turns[-1], event)

    def _note(self, turn: Turn, event: Event) -> None:
        match event:
            case Transcript():
                turn.transcripts.append(event.text)
                if turn.transcript_ms is None:
                    turn.transcript_ms = (trio.current_time() - self._voiced_s) * 1_000
            case SpeechStarted():
                turn.is_heard = True
            case ToolCall():
                turn.tools.append(event.tool)
            case TurnCompleted():
                turn.outcome, turn.server_ms = event.outcome, as_data(event)["latency_ms"]
                self._is_over.set()
