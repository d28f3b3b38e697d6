"""Deepgram's own clients on ``/v1/listen`` of a whole server."""

import json
import subprocess
import threading
import wave
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import attrs
import deepgram
import pytest
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from websockets.exceptions import InvalidStatus

from tests.system.client_fixtures import SILENCE
from tests.system.server_fixtures import Server
from tests.system.stranger_fixtures import node_client

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore:.*websockets:DeprecationWarning"),  # of the SDK, by websockets 17
    pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning"),
]

Spoken = Callable[[str], bytes]
LIMIT_S = 60
PART_BYTES = 3_200  # 100 ms
QUESTION = "What time is it?"
LIVE: dict[str, Any] = {
    "model": "nova-3",
    "language": "en-US",
    "encoding": "linear16",
    "sample_rate": 16_000,
    "channels": 1,
    "interim_results": True,
    "vad_events": True,
    "utterance_end_ms": 1_000,
    "endpointing": 300,
    "smart_format": True,
    "punctuate": True,
    "keyterm": ["sayso", "kitchen lamp"],
}


@pytest.fixture
def client(small_server: Server) -> deepgram.DeepgramClient:
    address = small_server.http_url
    socket = address.replace("http", "ws")
    places = DeepgramClientEnvironment(base=address, production=socket, agent=socket, agent_rest=address)
    return deepgram.DeepgramClient(api_key="none", environment=places)


@attrs.define
class Listener:
    """What the SDK told of one stream."""

    messages: list[Any] = attrs.field(factory=list)
    news: threading.Condition = attrs.field(factory=threading.Condition)
    is_closed: bool = False

    def take(self, message: Any) -> None:
        with self.news:
            self.messages.append(message)
            self.news.notify_all()

    def close(self, _: object) -> None:
        with self.news:
            self.is_closed = True
            self.news.notify_all()

    def wait(self, what: Callable[[], bool]) -> None:
        with self.news:
            assert self.news.wait_for(what, LIMIT_S), self.messages

    def of(self, kind: str) -> list[Any]:
        return [message for message in self.messages if getattr(message, "type", "") == kind]

    def finals(self) -> list[Any]:
        return [message for message in self.of("Results") if message.is_final]


def test_the_python_sdk_hears_an_utterance_and_is_told_of_its_end(
    client: deepgram.DeepgramClient, spoken: Spoken
) -> None:
    heard = Listener()
    with client.listen.v1.connect(**LIVE) as stream:
        stream.on(EventType.MESSAGE, heard.take)
        stream.on(EventType.ERROR, heard.take)
        stream.on(EventType.CLOSE, heard.close)
        reader = threading.Thread(target=stream.start_listening, daemon=True)
        reader.start()
        audio = spoken(QUESTION) + SILENCE
        for start in range(0, len(audio), PART_BYTES):
            stream.send_media(audio[start : start + PART_BYTES])
        heard.wait(lambda: bool(heard.finals()))
        stream.send_keep_alive()
        stream.send_finalize()
        heard.wait(lambda: any(message.from_finalize for message in heard.finals()))
        stream.send_close_stream()
        heard.wait(lambda: heard.is_closed)
        reader.join(LIMIT_S)
    kinds = [getattr(message, "type", repr(message)) for message in heard.messages]
    assert (kinds[0], kinds[-1]) == ("SpeechStarted", "Metadata"), kinds
    first = heard.finals()[0]
    best = first.channel.alternatives[0]
    assert "what time" in best.transcript.lower()
    assert first.speech_final
    assert [word.word for word in best.words[:2]] == ["what", "time"]
    assert 0 < best.words[-1].end <= len(audio) / 32_000
    ends = heard.of("UtteranceEnd")
    assert [end.last_word_end for end in ends] == [best.words[-1].end]
    assert heard.messages[-1].duration == pytest.approx(len(audio) / 32_000, abs=0.01)


def test_the_python_sdk_transcribes_a_recording(client: deepgram.DeepgramClient, spoken: Spoken) -> None:
    file = BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(16_000)
        recording.writeframes(spoken(QUESTION))
    heard = client.listen.v1.media.transcribe_file(
        request=file.getvalue(), model="nova-3", smart_format=True, utterances=True, keyterm=["sayso"]
    )
    best = heard.results.channels[0].alternatives[0]
    assert "what time" in best.transcript.lower()
    assert [word.word for word in best.words[:2]] == ["what", "time"]
    assert heard.results.utterances[0].transcript == best.transcript


def test_what_is_not_served_is_an_error_of_the_sdk(client: deepgram.DeepgramClient) -> None:
    with pytest.raises(InvalidStatus) as refused, client.listen.v1.connect(model="nova-3", encoding="linear16"):
        pass
    assert refused.value.response.status_code == 400
    assert "sample_rate must be given" in refused.value.response.headers["dg-error"]
    with pytest.raises(ApiError) as caught:
        client.listen.v1.media.transcribe_url(url="https://example.org/speech.wav")
    assert caught.value.status_code == 400
    assert "fetches nothing" in caught.value.body["err_msg"]


def test_the_javascript_sdk_hears_an_utterance(small_server: Server, spoken: Spoken, tmp_path: Path) -> None:
    audio = tmp_path / "question.pcm"
    audio.write_bytes(spoken(QUESTION) + SILENCE)
    script = Path(__file__).parent / "servers" / "deepgram_stream.mjs"
    command = [*node_client("@deepgram/sdk", script), f"127.0.0.1:{small_server.port}", str(audio)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [message["type"] for message in told]
    assert (kinds[0], kinds[-1]) == ("SpeechStarted", "Metadata"), kinds
    assert "what time" in next(message["text"] for message in told if message.get("is_final")).lower()
