"""Simulated callers: each follows a script, notes what it hears, and answers what it is asked."""

import json
from collections import Counter
from itertools import chain, repeat
from typing import Any, Final

import attrs
import trio

from backends.protocols import Refusal
from tests.simulation.callers import VOICE_FRAMES, Caller, Loss, Step
from tests.simulation.outside import NOISE, WAKE, WAKE_FRAMES, Outside, Weather, speech_of
from tests.simulation.trace import Trace
from tests.simulation.wire import CUT, SimulatedSocket

SILENCE_S: Final = 1.0  # longer than ends an utterance; half a command ends a second later, as stalled
PIECE_BYTES: Final = 3_200  # 0.1 s
PIECE_S: Final = 0.1
PATIENCE_S: Final = 60.0  # for a turn: its deadline, the time to confirm and what restarts take
RETRY_S: Final = 1.0
BYTES_PER_MS: Final = 32
CUT_IN_S: Final = 10.0  # as long as a user who wants to interrupt waits for an answer
UNHEARD: Final = -1  # no sentence: sound that was lost with a socket
UNFINISHED: Final = 9_999  # an unfinished sentence
TRIES: Final = 4


@attrs.define(eq=False)
class Heard:
    """What one client was told; ``log`` holds every text frame as ``(seq, type, data)``, ``did`` what it sent."""

    log: list[tuple[int, str, dict[str, Any]]] = attrs.field(factory=list)
    did: list[tuple[int, str]] = attrs.field(factory=list)
    """Types of the frames it sent, each with how much of ``log`` there was."""
    played: dict[str, list[tuple[int, int]]] = attrs.field(factory=dict)
    """By turn: sentence (``outside.Voice``) and bytes of each frame of sound."""
    close_code: int | None = None
    refused: int = 0
    gave_up: int = 0
    """How often it waited in vain for the end of a turn."""
    returned: int = 0
    """How often it came back to its session."""
    lost_answers: int = 0
    """How often it was cut off again before it had read the answer to its return."""
    forgotten: int = 0
    """How often it came back and was treated as new."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the data of all frames of one type."""
        return [data for _, name, data in self.log if name == kind]

    def hear(self, pcm: bytes) -> None:
        """Take sound of the answer whose sound began last; a frame is of one sentence."""
        turn_id = next((data["turn_id"] for _, name, data in reversed(self.log) if name == "speech_audio_start"), "")
        self.played.setdefault(turn_id, []).append((int.from_bytes(pcm[:2], "little"), len(pcm)))

    def rewind(self, turn_id: str, at_ms: int) -> None:
        """Forget the sound of a turn from there on: it will come again."""
        played, self.played[turn_id] = self.played.get(turn_id, []), []
        left_bytes = at_ms * BYTES_PER_MS
        for number, count_bytes in played:
            self.played[turn_id].append((number, min(count_bytes, left_bytes)))
            left_bytes -= self.played[turn_id][-1][1]
        if left_bytes:
            self.played[turn_id].append((UNHEARD, left_bytes))

    def sound_of(self, turn_id: str) -> Counter[int]:
        """Return how many bytes of each sentence were heard, the first one first."""
        sound = Counter[int]()
        for number, count_bytes in self.played.get(turn_id, ()):
            if number != UNHEARD:
                sound[number] += count_bytes
        return sound


