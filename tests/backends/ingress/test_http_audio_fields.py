"""The options of OpenAI's audio API that are served, and the errors for the others."""

import pytest

from backends.ingress.audio_names import language_of_voice
from backends.ingress.audio_services import TranscriptionOptions
from backends.ingress.http_audio import MODELS, SPEECH, TRANSLATIONS, VOICES
from tests.backends.ingress.test_http_audio import Server, recording, running, upload


@pytest.mark.parametrize(
    ("written", "plain"), [("en-US", "en"), ("en_US", "en"), ("DE", "de"), ("german", "de"), ("auto", None)]
)
async def test_a_language_may_have_a_region_or_a_name(written: str, plain: str | None) -> None:
    server = Server()
    async with running(server) as client:
        response = await upload(client, language=written)

    assert response.status_code == 200
    assert server.heard[0][1].language == plain


async def test_a_language_that_cannot_be_heard_is_refused_in_words() -> None:
    server = Server()
    async with running(server) as client:
        response = await upload(client, language="fr")

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "fr is not heard"
    assert response.json()["error"]["param"] == "language"


async def test_an_unknown_voice_is_told_which_there_are() -> None:
    server = Server(voices=("en_US-joe-medium", "de_DE-thorsten"))
    async with running(server) as client:
        response = await client.post(SPEECH, json={"model": "tts-1", "input": "Hello.", "voice": "af_heart"})

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["message"] == "voice must be one of en_US-joe-medium, de_DE-thorsten, not 'af_heart'"
    assert (error["type"], error["param"]) == ("invalid_request_error", "voice")
    assert server.spoken == []


@pytest.mark.parametrize("voices", [("joe",), None])
async def test_a_voice_that_there_is_speaks(voices: tuple[str, ...] | None) -> None:
    server = Server(voices=voices)
    async with running(server) as client:
        response = await client.post(SPEECH, json={"input": "Hello.", "voice": "joe", "speed": None})

    assert response.status_code == 200
    assert server.spoken == [("Hello.", "joe", 1.0)]


async def test_figures_are_read_in_the_language_of_the_voice() -> None:
    server = Server(voices=("de_DE-thorsten", "joe"))
    async with running(server) as client:
        await client.post(SPEECH, json={"input": "5 km/h.", "voice": None})
        await client.post(SPEECH, json={"input": "5 km/h.", "voice": "joe"})

    assert [text for text, _, _ in server.spoken] == ["fünf Kilometer pro Stunde.", "five kilometers per hour."]
    assert language_of_voice("/voices/x.onnx") == "en"


async def test_a_translation_is_done_by_a_model_that_can() -> None:
    server = Server()
    async with running(server) as client:
        files = {"file": ("speech.wav", recording())}
        response = await client.post(TRANSLATIONS, files=files, data={"response_format": "verbose_json"})

    assert response.json()["task"] == "translate"
    assert response.json()["text"] == "part 1 part 2"
    assert server.heard[0][1] == TranscriptionOptions(None, "base", translate=True)


async def test_a_model_that_does_not_translate_is_refused_in_words() -> None:
    async with running(Server()) as client:
        files = {"file": ("speech.wav", recording())}
        response = await client.post(TRANSLATIONS, files=files, data={"model": "tiny.en"})

    assert response.status_code == 400
    error = response.json()["error"]
    assert error["message"].startswith("model tiny.en does not translate: one that hears other languages")
    assert error["param"] == "model"


async def test_only_json_is_streamed() -> None:
    async with running(Server()) as client:
        response = await upload(client, stream="true", response_format="srt")

    assert response.status_code == 400
    assert response.json()["error"]["message"] == "stream=true needs response_format json, not srt"


async def test_voices_are_listed_the_default_first() -> None:
    async with running(Server(voices=("en_US-joe-medium", "de_DE-thorsten-low"))) as client:
        page = (await client.get(VOICES)).json()

    assert page == {
        "voices": [
            {"id": "en_US-joe-medium", "name": "en_US-joe-medium", "language": "en"},
            {"id": "de_DE-thorsten-low", "name": "de_DE-thorsten-low", "language": "de"},
        ]
    }


async def test_a_server_that_does_not_know_its_voices_lists_none() -> None:
    async with running(Server(voices=None)) as client:
        assert (await client.get(VOICES)).json() == {"voices": []}


@pytest.mark.parametrize(("voices", "speaks"), [(("joe",), True), (None, True), ((), False)])
async def test_models_are_listed_as_openai_lists_them(voices: tuple[str, ...] | None, *, speaks: bool) -> None:
    async with running(Server(voices=voices)) as client:
        page = (await client.get(MODELS)).json()

    assert page["object"] == "list"
    spoken = ["tts-1"] if speaks else []
    assert [model["id"] for model in page["data"]] == ["tiny.en", "base", "whisper-1", *spoken, "sayso"]
    assert page["data"][0] == {"id": "tiny.en", "object": "model", "created": 0, "owned_by": "sayso"}


@pytest.mark.parametrize("name", ["tiny.en", "whisper-1", "tts-1", "sayso"])
async def test_a_model_is_shown_as_openai_shows_it(name: str) -> None:
    async with running(Server()) as client:
        page = await client.get(f"{MODELS}/{name}")

    assert page.status_code == 200
    assert page.json() == {"id": name, "object": "model", "created": 0, "owned_by": "sayso"}


async def test_a_model_that_there_is_not_is_openais_error() -> None:
    async with running(Server()) as client:
        page = await client.get(f"{MODELS}/gpt-4o")

    assert page.status_code == 404
    assert page.json()["error"] == {
        "message": "the model 'gpt-4o' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }
