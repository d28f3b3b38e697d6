"""OpenAI's audio API, asked through the whole port."""

import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx2
import numpy as np
import pytest
import trio

from actors.admission.gateway_admission import AdmissionInputs
from backends.ingress.audio_services import AudioServices, RecordingDecoder, RecordingPace, TranscriptionOptions
from backends.ingress.http_app import HttpServices, make_app
from backends.ingress.http_commands import CommandRoute
from backends.ingress.http_history import HistoryRoutes
from backends.ingress.http_models import ModelServices
from backends.jobs import DecodeRecording, RecordingBlock
from backends.speech.media import MediaWorker
from protocol.messages.hearing import NoWords, Recognition, SpokenWord, Utterance
from protocol.messages.recordings import CloseRecording, DecodedBlock, ReadRecording, RecordingRefused
from protocol.messages.speaking import SpokenAudio
from runtime import DomainError
from tests.backends.ingress.ingress_fixtures import serving
from tests.backends.speech.sounds import LoudnessDetector, sound, wav
from tests.fakes import Notes
from tests.systems import OPEN_FILES

TRANSCRIPTIONS = "/v1/audio/transcriptions"
SPEECH = "/v1/audio/speech"


class Busy(DomainError):
    """What a full queue says."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("the queue is full")
        self.retry_after_s = retry_after_s


async def nothing(*_: object) -> Any:
    return ()


NO_MODELS = ModelServices(nothing, nothing, nothing)


@attrs.define(eq=False)
class Server:
    """What stands behind the API."""

    at_once: int = 2
    level: int = 0
    """Of load, when a request is admitted."""
    rests: list[float | None] = attrs.field(factory=list)
    """How long a recording rests, each time that it asks."""
    troubles: list[Exception] = attrs.field(factory=list)
    hold: Callable[[int], Awaitable[None]] | None = None
    """What the segment of a number waits for."""
    heard: list[tuple[Utterance, TranscriptionOptions]] = attrs.field(factory=list)
    spoken: list[tuple[str, str | None, float]] = attrs.field(factory=list)
    speaking: Callable[[str], Awaitable[SpokenAudio]] | None = None
    """What speaks instead."""
    reading: Callable[[ReadRecording], Awaitable[None]] | None = None
    """What a block of a recording waits for."""
    read: list[ReadRecording] = attrs.field(factory=list)
    closed: Notes[CloseRecording] = attrs.field(factory=Notes)
    counted: list[str] = attrs.field(factory=list)
    decoder: MediaWorker = attrs.field(factory=lambda: MediaWorker({}))
    most_at_once: int = 0
    voices: tuple[str, ...] | None = None
    _running: int = 0

    async def decode(self, message: ReadRecording) -> DecodedBlock | RecordingRefused:
        self.read.append(message)
        if self.reading is not None:
            await self.reading(message)
        block, pcm = self.decoder.handle(DecodeRecording(**attrs.asdict(message)), b"")
        assert isinstance(block, RecordingBlock)
        return DecodedBlock(pcm, block.is_last) if block.refusal is None else RecordingRefused(block.refusal)

    async def transcribe(self, utterance: Utterance, wanted: TranscriptionOptions) -> Recognition | NoWords:
        self.heard.append((utterance, wanted))
        number = len(self.heard)
        self._running += 1
        self.most_at_once = max(self.most_at_once, self._running)
        try:
            if self.hold is not None:
                await self.hold(number)
            if self.troubles:
                raise self.troubles.pop(0)
        finally:
            self._running -= 1
        if utterance.end_ms - utterance.start_ms < 900:
            return NoWords("noise")
        words = (SpokenWord("part", 100, 300, 0.9), SpokenWord(str(number), 300, 500, 0.8)) if wanted.words else ()
        return Recognition(f"part {number}", "en", 0.9, words=words)

    async def synthesise(self, text: str, voice: str | None, speed: float) -> SpokenAudio:
        self.spoken.append((text, voice, speed))
        if self.speaking is not None:
            return await self.speaking(text)
        if self.troubles:
            raise self.troubles.pop(0)
        return SpokenAudio(bytes(2 * 2_205), 22_050)

    def services(self) -> AudioServices:
        return AudioServices(
            RecordingDecoder(self.decode, self.closed.add, self.counted.append),
            self.transcribe,
            self.synthesise,
            LoudnessDetector,
            RecordingPace(self.at_once, lambda: self.rests.pop(0) if self.rests else None),
            lambda: ("tiny.en", "base"),
            lambda language, _: "fr is not heard" if language == "fr" else None,
            lambda: self.voices,
            lambda model: "base" if model in {None, "base"} else None,
        )


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    services = HttpServices(
        HistoryRoutes(nothing, nothing, nothing), nothing, "1", lambda _: {}, dict, NO_MODELS, CommandRoute(tuple)
    )
    app = make_app(services, server.services())
    listening = serving(app=app, inputs=AdmissionInputs(load_level=lambda: server.level))
    async with listening as listener, httpx2.AsyncClient(base_url=f"http://127.0.0.1:{listener.port}") as client:
        yield client


def recording(parts: int = 2) -> bytes:
    pieces = [("quiet", 1.0), *([("loud", 1.0), ("quiet", 1.0)] * parts)]
    return wav(sound(*pieces)).getvalue()


async def upload(client: httpx2.AsyncClient, data: bytes | None = None, **fields: str) -> httpx2.Response:
    files = {"file": ("speech.wav", recording() if data is None else data)}
    return await client.post(TRANSCRIPTIONS, files=files, data={"model": "whisper-1", **fields})


# --- what a server is for -------------------------------------------------------------------------


@attrs.define(eq=False)
class RoleServer(Server):
    """A server that does a part of it for others."""

    changes: dict[str, Any] = attrs.field(factory=dict)

    def services(self) -> AudioServices:
        return attrs.evolve(super().services(), **self.changes)


@pytest.mark.parametrize(
    ("changes", "path", "told"),
    [
        ({"does": ("speak",)}, TRANSCRIPTIONS, "its role is speak"),
        ({"does": ("recognise",)}, SPEECH, "its role is recognise"),
    ],
)
async def test_what_a_server_is_not_for_is_refused_for_good(changes: dict[str, Any], path: str, told: str) -> None:
    async with running(RoleServer(changes=changes)) as client:
        answer = await client.post(path, json={"input": "Hello.", "model": "tts-1"})
        listed = (await client.get("/v1/models")).json()["data"]
    assert answer.status_code == 404
    assert told in answer.json()["error"]["message"]
    assert ("tts-1" in {model["id"] for model in listed}) is (path == TRANSCRIPTIONS)
    assert ("whisper-1" in {model["id"] for model in listed}) is (path == SPEECH)


# --- recordings ----------------------------------------------------------------------------------


async def test_a_recording_becomes_text() -> None:
    server = Server()
    async with running(server) as client:
        response = await upload(client, language="de")
    assert response.status_code == 200
    assert response.json() == {"text": "part 1 part 2", "usage": {"type": "duration", "seconds": 5}}
    assert [wanted for _, wanted in server.heard] == [TranscriptionOptions("de")] * 2


@pytest.mark.parametrize(
    ("wanted", "content_type", "beginning"),
    [
        ("text", "text/plain", "part 1 part 2\n"),
        ("srt", "application/x-subrip", "1\n00:00:00,6"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.6"),
        ("json", "application/json", '{"text":'),
    ],
)
async def test_the_text_comes_in_the_wanted_form(wanted: str, content_type: str, beginning: str) -> None:
    async with running(Server(at_once=1)) as client:
        response = await upload(client, response_format=wanted)
    assert response.headers["content-type"].startswith(content_type)
    assert response.text.startswith(beginning)


async def test_the_long_form_has_times_and_length() -> None:
    async with running(Server(at_once=1)) as client:
        page = (await upload(client, response_format="verbose_json")).json()
    assert (page["language"], page["duration"]) == ("en", 5.0)
    assert [segment["text"] for segment in page["segments"]] == ["part 1", "part 2"]
    assert page["segments"][1]["start"] == pytest.approx(2.68, abs=0.05)


async def test_words_have_times_in_the_recording_where_they_are_asked_for() -> None:
    server = Server(at_once=1)
    async with running(server) as client:
        page = (
            await upload(client, None, **{"response_format": "verbose_json", "timestamp_granularities[]": "word"})
        ).json()
    assert [word["word"] for word in page["words"]] == ["part", "1", "part", "2"]
    assert page["words"][2]["start"] == pytest.approx(2.78, abs=0.05)
    assert server.heard[0][1].words


async def test_a_recording_is_heard_with_a_model_that_is_offered_and_no_other() -> None:
    server = Server()
    async with running(server) as client:
        await upload(client, model="base")
        response = await upload(client, model="huge")
    assert [wanted.model for _, wanted in server.heard] == ["base", "base"]
    assert response.status_code == 404
    assert response.json()["error"]["message"] == "model must be one of tiny.en, base or whisper-1, not 'huge'"


async def test_segments_are_in_order_whichever_is_ready_first() -> None:
    passed = [trio.Event() for _ in range(4)]
    passed[3].set()

    async def backwards(number: int) -> None:
        await passed[number].wait()
        passed[number - 1].set()

    async with running(Server(at_once=3, hold=backwards)) as client:
        page = (await upload(client, recording(3), response_format="verbose_json")).json()
    starts = [segment["start"] for segment in page["segments"]]
    assert starts == sorted(starts)
    assert len(starts) == 3


async def test_no_more_segments_are_in_work_than_the_server_allows() -> None:
    second = trio.Event()

    async def in_company(number: int) -> None:
        if number == 2:
            second.set()
        await second.wait()

    server = Server(at_once=2, hold=in_company)
    async with running(server) as client:
        await upload(client, recording(6))
    assert (server.most_at_once, len(server.heard)) == (2, 6)


async def test_a_recording_without_words_is_an_empty_text() -> None:
    async with running(Server()) as client:
        response = await upload(client, wav(sound(("quiet", 3))).getvalue())
    assert response.json() == {"text": "", "usage": {"type": "duration", "seconds": 3}}


async def test_a_full_queue_is_waited_for() -> None:
    server = Server(at_once=1, troubles=[Busy(0.01), Busy(0.01)])
    async with running(server) as client:
        response = await upload(client)
    assert (response.status_code, len(server.heard)) == (200, 4)


async def test_a_failure_of_ours_is_503_and_not_repeated_for_ever() -> None:
    server = Server(troubles=[Busy(None)] * 2)
    async with running(server) as client:
        response = await upload(client)
    assert response.status_code == 503
    assert response.headers["retry-after"] == "10"
    assert response.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    ("data", "fields", "words"),
    [
        (b"not a recording" * 50, {}, "no recording that can be decoded"),
        (b"", {}, "no recording that can be decoded"),
        (None, {"response_format": "midi"}, "response_format must be one of json, text, srt, vtt, verbose_json"),
        (None, {"language": "klingon"}, "language must be a code"),
        (None, {"timestamp_granularities[]": "word"}, "times of words need response_format verbose_json"),
        (None, {"timestamp_granularities[]": "letter"}, "must be word or segment"),
    ],
)
async def test_a_bad_upload_is_told_what_was_expected(data: bytes | None, fields: dict[str, str], words: str) -> None:
    async with running(Server()) as client:
        response = await upload(client, data, **fields)
        assert response.status_code == 400
        assert words in response.json()["error"]["message"]
        assert response.json()["error"]["type"] == "invalid_request_error"
        assert (await upload(client)).status_code == 200, "the next one is served"


async def test_an_upload_without_a_file_is_told_what_is_missing() -> None:
    async with running(Server()) as client:
        for data in ({"model": "whisper-1"}, {"file": "x"}, None):
            response = await client.post(TRANSCRIPTIONS, data=data)
            assert response.status_code == 400
            assert "file must be a recording" in response.json()["error"]["message"]


async def test_a_large_recording_is_taken_and_nothing_large_elsewhere() -> None:
    pcm = np.zeros(16_000 * 120, "<i2").tobytes()
    async with running(Server()) as client:
        assert (await upload(client, wav(pcm).getvalue())).status_code == 200
        response = await client.post(SPEECH, content=b" " * 100_000)
    assert response.status_code == 413


async def test_only_so_many_recordings_are_in_work_at_once() -> None:
    statuses: list[int] = []
    refused = trio.Event()

    async def one(client: httpx2.AsyncClient) -> None:
        statuses.append((await upload(client)).status_code)
        if statuses.count(503) == 2:
            refused.set()

    async def until_two_were_refused(_number: int) -> None:
        await refused.wait()

    server = Server(hold=until_two_were_refused)
    async with running(server) as client, trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(one, client)
    assert sorted(statuses) == [200, 200, 503, 503]
    assert server.counted == ["busy", "busy"]


async def begin_upload(port: int) -> trio.SocketStream:
    """Send the head of an upload and a few bytes of its body."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    head = f"POST {TRANSCRIPTIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
    head += 'Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="file";'
    await stream.send_all(f'{head} filename="a.wav"\r\n\r\n'.encode() + wav(bytes(10_000)).getvalue())
    return stream


async def test_uploads_that_are_still_arriving_keep_no_other_out() -> None:
    server = Server()
    async with running(server) as client:
        slow = [await begin_upload(client.base_url.port or 0) for _ in range(3)]
        response = await upload(client)
        for stream in slow:
            await stream.aclose()
    assert response.status_code == 200
    assert len({message.recording_id for message in server.read}) == 1


def stored_files() -> list[str]:
    """Return the temporary files that this process has open: without a name, or with one where that cannot be."""
    links = [str(link.readlink()) for link in OPEN_FILES.iterdir() if link.is_symlink()]
    nameless = [link for link in links if link.endswith(" (deleted)") and "/memfd:" not in link]
    return nameless + [link for link in links if Path(link).name.startswith("tmp") and Path(link).is_file()]


@pytest.mark.parametrize("data", [None, b"not a recording" * 50])
async def test_nothing_is_left_of_a_recording_when_it_is_answered(data: bytes | None) -> None:
    stored: list[list[str]] = []

    async def look(_message: ReadRecording) -> None:
        stored.append(stored_files())

    before = stored_files()
    server = Server(reading=look)
    async with running(server) as client:
        await upload(client, data)
    assert [len(found) - len(before) for found in stored] == [1]
    assert stored_files() == before
    assert server.closed == [], "it is read to its end, or refused"


async def test_a_recording_whose_client_goes_is_closed_and_deleted() -> None:
    is_read = trio.Event()

    async def for_ever(_message: ReadRecording) -> None:
        is_read.set()
        await trio.sleep_forever()

    before = stored_files()
    server = Server(reading=for_ever)
    async with running(server) as client, trio.open_nursery() as nursery:
        nursery.start_soon(upload, client)
        await is_read.wait()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await server.closed.wait_until(len)
    assert [(closed.recording_id, closed.outcome) for closed in server.closed] == [
        (server.read[0].recording_id, "abandoned")
    ]
    assert stored_files() == before


async def test_a_decoder_that_is_not_there_is_503() -> None:
    async def fail(_message: ReadRecording) -> None:
        raise Busy(1.0)

    server = Server(reading=fail)
    async with running(server) as client:
        response = await upload(client)
    assert response.status_code == 503
    assert [closed.outcome for closed in server.closed] == ["unavailable"]


@pytest.mark.parametrize("beginning", [b"", b"--b\r\n"], ids=["before the first part", "in a part's head"])
async def test_a_form_that_is_no_file_is_not_kept_in_memory(beginning: bytes) -> None:
    async with running(Server()) as client:
        body = beginning + b"x: " * 1_000_000
        response = await client.post(
            TRANSCRIPTIONS, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
        )
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "a form must have at most 262,144 bytes beside its recording"


async def test_only_a_form_may_be_large() -> None:
    async with running(Server()) as client:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        response = await client.post(TRANSCRIPTIONS, content=b"file=" + bytes(1_000_000), headers=headers)
    assert response.status_code == 413


async def test_a_second_file_in_one_request_is_refused() -> None:
    server = Server()
    async with running(server) as client:
        files = [("file", ("a.wav", recording())), ("other", ("b.wav", recording()))]
        response = await client.post(TRANSCRIPTIONS, files=files)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "a request must hold one recording, and no second file"
    assert server.counted == ["bad_request"]


async def test_an_absurd_rate_is_refused_with_the_rates_that_are_not() -> None:
    async with running(Server()) as client:
        response = await upload(client, b".snd" + struct.pack(">5I", 24, 8, 3, 1_895_841_408, 1) + b"\x10\0" * 4)
    assert response.status_code == 400
    assert response.json()["error"]["message"] == "the rate must be from 1,000 to 384,000 Hz, not 1,895,841,408"


async def test_under_load_recordings_and_texts_have_to_wait() -> None:
    server = Server(level=2)
    async with running(server) as client:
        for response in (await upload(client), await client.post(SPEECH, json={"input": "hello"})):
            assert response.status_code == 503
            assert response.headers["retry-after"] == "10"
    assert (server.heard, server.spoken, server.counted) == ([], [], ["busy"])


async def test_a_recording_in_work_rests_while_there_is_load() -> None:
    server = Server(at_once=1, rests=[None, 0.01, 0.02])  # asked before each piece
    async with running(server) as client:
        response = await upload(client)
    assert response.json()["text"] == "part 1 part 2"
    assert (server.rests, len(server.heard)) == ([], 2)
