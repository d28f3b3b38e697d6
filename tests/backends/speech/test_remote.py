import json
import logging
from email.parser import BytesParser
from typing import Any

import attrs
import msgspec
import pytest
import trio
from trio.testing import MockClock

from backends.jobs import Clip, ClipTranscript, SpeakText, SpokenText, TranscribeClips
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
    assert json.loads(form.pop("sayso")) == {
        "version": 1,
        "within_s": 5.0,
        "language": "en-GB",
        "vocabulary": ["kitchen light", "bedroom"],
        "wants_words": True,
    }
    assert request.headers["sayso-utterance"] == "1"
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


REFUSAL = page({"error": {"message": "response_format is not compatible with the model"}}, status=400)


async def test_a_server_that_takes_less_is_asked_for_less_from_then_on(caplog: pytest.LogCaptureFixture) -> None:
    hellos = page({"text": "hello there"}), page({"text": "hello again"})
    with caplog.at_level(logging.WARNING, "sayso.speech"):
        async with scripted(REFUSAL, page({"detail": "extra inputs"}, status=422), *hellos) as server:
            remote = recogniser_pool(server.url)
            for text in ("Hello there", "Hello again"):
                result, _ = await remote.transcribe(TranscribeClips((CLIP,)), PCM)
                assert result.clips[0].text == text
    forms = [form_of(request) for request in server.requests]
    assert [form["response_format"] for form in forms] == [b"verbose_json", b"verbose_json", b"json", b"json"]
    assert ["sayso" in form for form in forms] == [True, False, False, False]
    [told] = caplog.messages
    assert told.startswith(f"{server.url}/v1 is asked with OpenAI's json: ")
    assert "extra inputs" in told


async def test_an_utterance_that_a_server_refuses_in_every_form_does_not_lessen_what_it_is_asked_with() -> None:
    async with scripted(REFUSAL, REFUSAL, REFUSAL, page({"text": "hello"})) as server:
        remote = recogniser_pool(server.url)
        with pytest.raises(ProviderError, match="not compatible"):
            await remote.transcribe(TranscribeClips((CLIP,)), PCM)
        await remote.transcribe(TranscribeClips((CLIP,)), PCM)
    assert "sayso" in form_of(server.requests[-1])


# --- another sayso -------------------------------------------------------------------------------


OWN = {"version": 1, "text": "Turn it on", "language": "en", "confidence": 0.8, "compute_s": 0.3}


async def test_another_sayso_gives_a_worker_s_answer_which_is_not_judged_again() -> None:
    own = OWN | {"alternatives": ["turn it off"], "words": [{"text": "x", "start_ms": 1, "end_ms": 2, "confidence": 1}]}
    async with scripted(
        page({"text": "", "sayso": own}), page({"text": "", "sayso": OWN | {"no_speech": "noise"}})
    ) as server:
        remote = recogniser_pool(server.url)
        result, _ = await remote.transcribe(TranscribeClips((CLIP,)), PCM)
        nothing, _ = await remote.transcribe(TranscribeClips((CLIP,)), PCM)
    assert result.clips == (
        ClipTranscript(
            text="Turn it on",
            language="en",
            confidence=0.8,
            alternatives=("turn it off",),
            no_speech=None,
            compute_s=0.3,
            words=(SpokenWord("x", 1, 2, 1.0),),
        ),
    )
    assert nothing.clips[0].no_speech == "noise"


async def test_the_answer_of_an_unknown_version_counts_as_any_server_s() -> None:
    async with scripted(page({"text": "hello", "sayso": {"version": 2, "words": "no"}})) as server:
        result, _ = await recogniser_pool(server.url).transcribe(TranscribeClips((CLIP,)), PCM)
    assert (result.clips[0].text, result.clips[0].alternatives) == ("Hello", ())


async def test_what_kind_of_server_answers_is_logged_when_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    own, other = page({"text": "", "sayso": OWN}), page({"text": "hello"})
    with caplog.at_level(logging.INFO, "sayso.speech"):
        async with scripted(own, own, other) as server:
            remote = recogniser_pool(server.url)
            for _ in range(3):
                await remote.transcribe(TranscribeClips((CLIP,)), PCM)
    assert [message.partition(" answers ")[2] for message in caplog.messages] == [
        "as another sayso",
        "as a server with OpenAI's API: without alternatives",
    ]


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
        page({"text": "x", "sayso": 7}),
        page({"text": "x", "sayso": {"version": 1, "text": "x"}}),
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
