"""OpenAI's own client against a whole server: a recording to text, a text to speech, and back."""

import io
import itertools
import json
from collections.abc import Callable, Iterator

import httpx2
import openai
import pytest
import trio

from backends.speech.encoding import encode
from tests.system.client_fixtures import QUIET, SILENCE, talking
from tests.system.model_fixtures import add_steady_voice
from tests.system.server_fixtures import SMALL, Server, need_models, running_server

pytestmark = pytest.mark.system

Spoken = Callable[[str], bytes]
SENTENCES = ("What time is it?", "Set a timer for ten minutes.", "Add bread to the shopping list.")
LIMIT_S = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_models(speech=True)
    settings = SMALL | {
        "transcription.workers": 2,
        "speech.provider": "piper",
        "speech.piper.voice": add_steady_voice(),
    }
    with running_server(tmp_path_factory.mktemp("audio_api"), settings) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.http_url}/v1", api_key="none", max_retries=0) as found:
        yield found


def recording(spoken: Spoken, name: str = "mp3") -> tuple[str, io.BytesIO]:
    pcm = b"".join(spoken(sentence) + SILENCE for sentence in SENTENCES)
    return f"speech.{name}", io.BytesIO(encode(pcm, 16_000, name))


def test_a_recording_is_transcribed_whole_and_in_order(client: openai.OpenAI, spoken: Spoken) -> None:
    text = client.audio.transcriptions.create(model="whisper-1", file=recording(spoken)).text.lower()
    assert text.index("what time") < text.index("timer") < text.index("shopping")


def test_its_segments_have_their_times(client: openai.OpenAI, spoken: Spoken) -> None:
    found = client.audio.transcriptions.create(
        model="whisper-1", file=recording(spoken, "opus"), response_format="verbose_json", language="en"
    )
    assert found.segments is not None
    assert len(found.segments) == 3
    assert all(first.end <= second.start for first, second in itertools.pairwise(found.segments))
    assert found.duration == pytest.approx(sum(len(spoken(text)) for text in SENTENCES) / 32_000 + 3, abs=0.3)


def test_words_have_times_with_a_model_that_is_loaded_for_it(
    client: openai.OpenAI, server: Server, spoken: Spoken
) -> None:
    found = client.audio.transcriptions.create(
        model="base", file=recording(spoken), response_format="verbose_json", timestamp_granularities=["word"]
    )
    assert found.words is not None
    times = {word.word.strip("?.,").lower(): word.start for word in found.words}
    second_s, third_s = (sum(len(spoken(text)) + len(SILENCE) for text in SENTENCES[:end]) / 32_000 for end in (1, 2))
    assert times["time"] < second_s - 1 < times["timer"] < third_s < times["shopping"]
    models = {model["name"]: model for model in httpx2.get(f"{server.http_url}/api/models").json()["models"]}
    assert {name: model["state"] for name, model in models.items()} == {"tiny.en": "loaded", "base": "loaded"}
    assert (models["base"]["device"], models["base"]["compute_type"]) == ("cpu", "int8")


def test_a_model_that_is_not_offered_is_not_found(client: openai.OpenAI, spoken: Spoken) -> None:
    with pytest.raises(openai.NotFoundError, match=r"model must be one of tiny\.en, base or whisper-1"):
        client.audio.transcriptions.create(model="huge", file=recording(spoken))


def test_an_unknown_voice_is_told_which_there_are(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="voice must be one of "):
        client.audio.speech.create(model="tts-1", voice="af_heart", input="Hello.")


def test_a_streamed_transcription_ends_with_the_whole_text(client: openai.OpenAI, spoken: Spoken) -> None:
    events = list(client.audio.transcriptions.create(model="whisper-1", file=recording(spoken), stream=True))

    assert events[-1].type == "transcript.text.done"
    assert "what time is it" in events[-1].text.lower()
    assert "".join(event.delta for event in events[:-1]).strip() == events[-1].text


def test_speech_is_streamed_and_a_voice_may_be_an_object(client: openai.OpenAI) -> None:
    text = "Good morning. How are you today? I am well."
    asked = client.audio.speech.with_streaming_response
    with asked.create(model="gpt-4o-mini-tts", voice={"id": "alloy"}, input=text, response_format="pcm") as speech:
        parts = list(speech.iter_bytes())
    assert "content-length" not in speech.headers
    assert len(b"".join(parts)) > 2 * 24_000
    with asked.create(model="tts-1", voice="alloy", input=text, stream_format="sse") as events:
        lines = [json.loads(line.removeprefix("data: ")) for line in events.iter_lines() if line]
    assert [line["type"] for line in lines][-1] == "speech.audio.done"
    assert {line["type"] for line in lines[:-1]} == {"speech.audio.delta"}


