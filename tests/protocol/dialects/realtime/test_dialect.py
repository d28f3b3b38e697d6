"""The whole dialect: what each event of a client becomes, and how mistakes are told."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.dialect import OpeningRequest
from protocol.dialects.realtime.client_events import RealtimeClientEvent
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from tests.protocol.dialects.realtime.realtime_fixtures import RealtimeClient, audio, types

NO_DETECTION = {"audio": {"input": {"turn_detection": None}}}
NAMES = [kind.__struct_config__.tag for kind in get_args(RealtimeClientEvent)]


@pytest.fixture
def client() -> RealtimeClient:
    client = RealtimeClient()
    client.opened()
    return client


def test_the_first_event_describes_the_session() -> None:
    (created,) = RealtimeClient().opened()
    assert created["type"] == "session.created"
    session = created["session"]
    assert (session["type"], session["id"]) == ("transcription", "sess_abc")
    assert session["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24_000}


def test_a_session_that_would_answer_is_refused_and_says_what_is_there() -> None:
    with pytest.raises(RemoteProtocolError, match="intent=transcription") as caught:
        RealtimeClient(OpeningRequest(query={"model": "gpt-realtime"})).opened()
    assert caught.value.fatal


def test_an_update_is_told_when_the_session_has_taken_it(client: RealtimeClient) -> None:
    (updated,) = client.sends("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    assert client.asked == [events.SessionUpdate(audio=events.AudioFormat("pcm_s16le", 8_000, 1))]
    assert updated["type"] == "session.updated"
    assert updated["session"]["audio"]["input"]["format"] == {"type": "audio/pcmu"}


def test_an_update_that_the_session_refuses_changes_nothing(client: RealtimeClient) -> None:
    update = {"audio": {"input": {"transcription": {"model": "huge"}, "format": {"type": "audio/pcmu"}}}}
    client.dialect.decode(json.dumps({"type": "session.update", "event_id": "e1", "session": update}))
    (told,) = client.told(events.Error("unknown_model", "stt_model must be one of tiny"))
    assert (told["error"]["code"], told["error"]["event_id"]) == ("model_not_found", "e1")
    (updated,) = client.sends("session.update", session={"a": 1})
    assert updated["session"]["audio"]["input"]["transcription"]["model"] == "sayso"
    client.sends("input_audio_buffer.append", audio=audio(1))
    assert client.asked == [48_000]


def test_audio_goes_on_at_once_with_turn_detection(client: RealtimeClient) -> None:
    assert client.sends("input_audio_buffer.append", audio=audio(2.5)) == []
    assert client.asked == [48_000, 48_000, 24_000]
    client.sends("input_audio_buffer.commit")
    assert client.asked == [events.AudioStart(), events.AudioEnd()]


def test_audio_waits_for_its_commit_without(client: RealtimeClient) -> None:
    client.sends("session.update", session=NO_DETECTION)
    assert client.asked == [events.SessionUpdate(mode="push_to_talk")]
    client.sends("input_audio_buffer.append", audio=audio(1))
    assert client.asked == []
    client.sends("input_audio_buffer.commit")
    assert client.asked == [events.AudioStart(), 48_000, events.AudioEnd()]


def test_what_is_cleared_is_not_committed(client: RealtimeClient) -> None:
    client.sends("session.update", session=NO_DETECTION)
    client.sends("input_audio_buffer.append", audio=audio(1))
    assert types(client.sends("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    (refused,) = client.sends("input_audio_buffer.commit", event_id="e1")
    assert (refused["error"]["code"], refused["error"]["event_id"]) == ("input_audio_buffer_commit_empty", "e1")
    assert client.asked == []


def test_audio_that_waits_goes_on_when_turns_are_detected_again(client: RealtimeClient) -> None:
    client.sends("session.update", session=NO_DETECTION)
    client.sends("input_audio_buffer.append", audio=audio(1))
    client.sends("session.update", session={"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}})
    assert client.asked == [events.SessionUpdate(mode="hands_free"), 48_000]


def test_the_format_stays_while_audio_waits(client: RealtimeClient) -> None:
    client.sends("session.update", session=NO_DETECTION)
    client.sends("input_audio_buffer.append", audio=audio(1))
    (refused,) = client.sends("session.update", session={"audio": {"input": {"format": {"type": "audio/pcmu"}}}})
    assert refused["error"]["code"] == "invalid_value"
    client.sends("input_audio_buffer.commit")
    assert client.asked == [events.AudioStart(), 48_000, events.AudioEnd()]


@pytest.mark.parametrize("name", ["conversation.item.retrieve", "conversation.item.delete"])
def test_an_item_that_is_not_there_is_an_error_with_the_events_id(client: RealtimeClient, name: str) -> None:
    (refused,) = client.sends(name, item_id="x" * 100, event_id="e7")
    assert (refused["error"]["code"], refused["error"]["event_id"]) == ("item_not_found", "e7")


def test_an_item_can_be_deleted(client: RealtimeClient) -> None:
    item_id = client.told(events.SpeechStopped("t1", 5, "manual"))[0]["item_id"]
    assert types(client.sends("conversation.item.delete", item_id=item_id)) == ["conversation.item.deleted"]
    assert types(client.sends("conversation.item.retrieve", item_id=item_id)) == ["error"]


def test_a_binary_frame_is_a_mistake(client: RealtimeClient) -> None:
    with pytest.raises(RemoteProtocolError, match="text frame"):
        client.dialect.decode(bytes(4))


def test_a_mistake_keeps_the_name_of_its_event(client: RealtimeClient) -> None:
    for text in (
        '{"type": "input_audio_buffer.append", "event_id": "e1", "audio": "AAAA"}',
        '{"type": "session.update", "event_id": "e1", "session": {"type": 5}}',
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            client.dialect.decode(text)
        assert caught.value.event_id == "e1"


def test_an_answer_that_was_not_given_is_not_given_later(client: RealtimeClient) -> None:
    (ping,) = client.dialect.decode('{"type": "input_audio_buffer.clear"}')
    assert isinstance(ping, events.Ping)
    client.sends("input_audio_buffer.append", audio="")
    assert client.told(events.Pong(ping.t), events.Pong("x"), events.Pong()) == []


def test_lost_audio_and_what_failed_is_told(client: RealtimeClient) -> None:
    (overrun,) = client.told(events.AudioOverrun(0, 5))
    (failed,) = client.told(events.Error("turn_failed", "no worker", turn_id="of no speech"))
    assert [told["error"]["type"] for told in (overrun, failed)] == ["server_error", "server_error"]


def test_the_session_talks_of_much_that_this_client_does_not_know(client: RealtimeClient) -> None:
    assert (
        client.told(events.Status(0, 1, 5.0), events.AudioAck(5), events.Degraded("speech", "no"), events.Pong()) == []
    )
    assert client.dialect.speech(bytes(4)) == ()


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["audio", "input", "format", "type", "rate", "turn_detection", "transcription", "language"]
            ),
            inner,
        )
    ),
    max_leaves=10,
)
MESSAGES = st.builds(
    lambda name, fields: {"type": name, **fields},
    st.sampled_from(NAMES),
    st.dictionaries(st.sampled_from(["session", "audio", "item_id", "event_id"]), VALUES | st.just("AAAA"), max_size=4),
)


@given(messages=st.lists(MESSAGES, max_size=8))
def test_whatever_comes_in_whatever_order_is_taken_or_a_mistake(messages: list[dict[str, Any]]) -> None:
    client = RealtimeClient()
    client.opened()
    for message in messages:
        try:
            said = client.dialect.decode(json.dumps(message))
        except RemoteProtocolError:
            continue
        assert all(isinstance(one, bytes | events.ClientEvent) for one in said)
        for one in said:
            if isinstance(one, events.Ping):
                assert client.told(events.Pong(one.t))
