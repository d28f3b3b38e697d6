import json
from email.parser import BytesParser
from typing import Any

import attrs
import msgspec
import pytest
import trio
from trio.testing import MockClock

from backends.jobs import Clip, SpeakText, SpokenText, TranscribeClips
from backends.protocols import ProviderError
from backends.speech.remote import RemoteRecogniser, RemoteSynthesiser, level_dbfs, wav_of
from protocol.messages.hearing import SpokenWord
from tests.backends.llm.scripted_http import Received, Step, Wait, head, page, scripted
from tests.fakes import default_settings, voice
from tests.unreadable_json import UNREADABLE_JSON

PCM = voice(1.0)
CLIP = Clip(len(PCM), "en-GB", ("kitchen light", "bedroom"))
VERBOSE = {
    "text": " turn on the light",
    "language": "english",
    "segments": [{"avg_logprob": -0.1, "no_speech_prob": 0.01, "id": 0}],
    "words": [{"word": "turn", "start": 0.1, "end": 0.32}],
}


def recogniser_pool(url: str, **changes: Any) -> RemoteRecogniser:
    settings = default_settings().transcription.openai
    return RemoteRecogniser.from_settings(attrs.evolve(settings, api_key="sk-1", **changes), f"{url}/v1")


def synthesiser_pool(url: str, **changes: Any) -> RemoteSynthesiser:
    settings = attrs.evolve(default_settings().speech.openai, **changes)
    return RemoteSynthesiser.from_settings(settings, f"{url}/v1", "en_US-joe-medium")


def form_of(request: Received) -> dict[str, bytes]:
    """Return the fields of a form, read by the standard library."""
    header = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(header + request.body)
    parts: Any = message.get_payload()
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}


def silent() -> list[Step]:
    return [Wait(3_600.0)]


# --- to text -------------------------------------------------------------------------------------


async def test_an_utterance_is_sent_as_openai_s_clients_send_it() -> None:
    async with scripted(page(VERBOSE)) as server:
        result, _ = await recogniser_pool(server.url).transcribe(
            TranscribeClips((msgspec.structs.replace(CLIP, wants_words=True),)), PCM
        )
    [request] = server.requests
    form = form_of(request)
    assert (request.path, request.headers["authorization"]) == ("/v1/audio/transcriptions", "Bearer sk-1")
    assert form.pop("file") == wav_of(PCM)
    assert form == {
        "model": b"whisper-1",
        "response_format": b"verbose_json",
        "language": b"en",
        "prompt": b"kitchen light, bedroom",
        "timestamp_granularities[]": b"word",
    }
    [answer] = result.clips
    assert (answer.text, answer.no_speech) == ("Turn on the light", None)
    assert answer.confidence == pytest.approx(0.905, abs=0.001)
    assert answer.words == (SpokenWord("turn", 100, 320, 1.0),)


async def test_a_server_without_the_long_form_is_asked_for_the_short_one_from_then_on() -> None:
    refusal = page({"error": {"message": "response_format is not compatible with the model"}}, status=400)
    async with scripted(refusal, page({"text": "hello there"}), page({"text": "hello again"})) as server:
        remote = recogniser_pool(server.url)
        for text in ("Hello there", "Hello again"):
            result, _ = await remote.transcribe(TranscribeClips((CLIP,)), PCM)
            assert result.clips[0].text == text
    assert [form_of(request)["response_format"] for request in server.requests] == [b"verbose_json", b"json", b"json"]


@pytest.mark.parametrize(
    ("heard", "reason"),
    [
        ({"text": "  "}, "noise"),
        ({"text": "Thank you.", "segments": [{"avg_logprob": -0.3, "no_speech_prob": 0.9}]}, "hallucination"),
        ({"text": "Mumble", "segments": [{"avg_logprob": -2.5, "no_speech_prob": 0.1}]}, "low_confidence"),
    ],
)
async def test_words_out_of_silence_are_not_believed(heard: dict[str, Any], reason: str) -> None:
    async with scripted(page(heard)) as server:
        result, _ = await recogniser_pool(server.url).transcribe(TranscribeClips((CLIP,)), PCM)
    assert (result.clips[0].no_speech, result.clips[0].text) == (reason, "")


async def test_utterances_of_a_batch_are_sent_together_and_answered_in_order() -> None:
    slow = [Wait(0.05), *page({"text": "slow"})]
    async with scripted(slow, page({"text": "quick"})) as server:
        short = Clip(3_200, "en-GB")
        result, _ = await recogniser_pool(server.url).transcribe(TranscribeClips((short, short)), bytes(6_400))
    assert sorted(answer.text for answer in result.clips) == ["Quick", "Slow"]
    assert all("prompt" not in form_of(request) for request in server.requests)


@pytest.mark.parametrize(
    "script",
    [
        page({"error": "overloaded"}, status=503),
        [head(), b"nonsense"],
        [head(length=1_000), b'{"text": "tu'],
        page({"words": []}),
        *([head(), data] for data in (*UNREADABLE_JSON, b'{"text": "\xff"}')),
    ],
)
async def test_a_server_that_fails_is_a_provider_error(script: list[Step]) -> None:
    async with scripted(script) as server:
        with pytest.raises(ProviderError):
            await recogniser_pool(server.url).transcribe(TranscribeClips((CLIP,)), PCM)


async def test_a_server_that_is_late_costs_one_deadline(autojump_clock: MockClock) -> None:
    async with scripted(silent()) as server:
        start_s = trio.current_time()
        with pytest.raises(ProviderError, match="did not answer within 5 s"):
            await recogniser_pool(server.url).transcribe(TranscribeClips((CLIP,)), PCM)
        assert trio.current_time() - start_s == pytest.approx(5.0, abs=0.1)


# --- to speech -----------------------------------------------------------------------------------


async def test_a_sentence_becomes_samples() -> None:
    async with scripted([head(content_type="audio/pcm", length=4), b"\1\0\2\0"]) as server:
        remote = synthesiser_pool(server.url)
        usual = SpeakText("Hello.", remote.settings.voice)
        assert await remote.speak(usual, b"") == (SpokenText(24_000), b"\1\0\2\0")
        await remote.speak(SpeakText("Hello.", "nova", 1.5), b"")
    first, second = (json.loads(request.body) for request in server.requests)
    assert server.requests[0].path == "/v1/audio/speech"
    assert first == {
        "model": "tts-1", "input": "Hello.", "voice": "alloy", "response_format": "pcm", "speed": 1.0,
    }  # fmt: skip
    assert (second["voice"], second["speed"]) == ("nova", 1.5)


@pytest.mark.parametrize("body", [b"", b"\1\0\2"])
async def test_half_a_sample_is_no_speech(body: bytes) -> None:
    async with scripted([head(length=len(body)), body]) as server:
        with pytest.raises(ProviderError, match="no 16-bit samples"):
            await synthesiser_pool(server.url).speak(SpeakText("x", "nova"), b"")


def test_levels_are_in_decibels() -> None:
    assert level_dbfs(b"") == -120.0
    assert level_dbfs(b"\x00\x40" * 100) == pytest.approx(-6.0, abs=0.1)
