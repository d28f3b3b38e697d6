"""Utterances of another sayso, asked through the whole port."""

import json
from typing import Any

import attrs
import httpx2
import pytest

from backends.ingress.audio_services import LiveUtterance, TranscriptionOptions
from backends.ingress.http_utterance import MAX_BYTES
from backends.speech.remote import wav_of
from protocol.audio.remote_utterance import FIELD, HEADER
from protocol.messages.hearing import NoWords, Recognition, SpokenWord, Utterance
from tests.backends.ingress.test_http_audio import TRANSCRIPTIONS, Busy, Server, running
from tests.backends.speech.sounds import sound, wav

PCM = bytes(range(250)) * 128  # a second
REQUEST = {"version": 1, "within_s": 4.0, "language": "en-GB", "vocabulary": ["kitchen light", "bedroom"]}


@attrs.define(eq=False)
class Recognising(Server):
    """A server with a recogniser that says what ``answer`` is."""

    answer: Recognition | NoWords = attrs.field(
        factory=lambda: Recognition("Turn it on", "en", 0.9, ("turn it off",), compute_s=0.25)
    )

    async def transcribe(self, utterance: Utterance, wanted: TranscriptionOptions) -> Recognition | NoWords:
        await super().transcribe(utterance, wanted)
        return self.answer


async def send(
    client: httpx2.AsyncClient, request: Any = None, file: bytes | None = None, **fields: str
) -> httpx2.Response:
    text = request if isinstance(request, str) else json.dumps(request or REQUEST)
    return await client.post(
        TRANSCRIPTIONS,
        files={"file": ("speech.wav", wav_of(PCM) if file is None else file)},
        data={"model": "whisper-1", "response_format": "verbose_json", FIELD: text, **fields},
        headers={HEADER: "1"},
    )


async def test_an_utterance_is_recognised_whole_with_its_vocabulary_and_alternatives() -> None:
    server = Recognising()
    async with running(server) as client:
        answer = await send(client, language="en")
    assert answer.status_code == 200
    [(utterance, wanted)] = server.heard
    assert utterance == Utterance(PCM, 0, 1_000)
    assert (wanted.language, wanted.model, wanted.words) == ("en-GB", None, False)
    assert wanted.live == LiveUtterance("127.0.0.1", ("kitchen light", "bedroom"), 4.0)
    assert answer.json()["text"] == "Turn it on"
    assert answer.json()[FIELD] == {
        "version": 1,
        "text": "Turn it on",
        "language": "en",
        "confidence": 0.9,
        "compute_s": 0.25,
        "alternatives": ["turn it off"],
    }
    assert not server.read, "nothing is decoded by another process"


async def test_the_times_of_words_are_told_where_they_are_wanted() -> None:
    server = Recognising(answer=Recognition("Hello", "en", 0.9, words=(SpokenWord("Hello", 100, 400, 0.7),)))
    async with running(server) as client:
        answer = await send(client, REQUEST | {"wants_words": True})
    assert server.heard[0][1].words
    assert answer.json()[FIELD]["words"] == [{"text": "Hello", "start_ms": 100, "end_ms": 400, "confidence": 0.7}]


async def test_why_nothing_was_recognised_is_told() -> None:
    async with running(Recognising(answer=NoWords("noise"))) as client:
        answer = await send(client)
    assert answer.json()["text"] == ""
    assert answer.json()[FIELD]["no_speech"] == "noise"


async def test_it_is_taken_under_load_and_while_recordings_are_in_work() -> None:
    async with running(Recognising(level=4)) as client:
        assert (await send(client)).status_code == 200
        recording = {"file": ("speech.wav", wav(sound(("loud", 1.0))).getvalue())}
        refused = await client.post(TRANSCRIPTIONS, files=recording, data={"model": "whisper-1"}, headers={HEADER: "1"})
        assert refused.status_code == 503, "the header alone makes no utterance of a recording"


async def test_a_full_queue_is_503_with_the_time_to_come_back() -> None:
    async with running(Recognising(troubles=[Busy(3.0)])) as client:
        answer = await send(client)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert "the queue is full" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("request_json", "told"),
    [
        ({"version": 2, "within_s": 1.0}, "the servers are of different versions of sayso"),
        ({"version": 1}, "missing required field `within_s`"),
        ({"version": 1, "within_s": 1.0, "language": "klingon"}, "klingon"),
        ("nonsense", "must be JSON with version 1"),
        ('{"version": ', "must be JSON with version 1"),
    ],
)
async def test_a_request_that_is_not_understood_is_refused_in_words(request_json: Any, told: str) -> None:
    server = Recognising()
    async with running(server) as client:
        answer = await send(client, request_json)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, FIELD)
    assert told in answer.json()["error"]["message"]
    assert not server.heard


async def test_it_needs_the_form_that_has_a_place_for_the_answer() -> None:
    async with running(Recognising()) as client:
        answer = await send(client, response_format="json")
    assert answer.json()["error"]["message"] == "sayso needs response_format verbose_json"


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (b"ID3 and so on, which is no WAV", "it is a file of kind MP3"),
        (wav(sound(("loud", 1.0)), 8_000).getvalue(), "'sample_rate': 8000"),
        (wav_of(bytes(MAX_BYTES + 2)), "not {"),
        (wav_of(bytes(MAX_BYTES + 8_192)), "bytes"),
    ],
)
async def test_another_file_than_such_a_server_sends_is_refused(file: bytes, told: str) -> None:
    server = Recognising()
    async with running(server) as client:
        answer = await send(client, file=file)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "file")
    message = answer.json()["error"]["message"]
    assert message.startswith("file must be a WAV file of 16 kHz, mono, 16 bits, of 30 s at most")
    assert told in message
    assert not server.heard
