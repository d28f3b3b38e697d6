"""The beta's names, before the dialect of the later ones."""

import itertools
import json
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.speech.resampling import RateConverter
from protocol.dialects.dialect import OpeningRequest
from protocol.dialects.realtime.beta import FIELDS, BetaDialect, asks_for_beta, flat_session, later_session
from protocol.dialects.realtime.dialect import RealtimeDialect
from protocol.dialects.realtime.session_document import new_document
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from tests.protocol.dialects.realtime.realtime_fixtures import ACCEPTED, ANSWERING, TRANSCRIBING, parsed, types


@attrs.define
class BetaClient:
    """What a client of the beta sends and gets."""

    request: OpeningRequest = ANSWERING
    dialect: BetaDialect = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        numbers = itertools.count(1)
        self.dialect = BetaDialect(RealtimeDialect(self.request, lambda: str(next(numbers)), RateConverter))
        self.dialect.open()

    def sends(self, name: str, **fields: Any) -> tuple[list[object], list[dict[str, Any]]]:
        """Send an event; return what the session is asked, and what is answered at once."""
        said = self.dialect.decode(json.dumps({"type": name, **fields}))
        told = self.told(*(events.Pong(one.t) for one in said if isinstance(one, events.Ping)))
        return [one for one in said if not isinstance(one, events.Ping)], told

    def told(self, *happened: events.ServerEvent) -> list[dict[str, Any]]:
        """Return what the client is told of events of the session."""
        return [event for one in happened for event in parsed(self.dialect.encode(one, 1))]


@pytest.mark.parametrize(
    ("headers", "asks"),
    [
        ({}, False),
        ({"openai-beta": "realtime=v1"}, True),
        ({"openai-beta": "assistants=v2"}, False),
        ({"sec-websocket-protocol": "realtime, openai-beta.realtime-v1"}, True),
    ],
)
def test_the_beta_is_asked_for_by_a_header_or_a_subprotocol(headers: dict[str, str], asks: bool) -> None:
    assert asks_for_beta(OpeningRequest(headers=headers)) is asks


def test_a_session_is_flat() -> None:
    (created,) = BetaClient().told(ACCEPTED)
    session = created["session"]
    assert created["type"] == "session.created"
    assert (session["input_audio_format"], session["output_audio_format"]) == ("pcm16", "pcm16")
    assert (session["modalities"], session["voice"]) == (["text", "audio"], "alloy")
    assert session["turn_detection"]["type"] == "server_vad"
    assert "audio" not in session


def test_a_flat_session_is_asked_for_as_a_later_one() -> None:
    update = {"input_audio_format": "g711_ulaw", "turn_detection": None, "modalities": ["text"], "instructions": "Hi."}
    asked, (updated,) = BetaClient().sends("session.update", session=update)
    assert asked == [
        events.SessionUpdate(
            capabilities=("stt", "llm", "tools"),
            audio=events.AudioFormat("pcm_s16le", 8_000, 1),
            mode="push_to_talk",
            answers="on_request",
            instructions="Hi.",
        )
    ]
    assert (updated["session"]["input_audio_format"], updated["session"]["turn_detection"]) == ("g711_ulaw", None)


def test_a_session_that_transcribes_has_names_of_its_own() -> None:
    client = BetaClient(TRANSCRIBING)
    assert types(client.told(ACCEPTED)) == ["transcription_session.created"]
    update = {"input_audio_transcription": {"model": "whisper-1", "language": "de"}}
    asked, told = client.sends("transcription_session.update", session=update)
    assert asked == [events.SessionUpdate(language="de")]
    assert types(told) == ["transcription_session.updated"]


def test_an_answer_has_its_earlier_names() -> None:
    client = BetaClient()
    reply = events.Reply("t1", "Four.")
    told = client.told(reply, events.SpeechAudioStart("t1", "pcm_s16le", 24_000))
    told += parsed(client.dialect.speech(bytes(4_800)))
    told += client.told(events.SpeechAudioEnd("t1"))
    assert types(told) == [
        "response.created",
        "response.output_item.added",
        "conversation.item.created",
        "response.content_part.added",
        "response.audio_transcript.delta",
        "response.audio.delta",
        "response.audio.done",
        "response.audio_transcript.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    response = told[-1]["response"]
    assert response["modalities"] == ["text", "audio"]
    assert response["output"][0]["content"] == [{"type": "audio", "transcript": "Four."}]


def test_an_answer_is_asked_for_by_its_modalities() -> None:
    client = BetaClient()
    asked, (created,) = client.sends("response.create", response={"modalities": ["text"]})
    assert asked == [events.Respond(None, ("stt", "llm", "tools"))]
    assert created["response"]["modalities"] == ["text"]
    told = client.told(events.Reply("t1", "Four."), events.TurnCompleted("t1", "done", events.LatencyMs()))
    assert "response.text.done" in types(told)


def test_a_call_of_the_client_has_the_same_names() -> None:
    client = BetaClient()
    client.told(ACCEPTED)
    told = client.told(events.ToolCall("t1", "c1", "client", "ring", {"loud": True}))
    assert "conversation.item.created" in types(told)
    assert told[-1]["response"]["output"][0]["arguments"] == '{"loud":true}'
    output = {"type": "function_call_output", "call_id": "c1", "output": ""}
    _, told = client.sends("conversation.item.create", item=output)
    assert types(told) == ["conversation.item.created"]
    asked, _ = client.sends("response.create")
    assert asked == [events.ToolOutput("c1")]


def test_a_session_comes_back_from_the_other_kind() -> None:
    flat = flat_session(new_document("realtime"))
    assert flat.keys() >= FIELDS.keys()
    later = later_session(flat)
    assert later["audio"]["input"] == new_document("realtime")["audio"]["input"]
    assert later["output_modalities"] == ["audio"]


@pytest.mark.parametrize("text", ["", "[1]", '{"type": "dance"}', '{"type": "session.update", "session": 5}', "x" * 9])
def test_a_mistake_stays_one(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        BetaClient().dialect.decode(text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["pcm16", "g711_alaw"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*FIELDS, "audio", "input"]), inner),
    max_leaves=8,
)


@given(
    fields=st.dictionaries(st.sampled_from(["session", "response"]), VALUES),
    name=st.sampled_from(["session.update", "response.create"]),
)
def test_whatever_comes_is_taken_or_a_mistake(fields: dict[str, Any], name: str) -> None:
    client = BetaClient()
    client.told(ACCEPTED)
    try:
        _, told = client.sends(name, **fields)
    except RemoteProtocolError:
        return
    assert told
