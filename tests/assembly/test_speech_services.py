from typing import Any, cast

import attrs

from assembly.speech_services import SpeechServices
from backends.ingress.audio_services import LiveUtterance, RecordingPace, TranscriptionOptions
from backends.speech.vad import EarshotDetector
from protocol.messages.hearing import Recognition, Transcribe, Utterance
from protocol.messages.models import ListModels, LoadModel, ModelShown, UnloadModel
from protocol.messages.recordings import CloseRecording, DecodedBlock, ReadRecording
from protocol.messages.records import Count
from protocol.messages.speaking import SpokenAudio, Synthesise
from runtime import Ref


@attrs.define
class Asked:
    """The part of a reference that asks; answers by the kind of message."""

    answers: dict[type, object]
    seen: list[object] = attrs.field(factory=list)
    timeouts: list[float] = attrs.field(factory=list)

    async def ask(self, message: object, timeout_s: float = 5.0) -> object:
        self.seen.append(message)
        self.timeouts.append(timeout_s)
        return self.answers[type(message)]

    def tell_nowait(self, message: object) -> bool:
        self.seen.append(message)
        return True


OPTIONS: Any = {
    "pace": RecordingPace(1, lambda: None),
    "models": tuple,
    "hearing_problem": lambda _language, _model: None,
    "translator": lambda _model: None,
    "voices": lambda: None,
}


def services(recogniser: Asked, synthesiser: Asked, media: Asked | None = None) -> SpeechServices:
    return SpeechServices(*(cast("Ref", asked or Asked({})) for asked in (recogniser, synthesiser, media, media)))


async def test_recordings_and_texts_are_one_session() -> None:
    recogniser = Asked({Transcribe: Recognition("hello", "en", 1.0)})
    synthesiser = Asked({Synthesise: SpokenAudio(b"", 22_050)})
    audio = services(recogniser, synthesiser).audio(EarshotDetector, **OPTIONS)
    clip = Utterance(b"", 0, 0)

    assert await audio.transcribe(clip, TranscriptionOptions("de", "base", words=True)) == Recognition(
        "hello", "en", 1.0
    )
    await audio.transcribe(clip, TranscriptionOptions(None, "base", translate=True))
    assert await audio.synthesise("hello", "joe", 1.5) == SpokenAudio(b"", 22_050)

    assert recogniser.seen == [
        Transcribe("recordings", clip, "de", urgency="background", model="base", words=True),
        Transcribe("recordings", clip, None, urgency="background", model="base", translate=True),
    ]
    assert synthesiser.seen == [Synthesise("recordings", "hello", "joe", 1.5)]


async def test_an_utterance_of_another_server_is_live_work_of_its_sender() -> None:
    recogniser = Asked({Transcribe: Recognition("hello", "en", 1.0)})
    audio = services(recogniser, Asked({})).audio(EarshotDetector, **OPTIONS)
    clip, live = Utterance(b"", 0, 0), LiveUtterance("192.0.2.7", ("kitchen",), 4.0)
    await audio.transcribe(clip, TranscriptionOptions("de", live=live))
    assert recogniser.seen == [
        Transcribe("utterances of 192.0.2.7", clip, "de", ("kitchen",), urgency="final", tenant="192.0.2.7")
    ]
    assert recogniser.timeouts == [4.0], "nobody waits for longer"


async def test_recordings_are_decoded_closed_and_counted() -> None:
    block = DecodedBlock(b"", is_last=True)
    asked = Asked({ReadRecording: block})
    media = services(Asked({}), Asked({}), asked).audio(EarshotDetector, **OPTIONS).media
    read, close = ReadRecording("r", "/file", 0), CloseRecording("r", "abandoned")

    assert await media.read(read) == block
    media.close(close)
    media.count("busy")

    assert asked.seen == [read, close, Count("recordings_total", ("busy",))]


async def test_requests_about_models_go_to_transcription() -> None:
    shown = ModelShown("base", "loaded")
    recogniser = Asked({ListModels: (shown,), LoadModel: shown, UnloadModel: shown})
    models = services(recogniser, Asked({})).models(start_timeout_s=5.0)

    assert await models.shown() == (shown,)
    assert await models.load("base") == await models.unload("base") == shown

    assert recogniser.seen == [ListModels(), LoadModel("base"), UnloadModel("base")]
