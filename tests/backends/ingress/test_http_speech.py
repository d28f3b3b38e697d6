"""OpenAI's text to speech, asked through the whole port."""

import base64
import io
import json
import wave

import httpx2
import pytest
import trio

from backends.ingress.http_audio import SPEECH
from backends.ingress.http_speech import sentences_of
from protocol.messages.speaking import SpokenAudio
from tests.backends.ingress.test_http_audio import Busy, Server, running

# --- speech --------------------------------------------------------------------------------------


async def test_a_text_is_spoken_sentence_by_sentence() -> None:
    server = Server()
    async with running(server) as client:
        body = {"model": "tts-1", "input": "Good morning. How are you?", "voice": "amy", "speed": 1.5}
        response = await client.post(SPEECH, json=body | {"response_format": "wav"})
    assert response.headers["content-type"] == "audio/wav"
    assert "content-length" not in response.headers
    assert server.spoken == [("Good morning.", "amy", 1.5), ("How are you?", "amy", 1.5)]
    with wave.open(io.BytesIO(response.content)) as file:
        assert file.getframerate() == 22_050
        assert len(file.readframes(1_000_000)) == 2 * 2 * 2_205


async def test_one_sentence_comes_whole_with_its_length() -> None:
    async with running(Server()) as client:
        response = await client.post(SPEECH, json={"input": "Hello.", "response_format": "wav"})
    assert response.headers["content-length"] == str(len(response.content))
    with wave.open(io.BytesIO(response.content)) as file:
        assert (file.getframerate(), file.getnframes()) == (22_050, 2_205)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
async def test_the_first_sentence_is_sent_before_the_second_is_made(name: str) -> None:
    second_may = trio.Event()

    async def speak(text: str) -> SpokenAudio:
        if text == "How are you?":
            await second_may.wait()
        return SpokenAudio(bytes(2 * 44_100), 22_050)

    server = Server(speaking=speak)
    body = {"input": "Good morning. How are you?", "response_format": name}
    async with running(server) as client, client.stream("POST", SPEECH, json=body) as response:
        parts = response.aiter_bytes()
        first = await anext(parts)
        second_may.set()
        rest = [part async for part in parts]
    assert first
    assert rest


async def test_speech_comes_as_events_where_that_is_asked_for() -> None:
    body = {"input": "One. Two.", "stream_format": "sse", "response_format": "pcm"}
    async with running(Server()) as client:
        response = await client.post(SPEECH, json=body)
    assert response.headers["content-type"].startswith("text/event-stream")
    *deltas, done = [json.loads(line.removeprefix("data: ")) for line in response.text.splitlines() if line]
    assert {event["type"] for event in deltas} == {"speech.audio.delta"}
    assert len(b"".join(base64.b64decode(event["audio"]) for event in deltas)) == 2 * 2 * 2_400
    assert done == {"type": "speech.audio.done"}


async def test_speech_that_fails_half_way_is_an_event_or_ends_too_soon(caplog: pytest.LogCaptureFixture) -> None:
    async def speak(text: str) -> SpokenAudio:
        if text == "Two.":
            raise Busy(None)
        return SpokenAudio(bytes(2 * 2_205), 22_050)

    async with running(Server(speaking=speak)) as client:
        events = await client.post(SPEECH, json={"input": "One. Two.", "stream_format": "sse"})
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post(SPEECH, json={"input": "One. Two."})
        assert (await client.post(SPEECH, json={"input": "One."})).status_code == 200
    told = {"type": "error", "error": {"type": "server_error", "message": "the rest could not be spoken"}}
    assert json.loads(events.text.splitlines()[-2].removeprefix("data: ")) == told
    assert "an answer was cut off: the rest of a text could not be spoken: the queue is full" in caplog.text
    assert "Traceback" not in caplog.text


async def test_a_voice_that_is_not_ours_means_the_default() -> None:
    server = Server()
    async with running(server) as client:
        response = await client.post(SPEECH, json={"model": "tts-1", "input": "Hello.", "voice": "alloy"})
    assert response.headers["content-type"] == "audio/mpeg"
    assert server.spoken == [("Hello.", None, 1.0)]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"hello", "the body must be JSON"),
        (b"{}", "missing required field `input`"),
        (b'{"input": "a", "x": ' + b"[" * 60_000, "the body must be JSON"),
        (json.dumps({"input": ""}).encode(), "1 to 4096 characters, not 0"),
        (json.dumps({"input": "a" * 5_000}).encode(), "1 to 4096 characters, not 5000"),
        (json.dumps({"input": "a", "response_format": "midi"}).encode(), "mp3, opus, aac, flac, wav, pcm"),
        (
            json.dumps({"input": "a", "stream_format": "opus"}).encode(),
            "stream_format must be one of audio, sse, not 'opus'",
        ),
        (json.dumps({"input": "a", "voice": {"name": "x"}}).encode(), "missing required field `id`"),
        (json.dumps({"input": "a", "speed": 9}).encode(), "speed must be between 0.25 and 4, not 9"),
        (json.dumps({"input": "```\n```"}).encode(), "something that can be spoken"),
    ],
)
async def test_a_bad_text_is_told_what_was_expected(body: bytes, words: str) -> None:
    async with running(Server()) as client:
        response = await client.post(SPEECH, content=body)
    assert response.status_code == 400
    assert words in response.json()["error"]["message"]


async def test_a_voice_that_fails_is_503() -> None:
    async with running(Server(troubles=[Busy(None)])) as client:
        response = await client.post(SPEECH, json={"input": "Hello."})
    assert response.status_code == 503
    assert "the queue is full" in response.json()["error"]["message"]


def test_a_text_is_cut_into_what_one_job_takes() -> None:
    pieces = sentences_of("One. " + "word " * 400)
    assert pieces[0] == "One."
    assert max(map(len, pieces)) <= 400
    assert " ".join(pieces).split() == ("One. " + "word " * 400).split()