def test_a_recording_is_translated_by_a_model_that_can(server: Server, spoken: Spoken) -> None:
    name, data = recording(spoken)[:2]
    answer = httpx2.post(server.http_url + "/v1/audio/translations", files={"file": (name, data)}, timeout=60.0)

    assert "what time is it" in answer.json()["text"].lower()


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["tiny.en", "base", "whisper-1", "tts-1", "sayso"]


def test_what_is_spoken_is_understood_again(client: openai.OpenAI) -> None:
    audio = client.audio.speech.create(
        model="tts-1", voice="alloy", input="The kitchen light is on. Good night.", response_format="flac"
    ).content
    text = client.audio.transcriptions.create(model="whisper-1", file=("speech.flac", audio)).text.lower()
    assert "kitchen light is on" in text
    assert "good night" in text


def test_a_mistake_of_the_client_is_told_in_its_own_terms(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no recording that can be decoded"):
        client.audio.transcriptions.create(model="whisper-1", file=("speech.wav", b"nonsense" * 100))


async def test_a_long_recording_delays_no_live_session(server: Server, client: openai.OpenAI, spoken: Spoken) -> None:
    """Five minutes are uploaded while a session gives a command."""
    pcm = b"".join(spoken(sentence) + SILENCE for sentence in SENTENCES) * 25
    many = io.BytesIO(encode(pcm, 16_000, "flac"))
    done: list[str] = []

    def transcribe() -> None:
        done.append(client.audio.transcriptions.create(model="whisper-1", file=("long.flac", many)).text)

    with trio.fail_after(LIMIT_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, transcribe)
            async with talking(server.url, QUIET) as speaker:
                await speaker.speak(spoken("What time is it?") + SILENCE)
                completed = await speaker.next("turn_completed", timeout_s=120)
            assert completed["outcome"] == "done"
            assert not done, "the recording was still in work"
    assert done[0].lower().count("shopping") == 25


async def test_a_session_has_its_own_model_times_of_words_and_packets(server: Server, spoken: Spoken) -> None:
    wishes = {"stt_model": "base", "word_times": True, "speech_format": "opus"}
    async with talking(server.url, (*QUIET, "tts"), **wishes) as speaker:
        pcm = spoken("What time is it?")
        await speaker.speak(SILENCE + pcm + SILENCE)
        transcript = await speaker.next("transcript")
        assert [word["text"].strip("?,").lower() for word in transcript["words"]] == ["what", "time", "is", "it"]
        begins_ms, ends_ms = len(SILENCE) / 32, len(SILENCE + pcm) / 32
        assert begins_ms - 350 <= transcript["words"][0]["start_ms"] < transcript["words"][-1]["end_ms"] < ends_ms + 400
        start = await speaker.next("speech_audio_start")
        assert (start["format"], start["sample_rate"]) == ("opus", 48_000)
        await speaker.next("speech_audio_end")
        assert 0 < len(speaker.audio) < 20_000


def test_another_server_can_use_its_recogniser_and_synthesiser(
    server: Server, spoken: Spoken, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = f"{server.http_url}/v1"
    settings = SMALL | {
        "transcription.provider": "openai",
        "transcription.openai.url": url,
        "transcription.fallback": False,
        "speech.provider": "openai",
        "speech.openai.url": url,
        "speech.fallback": False,
    }
    with running_server(tmp_path_factory.mktemp("borrower"), settings) as borrower:
        base_url = f"{borrower.http_url}/v1"
        with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
            audio = client.audio.speech.create(
                model="tts-1", voice="alloy", input="The kitchen light is on.", response_format="flac"
            ).content
            text = client.audio.transcriptions.create(model="whisper-1", file=("speech.flac", audio)).text.lower()
        assert "kitchen light" in text
        remotes = [borrower.actor(name)["statistics"] for name in ("transcription", "speech")]
        assert [remote.get("pool", remote)["remote"]["fallbacks"] for remote in remotes] == [0, 0]
