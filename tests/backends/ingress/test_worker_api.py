import json
from collections.abc import Mapping
from typing import Any

import httpx2
import msgspec
import pytest

from backends.ingress.api_errors import ApiError
from backends.ingress.worker_api import MOST_BODY_BYTES, BatchSize, UtteranceForm
from backends.jobs import Clip, ClipTranscript
from backends.speech.remote import own_answer, wav_of
from protocol.messages.hearing import SpokenWord

PCM = bytes(range(250)) * 128  # a second
FOUND = ClipTranscript(
    text="Turn it on",
    language="en",
    confidence=0.9,
    alternatives=("turn it off",),
    no_speech=None,
    compute_s=0.2,
    words=(SpokenWord("Turn", 0, 100, 0.5),),
)
OWN = json.dumps({"version": 1, "within_s": 4.0, "language": "en-GB", "vocabulary": ["kitchen"], "wants_words": True})


def read(file: bytes | None = None, **fields: str) -> UtteranceForm:
    """Return the form that a client sends with these fields."""
    files = {"file": ("speech.wav", wav_of(PCM) if file is None else file)}
    request = httpx2.Request("POST", "http://there", data=fields, files=files)
    return UtteranceForm.read(request.headers["content-type"], request.read())


def test_an_utterance_of_another_sayso_becomes_a_worker_s_job_and_its_reply_the_extension() -> None:
    form = read(model="whisper-1", response_format="verbose_json", sayso=OWN)
    assert form.clip == Clip(len(PCM), "en-GB", ("kitchen",), wants_words=True)
    assert (form.pcm, form.model, form.is_own) == (PCM, None, True)
    answer = form.answer(FOUND)
    assert isinstance(answer, Mapping)
    assert answer["text"] == "Turn it on"
    assert own_answer(msgspec.Raw(msgspec.json.encode(answer["sayso"]))) == FOUND


def test_why_nothing_was_recognised_travels_too() -> None:
    nothing = msgspec.structs.replace(FOUND, text="", no_speech="noise")
    answer = read(response_format="verbose_json", sayso=OWN).answer(nothing)
    assert isinstance(answer, Mapping)
    assert (answer["sayso"]["no_speech"], answer["text"]) == ("noise", "")


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (None, {"text": "Turn it on"}),
        ("json", {"text": "Turn it on"}),
        ("text", "Turn it on\n"),
        (
            "verbose_json",
            {"task": "transcribe", "text": "Turn it on", "language": "en", "duration": 1.0, "segments": []},
        ),
    ],
)
def test_openai_s_clients_get_what_they_ask_for(wanted: str | None, answer: object) -> None:
    form = read(model="base", language="de", prompt="kitchen light, bedroom", response_format=wanted or "")
    assert form.clip == Clip(len(PCM), "de", ("kitchen light", "bedroom"))
    assert (form.model, form.is_own) == ("base", False)
    assert form.answer(FOUND) == answer


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"response_format": "srt"}, "response_format must be one of json, text, verbose_json, not 'srt'"),
        ({"language": "klingon"}, "klingon"),
        ({"file": b"ID3 is no WAV"}, "it is a file of kind MP3"),
        ({"sayso": OWN}, "sayso needs response_format verbose_json"),
        ({"sayso": '{"version": 3}', "response_format": "verbose_json"}, "different versions of sayso"),
    ],
)
def test_a_form_that_cannot_be_is_refused_in_words(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ApiError, match=told) as refused:
        read(**fields)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("", b"", 400),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=x", b"--x\r\nbroken", 400),
        ("multipart/form-data; boundary=x", b"--x--\r\n", 400),
        ("multipart/form-data; boundary=x", bytes(MOST_BODY_BYTES + 1), 413),
    ],
)
def test_a_body_that_is_no_form_or_too_long_is_refused(kind: str, body: bytes, status: int) -> None:
    with pytest.raises(ApiError) as refused:
        UtteranceForm.read(kind, body)
    assert refused.value.status == status


def test_batches_are_as_large_as_company_pays() -> None:
    clip = Clip(32_000)

    def learn(size: BatchSize, together_s: float) -> int:
        for count, compute_s in ((1, 0.4), (4, together_s)):
            size.learn([clip] * count, [msgspec.structs.replace(FOUND, compute_s=compute_s)] * count)
        return size.now

    assert BatchSize(16).now == 4, "a few, to try it"
    assert learn(BatchSize(16), 0.1) == 16
    assert learn(BatchSize(16), 0.4) == 1