class Client:
    """Follows one script."""

    def __init__(
        self, caller: Caller, outside: Outside, weather: Weather, trace: Trace, sayings: dict[int, str]
    ) -> None:
        self.caller = caller
        self.heard = Heard()
        self._outside = outside
        self._weather = weather
        self._trace = trace
        self._sayings = sayings
        self._socket: SimulatedSocket | None = None
        self._news = trio.Event()
        self._reads = trio.Event()
        self.is_done = trio.Event()
        self.idle_at: int | None = None
        """How many events it had heard when its script was over, with no turn open and still inside."""
        self._asked = 0
        self._is_here = trio.Event()
        self._is_leaving = False
        self._ring = bytearray()  # all that it has said aloud
        self._ring_at = 0
        self._flushing = trio.Lock()

    @property
    def is_inside(self) -> bool:
        """Whether it has a socket that is open."""
        return self._socket is not None and self._socket.close_code is None

    async def run(self) -> None:
        """Come, do what the script says, and go."""
        try:
            await self._visit()
        finally:
            self.is_done.set()

    async def _visit(self) -> None:
        await trio.sleep(self.caller.starts_s)
        self._socket = socket = await self._connect()
        if socket is None:
            return
        self._reads.set()
        self._is_here.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._listen, socket, nursery)
            await self._send("connection_request", **self.caller.options)
            await self._wait_until(lambda: bool(self.heard.of("connection_accepted")))
            losses = chain(self.caller.losses, repeat(Loss()))
            for (at_s, gap_s), loss in zip(self.caller.vanishes, losses, strict=False):
                nursery.start_soon(self._vanish, nursery, at_s, gap_s, loss)
            for step in self.caller.steps:
                await self._do(step)
            await self._leave()
            self.idle_at = len(self.heard.log) if self.is_inside and not self._open_turns() else None
            if self.caller.end != "stay":
                await self._wait_until(lambda: False)  # a hasty one is closed only after the turn that goes on
            self.is_done.set()

    async def _connect(self) -> SimulatedSocket | None:
        for _ in range(TRIES):
            ingress = self._outside.ingress
            door = None if ingress is None else await ingress.connect(self.caller.name)
            if isinstance(door, SimulatedSocket):
                return door
            if isinstance(door, Refusal):
                self.heard.refused += 1
            await trio.sleep(RETRY_S)
        self._note("stays outside")
        return None

    # --- what it does ----------------------------------------------------------------------------

    async def _do(self, step: Step) -> None:
        if step.kind == "cut in":
            await self._wait_for_an_answer()
        await trio.sleep(step.pause_s)
        match step.kind:
            case "say" | "cut in":
                await self._say(step)
            case "press":
                await self._send("session_update", mode="push_to_talk")
                await self._send("audio_start")
                await self._stream(speech_of(step.number, step.frames))
                await self._send("audio_end")
                await self._send("session_update", mode="hands_free")
                self._asked += 1
            case "text":
                await self._send("text", text=self._sayings[step.number])
                self._asked += 1
            case "nonsense":
                await self._put("{this is no JSON")
            case "trail off":
                await self._stream(speech_of(step.number or UNFINISHED, VOICE_FRAMES[0]))
            case "stall":
                self._reads = trio.Event()
                self._note("stops reading")
                await self._send("ping", t=1)
                await self._weather.take_time(0.5, 6.0)
                self._reads.set()
            case kind:
                await self._send(kind)
        if step.cough_frames:
            await self._cough(step.cough_frames)
        if step.number and step.is_awaited:
            await self._wait_until(self._is_answered)

    async def _wait_for_an_answer(self) -> None:
        with trio.move_on_after(CUT_IN_S):
            while len(self.heard.of("speech_audio_start")) == len(self.heard.of("speech_audio_end")):
                await self._news.wait()

    async def _say(self, step: Step) -> None:
        self._note(f"says {self._sayings[step.number]}")
        silence = bytes(round(SILENCE_S * 32_000))
        wake_word = speech_of(WAKE, WAKE_FRAMES) if self.caller.wake else b""
        await self._stream(wake_word + speech_of(step.number, step.frames) + silence)
        self._asked += 1

    async def _cough(self, frames: int) -> None:
        """Make a noise into the answer, as soon as it can be heard; if there is none, be quiet."""
        spoken = len(self.heard.of("speech_audio_start"))
        await self._wait_until(lambda: len(self.heard.of("speech_audio_start")) > spoken or self._is_answered())
        if not self._is_answered():
            self._note("coughs")
            self._asked += 1
            await self._stream(speech_of(NOISE, frames) + bytes(round(SILENCE_S * 32_000)))

    def _is_answered(self) -> bool:
        return len(self._open_turns()) == 0 and self._completed() >= self._asked

    async def _stream(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), PIECE_BYTES):
            self._ring += pcm[at : at + PIECE_BYTES]
            await self._flush()
            await trio.sleep(PIECE_S)

    async def _leave(self) -> None:
        await self._is_here.wait()
        self._is_leaving = True
        self._note(self.caller.end)
        if self.caller.end == "cut" and self._socket is not None:
            self._socket.end(CUT)
            return
        if self.caller.end != "hasty":
            await self._wait_until(lambda: not self._open_turns())
        if self.caller.end != "stay":
            await self._send("bye")

    async def _send(self, kind: str, **data: Any) -> None:
        if kind != "text" or data:
            self._note(f"sends {kind} {data.get('text', '')}")
        self.heard.did.append((len(self.heard.log), kind))
        await self._put(json.dumps({"type": kind, "data": data}))

    async def _put(self, frame: str) -> None:
        """Send words, behind all that was said aloud before."""
        while self.heard.close_code is None:
            await self._flush()
            await self._is_here.wait()
            if self._socket is None or await self._socket.client_sends(frame) or self._is_here.is_set():
                return

    async def _flush(self) -> None:
        """Send what was said aloud and is not known to have arrived."""
        async with self._flushing:
            while self._ring_at < len(self._ring) and self.heard.close_code is None:
                await self._is_here.wait()
                if self._socket is None:
                    return
                at = self._ring_at
                frame = bytes(self._ring[at : at + PIECE_BYTES])
                if await self._socket.client_sends(frame) and at == self._ring_at:
                    self._ring_at += len(frame)
                elif self._is_here.is_set() and self._socket.close_code is not None:
                    return

    # --- how it loses its socket -----------------------------------------------------------------

    async def _vanish(self, nursery: trio.Nursery, at_s: float, gap_s: float, loss: Loss) -> None:
        await trio.sleep(at_s)
        await self._is_here.wait()
        socket = self._socket
        # words that are lost are not said again
        while socket is not None and socket.has_unread_text:  # noqa: ASYNC110 - nothing here could be woken by it
            await trio.sleep(0.01)
        if socket is None or self._is_leaving or socket.closing is not None or socket.close_code is not None:
            return
        self._note(f"vanishes {loss.close_code}")
        self._is_here = trio.Event()
        socket.end(loss.close_code)
        await trio.sleep(gap_s)
        for try_s in loss.lost_answers_s:
            await self._lose_answer(try_s)
        await self._come_back(nursery)
        self._is_here.set()

    async def _lose_answer(self, try_s: float) -> None:
        """Ask for the session, and be cut off before anything of the answer is read."""
        socket = await self._connect()
        if socket is not None:
            self._note("comes back, and loses the answer")
            self.heard.lost_answers += 1
            await socket.client_sends(self._request_to_return())
            await trio.sleep(try_s)
            socket.end(CUT)

    def _request_to_return(self) -> str:
        token = self.heard.of("connection_accepted")[-1]["resume_token"]
        resume = {"token": token, "last_seq": self.heard.log[-1][0]}
        return json.dumps({"type": "connection_request", "data": self.caller.options | {"resume": resume}})

    async def _come_back(self, nursery: trio.Nursery) -> None:
        seen = self.heard.of("connection_accepted")
        self._socket = socket = await self._connect()
        if socket is None:
            self.heard.close_code = CUT
            self._tell()
            return
        await socket.client_sends(self._request_to_return())
        nursery.start_soon(self._listen, socket, nursery)
        await self._wait_until(
            lambda: len(self.heard.of("connection_accepted")) > len(seen) or socket.close_code is not None
        )
        if len(self.heard.of("connection_accepted")) == len(seen):  # cut again, perhaps for reading nothing
            self.heard.lost_answers += 1
            self.heard.close_code = CUT
            self._tell()
            return
        self._ring_at = 2 * self.heard.of("connection_accepted")[-1]["received_samples"]

    async def _wait_until(self, is_so: Any) -> None:
        with trio.move_on_after(PATIENCE_S) as patience:
            while not is_so() and self.heard.close_code is None:
                await self._news.wait()
        if patience.cancelled_caught:
            self.heard.gave_up += 1
            self._note("gives up waiting")

    # --- what it hears ---------------------------------------------------------------------------

    async def _listen(self, socket: SimulatedSocket, nursery: trio.Nursery) -> None:
        while True:
            await self._reads.wait()
            frame = await socket.client_receives()
            if frame is None:
                break
            if socket is not self._socket:
                continue
            if isinstance(frame, bytes):
                self.heard.hear(frame)
            else:
                self._take(frame, nursery)
        if socket is not self._socket or (not self._is_here.is_set() and socket.closing is None):
            self._tell()
            return  # it is lost
        self.heard.close_code = await socket.wait_closed()
        self._note(f"is closed {self.heard.close_code}")
        self._tell()

    def _take(self, frame: str, nursery: trio.Nursery) -> None:
        event = json.loads(frame)
        kind, data = event["type"], event["data"]
        if kind == "connection_refused":  # it is of no session
            self._note(f"is refused: {data['reason']}")
            return
        if kind == "connection_accepted" and self.heard.log and self._socket is not None:
            self.heard.returned += data["resumed"]
            if not data["resumed"]:
                self._note("is taken for somebody new")
                self.heard.forgotten += 1
                self.heard.close_code = CUT
                self._socket.end(CUT)
                self._tell()
                return
        self.heard.log.append((event["seq"], kind, data))
        told = data.get("text") or data.get("outcome") or data.get("message") or data.get("reason") or ""
        self._note(f"hears {event['seq']} {kind} {data.get('turn_id', '')} {told}")
        if kind == "speech_audio_resumed":
            self.heard.rewind(data["turn_id"], data["at_ms"])
        if kind == "confirm_request":
            nursery.start_soon(self._answer, data["call_id"])
        self._tell()

    async def _answer(self, call_id: str) -> None:
        await self._weather.take_time(0.1, 1.0)
        match self.caller.consents:
            case "aloud":
                await self._send("text", text="yes")
                self._asked += 1
            case "yes" | "no":
                await self._send("confirm", call_id=call_id, approve=self.caller.consents == "yes")

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    def _open_turns(self) -> set[str]:
        return turns_begun(self.heard) - {data["turn_id"] for data in self.heard.of("turn_completed")}

    def _completed(self) -> int:
        return len(self.heard.of("turn_completed"))

    def _note(self, what: str) -> None:
        self._trace.note(self.caller.name, what)


def turns_begun(heard: Heard) -> set[str]:
    """Return the turns that the client was told of."""
    return {data["turn_id"] for _, _, data in heard.log if "turn_id" in data}
