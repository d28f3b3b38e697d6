"""Simulated callers: each connects at its time, speaks in real time, receives all events, and leaves.

Rules kept here:

* Callers never wait for one another: each connects when it is due, however slow the server is (open loop).
* A refused caller does not try again, and every failure is in its record.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Final, ParamSpec, Self, TypeVar

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
    Reply,
    ServerRefused,
    SessionClosed,
    SpeechAudio,
    SpeechAudioEnd,
    SpeechAudioStart,
    SpeechStarted,
    SpeechStopped,
    Status,
    ToolCall,
    ToolResult,
    Transcript,
    TurnCompleted,
    as_data,
    connect,
)
from sayso_client.websocket import connect_stream, parse_address

P = ParamSpec("P")
T = TypeVar("T")
RATE_HZ: Final = 16_000
FRAME_S: Final = 0.1
FRAME_BYTES: Final = round(RATE_HZ * FRAME_S) * 2
SPEECH: Final = "speech"
TURN_TIMEOUT_S: Final = 30.0
STAGES: Final[Mapping[type, str]] = {
    Transcript: "transcript",
    ToolResult: "tool_result",
    Reply: "reply",
    SpeechAudioStart: "first_audio",
}
SWITCHED: Final = 101  # HTTP: the WebSocket was opened


class Crowds:
    """Processes in which crowds run, so that busy clients disturb neither the clock nor the observer of the server."""

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

    def apply(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Run a function in one of the processes, and return its result."""
        return self._executor.submit(work, *arguments, **named).result()

    def run(self, plan: Plan) -> list[Call]:
        """Let a crowd come and return when the last has left."""
        return self.start(plan).calls()


@attrs.frozen
class Running:
    """A running crowd."""

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
    """Make one call and return its record."""
    try:
        with trio.move_on_after(plan.limit_s) as scope:
            await _talk(plan, clips, record)
        record.trouble = "gave up" if scope.cancelled_caught else ""
    except* ClientError as broken:
        record.trouble = repr(broken.exceptions[0])


async def _talk(plan: Plan, clips: Sequence[Clip], record: Call) -> None:
    began_s = trio.current_time()
    options = ClientOptions(client_id="bench", capabilities=plan.capabilities)
    open_stream = partial(connect_stream, parse_address(plan.url), local_host=plan.source or None)
    try:
        async with connect(plan.url, options, reconnect=None, open_stream=open_stream) as session:
            record.status = SWITCHED
            await Caller(session, record, plan).talk(clips)
        record.close_code = session.close_code
    except ServerRefused as refused:
        record.status, record.retry_after_s = refused.status or SWITCHED, refused.retry_after_s
        record.refused_ms = (trio.current_time() - began_s) * 1_000


class Caller:
    """One caller in an open session."""

    def __init__(self, session: ClientSession, record: Call, plan: Plan) -> None:
        self._session = session
        self._record = record
        self._factor = plan.factor
        self._frame_s = plan.frame_s
        self._frame_bytes = 2 * round(RATE_HZ * plan.frame_s)
        self._voiced_s = 0.0
        self._keeps_events = plan.keeps_events
        self._open: set[str] = set()  # turns, and "speech" while the answer is spoken
        self._is_over = trio.Event()

    async def talk(self, clips: Sequence[Clip]) -> None:
        """Say one clip after the other; returns early when the server closes."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen, nursery.cancel_scope)
                for clip in clips:
                    await self._say(clip)
                nursery.cancel_scope.cancel()
        finally:
            self._record.close_code = self._session.close_code

    async def _say(self, clip: Clip) -> None:
        """Say a clip; returns when all turns that it was taken for are over, and have been answered."""
        self._is_over = trio.Event()
        self._record.turns.append(Turn(clip.name))
        started_s = trio.current_time()
        self._voiced_s = started_s + clip.voiced_s / self._factor
        for number, offset in enumerate(range(0, len(clip.pcm), self._frame_bytes), start=1):
            await trio.sleep_until(started_s + number * self._frame_s / self._factor)  # a microphone has it only then
            await self._session.send_audio(clip.pcm[offset : offset + self._frame_bytes])
        with trio.move_on_after(TURN_TIMEOUT_S):
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
            case Status():
                self._record.load_level = max(self._record.load_level, event.load_level)
        if self._record.turns:
            self._note(self._record.turns[-1], event)
            self._follow(event)

    def _note(self, turn: Turn, event: Event) -> None:
        if (stage := STAGES.get(type(event))) is not None:
            turn.client_ms.setdefault(stage, (trio.current_time() - self._voiced_s) * 1_000)
        if self._keeps_events and not isinstance(event, SpeechAudio):
            turn.events.append(event)
        match event:
            case SpeechStarted():
                turn.is_heard = True
            case SpeechStopped():
                turn.end = event.reason
            case Transcript():
                turn.transcripts.append(event.text)
            case ToolCall():
                turn.tools.append(event.tool)
                turn.call_ids.append(event.call_id)
            case ConfirmRequest():
                turn.confirmed += 1
            case TurnCompleted():
                turn.outcome, turn.server_ms = event.outcome, as_data(event)["latency_ms"]

    def _follow(self, event: Event) -> None:
        """Keep track of open turns and of the answer that is being spoken."""
        match event:
            case SpeechStarted(turn_id=turn_id):
                self._open.add(turn_id)
                if self._is_over.is_set():  # the rest of a clip that was taken for several turns
                    self._is_over = trio.Event()
            case SpeechAudioStart():
                self._open.add(SPEECH)
            case SpeechAudioEnd():
                self._open.discard(SPEECH)
            case TurnCompleted(turn_id=turn_id):
                self._open.discard(turn_id)
            case _:
                return
        if not self._open:
            self._is_over.set()
