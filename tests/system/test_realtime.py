"""OpenAI's own client on the Realtime API of a whole server."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import openai
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from protocol.dialects.realtime.g711 import encoded
from protocol.messages.errors import CloseCode
from tests.system.client_fixtures import SILENCE
from tests.system.server_fixtures import SMALL, Server, need_models, running_server

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning"),  # of the SDK, by websockets 17
]

Spoken = Callable[[str], bytes]
LIMIT_S = 120
PART_BYTES = 9_600  # 200 ms at 24 kHz
TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
LARGE = 12 * 2**20  # bytes of audio: 16 MiB of base64
STORM = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    need_models()
    with running_server(tmp_path_factory.mktemp("realtime"), SMALL) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.http_url}/v1", api_key="none", max_retries=0) as found:
        yield found


def at_rate(pcm: bytes, rate_hz: int) -> bytes:
    """Return 16 kHz samples at another rate."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    wanted = np.arange(0, len(samples), 16_000 / rate_hz)
    return bytes(np.interp(wanted, np.arange(len(samples)), samples).astype("<i2").tobytes())


def transcripts(connection: Any, audio: bytes, *, count: int, commits: bool = False) -> tuple[list[str], list[str]]:
    """Send audio; return ``count`` transcripts, and the types of all events until then."""
    for start in range(0, len(audio), PART_BYTES):
        connection.input_audio_buffer.append(audio=base64.b64encode(audio[start : start + PART_BYTES]).decode())
    if commits:
        connection.input_audio_buffer.commit()
    texts: list[str] = []
    types: list[str] = []
    for event in connection:
        types.append(event.type)
        if event.type == TRANSCRIBED:
            texts.append(event.transcript.lower())
            assert event.usage.type == "duration"
        if event.type == "error":
            pytest.fail(event.error.message)
        if len(texts) == count:
            break
    return texts, types


def test_speech_becomes_text(client: openai.OpenAI, spoken: Spoken) -> None:
    with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        assert connection.recv().type == "session.created"
        connection.session.update(
            session={"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
        )
        updated = connection.recv()
        assert updated.type == "session.updated"
        assert updated.session.type == "transcription"
        texts, types = transcripts(connection, at_rate(spoken("What time is it?") + SILENCE, 24_000), count=1)
    assert "what time" in texts[0]
    expected = [
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
    ]
    assert [name for name in types if name in expected] == expected


def test_telephone_audio_is_heard_when_the_client_commits_it(client: openai.OpenAI, spoken: Spoken) -> None:
    codes = encoded(at_rate(spoken("Set a timer for ten minutes."), 8_000), "mulaw")
    with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        connection.recv()
        connection.session.update(
            session={
                "type": "transcription",
                "audio": {"input": {"format": {"type": "audio/pcmu"}, "turn_detection": None}},
            }
        )
        texts, types = transcripts(connection, codes, count=1, commits=True)
        assert "timer" in texts[0]
        assert "input_audio_buffer.speech_started" not in types
        silent, _ = transcripts(connection, bytes([0xFF] * 8_000), count=1, commits=True)
    assert silent == [""]


def raw(server: Server, *subprotocols: str) -> ClientConnection:
    """Connect without any SDK, as a page does that offers these subprotocols."""
    url = f"{server.url.removesuffix('/ws')}/v1/realtime?intent=transcription"
    offered = [Subprotocol(name) for name in subprotocols] or None
    return connect(url, subprotocols=offered, max_size=None, open_timeout=LIMIT_S)


def test_a_page_offers_its_key_beside_the_protocol(server: Server) -> None:
    with raw(server, "realtime", "openai-insecure-api-key.ek_x", "openai-agents-sdk.0.20.0") as socket:
        assert socket.subprotocol == "realtime"
        assert json.loads(socket.recv(LIMIT_S))["type"] == "session.created"


def test_a_recording_may_be_sent_at_once(client: openai.OpenAI, spoken: Spoken) -> None:
    recording = at_rate(6 * SILENCE + spoken("What time is it?") + SILENCE, 24_000)
    with client.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        connection.recv()
        connection.input_audio_buffer.append(audio=base64.b64encode(recording).decode())
        texts, _ = transcripts(connection, b"", count=1)
    assert "what time" in texts[0]


def test_what_is_wrong_is_told_with_the_events_name_and_closes_nothing(server: Server) -> None:
    with raw(server) as socket:
        socket.recv(LIMIT_S)
        for frame, code in (
            ('{"type": "dance", "event_id": "e1"}', "invalid_event"),
            ('{"type": "input_audio_buffer.commit", "event_id": "e1"}', "input_audio_buffer_commit_empty"),
            ('{"type": "session.update", "event_id": "e1", "session": {"type": "realtime"}}', "invalid_value"),
        ):
            socket.send(frame)
            told = json.loads(socket.recv(LIMIT_S))
            assert (told["type"], told["error"]["code"], told["error"]["event_id"]) == ("error", code, "e1")
        large = base64.b64encode(bytes(LARGE)).decode()
        socket.send(json.dumps({"type": "input_audio_buffer.append", "audio": large}))
        assert json.loads(socket.recv(LIMIT_S))["error"]["code"] == "event_too_large"


def make_mistakes(socket: ClientConnection) -> None:
    for _ in range(STORM):
        socket.send("[1]")
        socket.recv(LIMIT_S)


def test_a_client_that_only_makes_mistakes_is_closed_and_no_other(server: Server) -> None:
    with raw(server) as other, raw(server) as socket:
        other.recv(LIMIT_S)
        with pytest.raises(ConnectionClosedError) as caught:
            make_mistakes(socket)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == CloseCode.POLICY_VIOLATION
        other.send('{"type": "input_audio_buffer.clear"}')
        assert json.loads(other.recv(LIMIT_S))["type"] == "input_audio_buffer.cleared"


def test_a_session_that_would_answer_is_refused_in_words(server: Server) -> None:
    with connect(f"{server.url.removesuffix('/ws')}/v1/realtime?model=gpt-realtime") as socket:
        told = json.loads(socket.recv(LIMIT_S))
        assert "intent=transcription" in told["error"]["message"]
