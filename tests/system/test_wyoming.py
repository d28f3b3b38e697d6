"""The official Wyoming client, which Home Assistant uses, against a whole server."""

import asyncio
from collections.abc import Callable, Iterator

import pytest
from wyoming.asr import Transcribe, Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event, Eventable
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.intent import Intent, NotRecognized, Recognize
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from tests.postgres_fixtures import free_port
from tests.system.model_fixtures import add_steady_voice
from tests.system.server_fixtures import SMALL, Server, need_models, running_server

pytestmark = pytest.mark.system

Spoken = Callable[[str], bytes]
LIMIT_S = 300
RATE_HZ = 16_000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    need_models(speech=True)
    number = free_port()
    settings = SMALL | {
        "gateway.wyoming_port": number,
        "speech.provider": "piper",
        "speech.piper.voice": add_steady_voice(),
    }
    with running_server(tmp_path_factory.mktemp("wyoming"), settings) as server:
        assert isinstance(server, Server)
        yield number


def asked(port: int, *sent: Eventable, until: type[Eventable]) -> list[Event]:
    """Send events on a connection of their own; return what comes, up to the first of a kind."""

    async def ask() -> list[Event]:
        received: list[Event] = []
        async with AsyncTcpClient("127.0.0.1", port) as client:
            for event in sent:
                await client.write_event(event.event())
            while not received or not until.is_type(received[-1].type):
                event_or_end = await client.read_event()
                assert event_or_end is not None, received
                received.append(event_or_end)
        return received

    return asyncio.run(asyncio.wait_for(ask(), LIMIT_S))


def spoken_events(pcm: bytes, rate_hz: int = RATE_HZ, piece: int = 1_671) -> list[Eventable]:
    """Return audio as Home Assistant sends it, in pieces that end anywhere."""
    chunks = [AudioChunk(rate_hz, 2, 1, pcm[at : at + piece]) for at in range(0, len(pcm), piece)]
    return [Transcribe(language="en", transcript_names=["Zoe"]), AudioStart(rate_hz, 2, 1), *chunks, AudioStop()]


def transcript(received: list[Event]) -> str:
    return Transcript.from_event(received[-1]).text


def test_what_it_can_do_is_described(port: int) -> None:
    info = Info.from_event(asked(port, Describe(), until=Info)[-1])
    assert [program.name for program in (*info.asr, *info.tts, *info.handle, *info.intent)] == ["sayso"] * 4
    assert "en" in info.asr[0].models[0].languages
    assert not info.asr[0].requires_external_vad
    assert asked(port, Ping("x"), until=Pong)[-1].data == {"text": "x"}


def test_speech_is_transcribed_and_silence_is_an_empty_transcript(port: int, spoken: Spoken) -> None:
    received = asked(port, *spoken_events(spoken("What time is it?")), until=Transcript)
    assert "what time is it" in transcript(received).lower()
    assert [event.type for event in received] == ["transcript-start", "transcript-chunk", "transcript"]
    assert transcript(asked(port, *spoken_events(bytes(2 * RATE_HZ)), until=Transcript)) == ""


def test_a_command_that_is_complete_is_transcribed_before_the_audio_ends(port: int, spoken: Spoken) -> None:
    *begun, _stop = spoken_events(spoken("What time is it?") + bytes(2 * RATE_HZ))
    assert "what time is it" in transcript(asked(port, *begun, until=Transcript)).lower()


def test_every_sentence_of_a_recording_is_transcribed(port: int, spoken: Spoken) -> None:
    pause = bytes(3 * RATE_HZ)
    sentences = ("What time is it?", "Set a timer for ten minutes.", "Add bread to the shopping list.")
    text = transcript(asked(port, *spoken_events(pause.join(map(spoken, sentences))), until=Transcript)).lower()
    assert text.index("what time") < text.index("timer") < text.index("shopping")


@pytest.mark.parametrize(
    ("text", "until", "expected"),
    [("what time is it", Handled, "It is "), ("frobnicate the moon", NotHandled, "Sorry, I did not understand")],
)
def test_a_text_is_carried_out_or_not(port: int, text: str, until: type[Eventable], expected: str) -> None:
    received = asked(port, Transcript(text, context={"conversation_id": "x"}), until=until)
    assert received[-1].data["text"].startswith(expected)
    assert received[-1].data["context"] == {"conversation_id": "x"}


def test_an_intent_is_recognised(port: int) -> None:
    assert asked(port, Recognize("set a timer for five minutes"), until=Intent)[-1].data["name"] == "set_timer"
    asked(port, Recognize("frobnicate the moon"), until=NotRecognized)


def test_a_text_is_spoken_whole_or_in_chunks(port: int) -> None:
    whole = asked(port, Synthesize("The light is on. Good night."), until=AudioStop)
    assert whole[0].type == "audio-start"
    said = [SynthesizeStart(), SynthesizeChunk("The light is "), SynthesizeChunk("on. Good night.")]
    repeated = [Synthesize("The light is on. Good night."), SynthesizeStop()]
    streamed = asked(port, *said, *repeated, until=SynthesizeStopped)

    def seconds(received: list[Event]) -> float:
        chunks = [AudioChunk.from_event(event) for event in received if AudioChunk.is_type(event.type)]
        return sum(chunk.seconds for chunk in chunks)

    assert seconds(streamed) == pytest.approx(seconds(whole), rel=0.3), "once, not twice"
    wrong = asked(port, Synthesize("Hello.", voice=SynthesizeVoice(name="nobody")), until=Error)
    assert "voice must be one of" in wrong[-1].data["text"]


def test_a_client_that_sends_anything_ends_its_connection_only(port: int) -> None:
    async def send(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        return answer

    async def all_of_it() -> list[bytes]:
        broken = [
            b"GET / HTTP/1.1\r\n\r\n",
            b'{"type": "audio-chunk", "payload_length": 99999999}\n',
            b"\xff\n",
        ]
        return [await asyncio.wait_for(send(data), LIMIT_S) for data in broken]

    assert all(b'"error"' in answer for answer in asyncio.run(all_of_it()))
    assert asked(port, Ping("x"), until=Pong)
