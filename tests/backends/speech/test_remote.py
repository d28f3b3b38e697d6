import json
from email.parser import BytesParser
from typing import Any

import attrs
import msgspec
import pytest
import trio
from trio.testing import MockClock

from backends.jobs import Clip, DescribeModel, ModelDescription, SpeakText, SpokenText, TranscribeClips
from backends.protocols import ProviderError
from backends.speech.remote import (
    RemoteFirst,
    RemoteRecogniser,
    RemoteServerStatistics,
    RemoteSynthesiser,
    level_dbfs,
    wav_of,
)
from protocol.messages.hearing import SpokenWord
from runtime.workers.pool import PoolUnavailable
from tests.backends.llm.scripted_http import Received, Step, Wait, head, page, scripted
from tests.fake_pool import FakePool, PoolCall
from tests.fakes import default_settings, voice
from tests.unreadable_json import UNREADABLE_JSON

PCM = voice(1.0)
DESCRIPTION = ModelDescription("cpu", "int8", is_multilingual=False, max_batch=0)
CLIP = Clip(len(PCM), "en-GB", ("kitchen light", "bedroom"))
VERBOSE = {
    "text": " turn on the light",
    "language": "english",
    "segments": [{"avg_logprob": -0.1, "no_speech_prob": 0.01, "id": 0}],
    "words": [{"word": "turn", "start": 0.1, "end": 0.32}],
}


def recogniser_pool(url: str, **changes: Any) -> RemoteRecogniser:
    settings = default_settings().transcription.openai
    return RemoteRecogniser.from_settings(attrs.evolve(settings, url=f"{url}/v1", api_key="sk-1", **changes))


def synthesiser_pool(url: str, **changes: Any) -> RemoteSynthesiser:
    settings = attrs.evolve(default_settings().speech.openai, url=f"{url}/v1", **changes)
    return RemoteSynthesiser.from_settings(settings, "en_US-joe-medium")


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


# --- with our own processes behind ---------------------------------------------------------------


@attrs.define(eq=False)
class Elsewhere:
    """A server's work, which fails while ``trouble`` is set."""

    trouble: Exception | None = None
    calls: int = 0

    async def work(self, _job: SpeakText, _blob: bytes) -> tuple[SpokenText, bytes]:
        self.calls += 1
        await trio.lowlevel.checkpoint()
        if self.trouble is not None:
            raise self.trouble
        return SpokenText(24_000), b"server"


async def here(call: PoolCall) -> tuple[SpokenText | ModelDescription, bytes]:
    await trio.lowlevel.checkpoint()
    return SpokenText(22_050) if isinstance(call.job, SpeakText) else DESCRIPTION, b"pool"


async def speak(workers: RemoteFirst[SpeakText]) -> bytes:
    """Return the provider that has spoken."""
    _, pcm = await workers.call(SpeakText("Hello."), timeout_s=1.0)
    return pcm


async def test_the_server_does_it_and_the_pool_what_the_server_cannot() -> None:
    elsewhere, pool = Elsewhere(), FakePool(here)
    workers = RemoteFirst("http://there", SpeakText, elsewhere.work, pool)
    assert await speak(workers) == b"server"
    elsewhere.trouble = ProviderError("there is broken")
    assert await speak(workers) == b"pool"
    assert await workers.call(DescribeModel(), timeout_s=1.0) == (DESCRIPTION, b"pool")
    shown = workers.statistics().remote
    assert shown == RemoteServerStatistics(url="http://there", breaker="closed", answers=1, fallbacks=1)


async def test_a_server_that_keeps_failing_is_left_alone_and_tried_again_later(autojump_clock: MockClock) -> None:
    elsewhere = Elsewhere(ProviderError("there is broken"))
    workers = RemoteFirst("http://there", SpeakText, elsewhere.work, FakePool(here))
    for _ in range(10):
        assert await speak(workers) == b"pool"
    assert elsewhere.calls == 3
    elsewhere.trouble = None
    await trio.sleep(1.5)
    assert await speak(workers) == await speak(workers) == b"server"


async def test_a_cancelled_caller_is_no_failure_of_the_server(autojump_clock: MockClock) -> None:
    async def for_ever(_job: SpeakText, _blob: bytes) -> tuple[SpokenText, bytes]:
        await trio.sleep_forever()
        raise AssertionError("unreachable")

    workers = RemoteFirst("http://there", SpeakText, for_ever, FakePool(here))
    for _ in range(5):
        with trio.move_on_after(1.0):
            await speak(workers)
    assert workers.statistics().remote.breaker == "closed"


async def test_without_a_pool_the_trouble_is_told() -> None:
    elsewhere = Elsewhere(ProviderError("there is broken"))
    workers = RemoteFirst("http://there", SpeakText, elsewhere.work, None)
    async with trio.open_nursery() as nursery:
        await nursery.start(workers.run)
        with pytest.raises(PoolUnavailable, match="there is broken"):
            await speak(workers)
        statistics = workers.statistics()
        assert (statistics.size, statistics.ready, statistics.has_local_workers) == (1, 1, False)
        with pytest.raises(PoolUnavailable, match="does not do DescribeModel"):
            await workers.call(DescribeModel(), timeout_s=1.0)
        nursery.cancel_scope.cancel()


async def test_the_pool_behind_runs_with_it() -> None:
    pool = FakePool(here)
    async with trio.open_nursery() as nursery:
        await nursery.start(RemoteFirst("http://there", SpeakText, Elsewhere().work, pool).run)
        assert pool.starts == 1
        nursery.cancel_scope.cancel()


def test_levels_are_in_decibels() -> None:
    assert level_dbfs(b"") == -120.0
    assert level_dbfs(b"\x00\x40" * 100) == pytest.approx(-6.0, abs=0.1)
