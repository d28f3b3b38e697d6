"""The outside world of the simulated server: workers, models, tools, store. Each can be told to misbehave.

Speech carries its meaning in itself: every sample of an utterance is the number of what is said, so that the simulated
Whisper knows the words, and the checks know whether some were lost or doubled.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import msgspec
import trio

from actors.meaning import Examples
from backends.jobs import (
    ClipTranscript,
    ClipTranscripts,
    RecordingBlock,
    SpeakText,
    SpokenText,
    TranscribeClips,
)
from backends.keys.key_file import KeyFile
from backends.keys.key_ring import KeyRing
from backends.llm.guarded import GuardedModel
from backends.protocols import (
    IngressHandlers,
    ProviderError,
    RequestAdmission,
    StoreError,
    ToolConnection,
    ToolServerLost,
)
from backends.shared.guarded import GuardedShared
from backends.understanding.examples import ExampleIndex
from config.settings import Settings
from protocol.dialects.speech_frames import SpeechEncoder
from protocol.messages.events import AudioFormat
from protocol.messages.records import SessionRecord, ToolRecord, TurnRecord
from protocol.messages.understanding import (
    CallProgress,
    CallTool,
    CompletionRequest,
    Generation,
    McpOffer,
    ModelToolCall,
    ToolAnnouncement,
    ToolOutcome,
    ToolSpec,
    Undo,
)
from runtime.messaging.pace import Pace
from runtime.workers.pool import JobFailed, JobTimeout, PoolUnavailable, WorkerLost
from tests.fake_pool import FakePool, PoolCall
from tests.fake_store import FakeStore
from tests.fakes import (
    WAKE_SAMPLE,
    WAKE_SAMPLES,
    FakeDecoder,
    FakeDetector,
    FakeModel,
    FakeWakeWordDetector,
)
from tests.simulation.sentences import CHANGES, READS, UNDOES, Grammar, read_meaning
from tests.simulation.trace import Trace
from tests.simulation.wire import SimulatedIngress

FRAME_BYTES = 512  # the detector's
SPEECH_RATE_HZ = 16_000
NOISE = 65_535  # what a cough says
WAKE = int.from_bytes(WAKE_SAMPLE, "little")  # what a wake word says
WAKE_FRAMES = WAKE_SAMPLES // (FRAME_BYTES // 2)
MUMBLED = "hm"  # the transcript of an unfinished sentence
Record = SessionRecord | TurnRecord | ToolRecord


@attrs.define
class Weather:
    """What goes wrong outside: troubles that wait for the next call of a part, each used once."""

    rng: random.Random
    trace: Trace
    _waiting: dict[str, deque[str]] = attrs.field(factory=lambda: defaultdict(deque), init=False)
    struck: Counter[str] = attrs.field(factory=Counter, init=False)
    """What has gone wrong indeed, as ``part:trouble``."""

    def brew(self, part: str, trouble: str) -> None:
        """Let the next call of ``part`` go wrong."""
        self._waiting[part].append(trouble)

    def strike(self, part: str) -> str | None:
        """Return what goes wrong with this call, if anything does."""
        if not self._waiting[part]:
            return None
        trouble = self._waiting[part].popleft()
        self.struck[f"{part}:{trouble}"] += 1
        self.trace.note("weather", f"{part}: {trouble}")
        return trouble

    async def take_time(self, least_s: float, most_s: float) -> None:
        """Wait as long as such a thing takes."""
        await trio.sleep(self.rng.uniform(least_s, most_s))


# --- audio ---------------------------------------------------------------------------------------


def speech_of(number: int, frames: int) -> bytes:
    """Return an utterance that says ``number``, of so many frames of 16 ms."""
    return number.to_bytes(2, "little") * (FRAME_BYTES // 2 * frames)


def spoken_in(pcm: bytes) -> list[int]:
    """Return the numbers that are said in an utterance, in order; what is shorter than a frame is no word."""
    step = FRAME_BYTES // 4  # wherever the frames of an utterance begin
    heard = Counter(int.from_bytes(pcm[at : at + 2], "little") for at in range(0, len(pcm) - 1, step))
    return [number for number, count in heard.items() if number not in {0, NOISE} and count * step > FRAME_BYTES]


# --- worker processes ----------------------------------------------------------------------------


class Nonsense(msgspec.Struct):
    """A reply to no job."""


class Workers(FakePool):
    """A pool whose workers may misbehave; ``work(job, blob)`` is what a healthy one does."""

    def __init__(self, name: str, weather: Weather, work: Callable[[Any, bytes], tuple[msgspec.Struct, bytes]]) -> None:
        super().__init__(self._answer)
        self._name, self._weather, self._work = name, weather, work

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._weather.take_time(0.0, 0.01)
        await super().run(task_status=task_status)

    async def _answer(self, call: PoolCall) -> tuple[msgspec.Struct, bytes]:
        match self._weather.strike(self._name):
            case "dies":
                await self._weather.take_time(0.0, 0.2)
                if call.attempts == 1:
                    raise WorkerLost(f"{self._name}: killed by SIGKILL")
            case "hangs":
                await trio.sleep(call.timeout_s)
                if call.attempts == 1:
                    raise JobTimeout(f"{self._name}: not done in {call.timeout_s:g} s")
            case "refuses":
                raise PoolUnavailable(f"no {self._name} worker can start", 1.0)
            case "fails":
                raise JobFailed(f"{self._name}: a mistake in the worker")
            case "garbage":
                return Nonsense(), b""
        await self._weather.take_time(0.02, 0.2)
        return self._work(call.job, call.blob)


def hear(sayings: Mapping[int, str]) -> Callable[[TranscribeClips, bytes], tuple[ClipTranscripts, bytes]]:
    """Return what Whisper does: words out of samples."""

    def answer(job: TranscribeClips, blob: bytes) -> tuple[ClipTranscripts, bytes]:
        found, at = [], 0
        for clip in job.clips:
            numbers = spoken_in(blob[at : at + clip.size_bytes])
            at += clip.size_bytes
            found.append(
                ClipTranscript(
                    text=" and ".join(sayings.get(number, MUMBLED) for number in numbers),
                    language="en",
                    confidence=0.9,
                    no_speech=None if numbers else "noise",
                    compute_s=0.05,
                )
            )
        return ClipTranscripts(tuple(found)), b""

    return answer


@attrs.define(eq=False)
class Voice:
    """Makes sound of sentences: every sample of one is its number here, so that it is known what a client heard."""

    letter_bytes: int
    """How long a letter takes; few, where time spent listening is not what is tested."""
    sentences: list[str] = attrs.field(factory=lambda: [""], init=False)

    def speak(self, job: SpeakText, _blob: bytes) -> tuple[SpokenText, bytes]:
        text = job.text
        if text not in self.sentences:
            self.sentences.append(text)
        mark = self.sentences.index(text).to_bytes(2, "little")
        return SpokenText(SPEECH_RATE_HZ), mark * (self.size_bytes(text) // 2)

    def size_bytes(self, text: str) -> int:
        """Return how much sound a sentence is."""
        return self.letter_bytes * len(text)


# --- understanding -------------------------------------------------------------------------------


@attrs.define(eq=False)
class Model(FakeModel):
    """Answers ``ask 7`` in words, ``read 7`` after looking, ``act 7`` after a change that the user has to confirm."""

    weather: Weather = attrs.field(kw_only=True)

    async def generate(self, request: CompletionRequest) -> Generation:
        messages = request.messages
        trouble = self.weather.strike("model")
        if trouble == "fails":
            raise ProviderError("500 Internal Server Error")
        await self.weather.take_time(*((4.0, 9.0) if trouble == "slow" else (0.05, 0.3)))
        calls = () if messages[-1].role == "tool" else self._calls(messages[-1].content, request.tools)
        pieces = ["One moment. "] if calls else ["That is ", f"so: {messages[-1].content[:40]}. ", "It is all I know."]
        for at, piece in enumerate(pieces):
            if trouble == "cut" and at == len(pieces) - 1:
                raise ProviderError("the stream broke off")
            await request.text_sink.send(piece)
            await self.weather.take_time(0.0, 0.1)
        return Generation("".join(pieces), calls, self.name, "tiny")

    def _calls(self, text: str, tools: Sequence[ToolSpec]) -> tuple[ModelToolCall, ...]:
        verb, _, number = text.partition(" ")
        wanted = {"read": READS, "act": CHANGES}.get(verb)
        offered = next((tool.name for tool in tools if wanted is not None and tool.name.endswith(wanted)), None)
        if offered is None or not number.isdigit():
            return ()
        return (ModelToolCall(f"call-{number}", offered, {"number": int(number)}),)


# --- tools ---------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Toolshed:
    """What tool servers have done: how often each id was called, and each number changed."""

    weather: Weather
    calls: Counter[str] = attrs.field(factory=Counter, init=False)
    changes: Counter[int] = attrs.field(factory=Counter, init=False)
    undone: Counter[int] = attrs.field(factory=Counter, init=False)

    def in_effect(self, number: int) -> int:
        """Return how often a number is changed and not changed back."""
        return self.changes[number] - self.undone[number]

    @asynccontextmanager
    async def open(
        self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]
    ) -> AsyncIterator[ToolConnection]:
        """Connect to a server."""
        trouble = self.weather.strike(f"{name}-start")
        await self.weather.take_time(0.0, 0.05)
        if trouble is not None:
            raise ToolServerLost(f"{name} does not start")
        yield Server(name, self)


class Server:
    """One connected tool server."""

    def __init__(self, name: str, shed: Toolshed) -> None:
        self.name = name
        self.notes: tuple[str, ...] = ()
        self._shed = shed
        self._lost = trio.Event()

    async def list_tools(self) -> tuple[ToolSpec, ...]:
        await trio.lowlevel.checkpoint()
        if self.name != "house":
            return ()
        return (
            ToolSpec("house", READS, "", {}, read_only=True),
            ToolSpec("house", CHANGES, "", {}, is_reversible=True),
            ToolSpec("house", UNDOES, "", {}),
        )

    async def list_offers(self) -> tuple[McpOffer, ...]:
        await trio.lowlevel.checkpoint()
        return ()

    async def set_listeners(self, sessions: Mapping[str, str]) -> None:
        await trio.lowlevel.checkpoint()

    async def confirm_told(self, receipts: Sequence[int]) -> bool:
        await trio.lowlevel.checkpoint()
        return True

    async def call(self, request: CallTool) -> ToolOutcome:
        tool, number = request.tool, request.arguments["number"]
        shed, started_s = self._shed, trio.current_time()
        trouble = shed.weather.strike("tool")
        if trouble == "dies before":
            self._die("killed")
        shed.calls[request.call_id] += 1
        if tool == CHANGES:
            shed.changes[number] += 1
        if tool == UNDOES:
            shed.undone[number] += 1
        shed.weather.trace.note(self.name, f"{tool} {number} as {request.call_id}")
        if request.progress_sink is not None:
            await request.progress_sink.send(CallProgress(1.0))
        await shed.weather.take_time(0.01, 0.1)
        if trouble == "dies after":
            self._die("killed")
        if trouble == "hangs":
            await trio.sleep_forever()
        content = f"{tool} {number} done."
        undo = Undo(UNDOES, {"number": number}) if tool == CHANGES else None
        return ToolOutcome(ok=True, content=content, duration_s=trio.current_time() - started_s, undo=undo)

    async def wait_changed(self) -> None:
        await trio.sleep_forever()

    async def wait_lost(self) -> str:
        await self._lost.wait()
        return "killed"

    def _die(self, why: str) -> None:
        self._lost.set()
        raise ToolServerLost(why)


# --- history and figures -------------------------------------------------------------------------


@attrs.define(eq=False)
class Store(FakeStore):
    """Keeps what is written; outlives the actor that writes."""

    weather: Weather = attrs.field(kw_only=True)
    failed_s: float = -1.0
    """When it failed last."""

    async def write(self, records: Sequence[Record]) -> None:
        trouble = self.weather.strike("store")
        await self.weather.take_time(0.0, 0.02)
        if trouble is not None:
            self.failed_s = trio.current_time()
            raise StoreError("the disk is full")
        await super().write(records)


class Figures:
    """A registry of metrics that keeps none."""

    def count(self, name: str, labels: Sequence[str], amount: float = 1.0) -> None:
        pass

    def gauge(self, name: str, labels: Sequence[str], value: float) -> None:
        pass

    def observe(
        self, name: str, labels: Sequence[str], value: float, exemplar: Mapping[str, str] | None = None
    ) -> None:
        pass


@attrs.frozen
class Sample:
    """A machine at rest."""

    memory_bytes: int = 1
    cpu_percent: float = 1.0


class Machine:
    """What is measured of it."""

    cpu_percent = 1.0
    memory_bytes = 1 << 28

    def sample(self) -> Sample:
        return Sample()

    def memory(self) -> Mapping[str, float]:
        return {"percent": 1.0}


class NoKeys(KeyRing):
    """Keys of which there are none, and that are looked at without a thread."""

    def __init__(self) -> None:
        super().__init__(KeyFile(Path("/nonexistent/keys.json")), is_demanded=False, unix_time=lambda: 0.0)

    async def refresh(self) -> None:
        await trio.lowlevel.checkpoint()


class Outside:
    """All of it, with the face of ``assembly.adapters.Adapters``."""

    version = "simulated"

    def __init__(self, settings: Settings, weather: Weather, sayings: Mapping[int, str], letter_bytes: int) -> None:
        self.grammar = self.command_files = Grammar()
        self.home = None
        self.pace = Pace()
        self.metrics = Figures()
        self.machine = Machine()
        self.keys = NoKeys()
        self.shared: GuardedShared | None = None
        self.shed = Toolshed(weather)
        self.database = Store(weather=weather)
        self.voice = Voice(letter_bytes)
        self.ingress: SimulatedIngress | None = None
        self._settings = settings
        self._weather = weather
        self._sayings = sayings

    def make_decoder(self, _audio: AudioFormat) -> FakeDecoder:
        return FakeDecoder()

    def make_encoder(self, _sample_rate_hz: int) -> SpeechEncoder:
        raise AssertionError("nobody here wants packets")

    def make_detector(self) -> FakeDetector:
        return FakeDetector()

    def make_wake_word_detector(self, word: str) -> FakeWakeWordDetector:
        return FakeWakeWordDetector(word)

    def wake_word_problem(self, word: str) -> str | None:
        return None if word == "okay nabu" else "there is only okay nabu"

    def recogniser_pool(self, may_recycle: Callable[[], bool]) -> Workers:
        return Workers("whisper", self._weather, hear(self._sayings))

    def whisper_pool(self, _model: str) -> Workers:
        return Workers("whisper", self._weather, hear(self._sayings))

    def voices(self) -> None:
        """Know no names: any voice speaks."""

    def synthesiser_pool(self) -> Workers:
        return Workers("piper", self._weather, self.voice.speak)

    def media_pool(self) -> Workers:
        return Workers("media", self._weather, lambda _job, _blob: (RecordingBlock(is_last=True), b""))

    def meaning_pool(self) -> Workers:
        return Workers("meaning", self._weather, read_meaning)

    def make_examples(self) -> Examples:
        return ExampleIndex()

    def language_models(self) -> list[GuardedModel]:
        model = Model("simulated", weather=self._weather)
        return [GuardedModel(model, max_at_once=2, timeout_s=self._settings.inference.request_timeout_s)]

    def embedded_model(self) -> None:
        return None

    def response_cache(self) -> None:
        return None

    def tool_server_names(self) -> Sequence[str]:
        return ("house", "garden")

    def open_tool_server(self, name: str, *, on_announcement: Callable[[ToolAnnouncement], None]) -> Any:
        return self.shed.open(name, on_announcement=on_announcement)

    def store(self) -> Store:
        return self.database

    def make_ingress(
        self,
        _http: object,
        _audio: object,
        _publish_certificate: object,
        handlers: IngressHandlers,
        admission: RequestAdmission,
    ) -> SimulatedIngress:
        self.ingress = SimulatedIngress(handlers, admission)
        return self.ingress
