"""The whole dialect: what each event of a client becomes, and how mistakes are told."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.realtime.client_events import RealtimeClientEvent
from protocol.messages import events
from protocol.messages.errors import RemoteProtocolError
from tests.protocol.dialects.realtime.realtime_fixtures import ANSWERING, RealtimeClient, audio, types

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
    client.sends("input_audio_buffer.commit", event_id="e5")
    assert client.asked == [events.AudioEnd()]
    (empty,) = client.told(events.NothingCommitted(2_500))
    assert (empty["error"]["code"], empty["error"]["event_id"]) == ("input_audio_buffer_commit_empty", "e5")


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
    _, ping = client.dialect.decode('{"type": "input_audio_buffer.clear"}')
    assert isinstance(ping, events.Ping)
    client.sends("input_audio_buffer.append", audio="")
    assert client.told(events.Pong(ping.t), events.Pong("x"), events.Pong()) == []


def test_what_fails_beside_any_turn_is_told(client: RealtimeClient) -> None:
    for event in (events.AudioOverrun(0, 5), events.ConnectionRefused("full", 1_000), events.Error("internal", "no")):
        (told,) = client.told(event)
        assert told["error"]["type"] == "server_error"


def test_the_session_talks_of_much_that_this_client_does_not_know(client: RealtimeClient) -> None:
    assert (
        client.told(events.Status(0, 1, 5.0), events.AudioAck(5), events.Degraded("speech", "no"), events.Pong()) == []
    )
    assert not client.dialect.speech(bytes(4))


# --- conversations -------------------------------------------------------------------------------


@pytest.fixture
def talker() -> RealtimeClient:
    client = RealtimeClient(ANSWERING)
    client.opened()
    return client


def typed(text: str, role: str = "user", **fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}], **fields}


def test_a_session_that_answers_asks_for_all_that_is_there() -> None:
    request = RealtimeClient(ANSWERING).dialect.open()
    assert (request.capabilities, request.answers) == (("stt", "llm", "tools", "tts"), "auto")
    (created,) = RealtimeClient(ANSWERING).opened()
    assert (created["session"]["model"], created["session"]["output_modalities"]) == ("gpt-realtime", ["audio"])


def test_a_session_without_create_response_waits_for_the_request(talker: RealtimeClient) -> None:
    talker.sends("session.update", session={"audio": {"input": {"turn_detection": {"create_response": False}}}})
    assert talker.asked == [events.SessionUpdate(answers="on_request")]


def test_a_fresh_session_may_become_one_that_transcribes(talker: RealtimeClient) -> None:
    (updated,) = talker.sends("session.update", session={"type": "transcription"})
    assert updated["session"]["object"] == "realtime.transcription_session"
    assert talker.asked == [events.SessionUpdate(capabilities=("stt",), answers="on_request")]
    talker.sends("input_audio_buffer.append", audio=audio(1))
    with pytest.raises(RemoteProtocolError, match=r"session\.type stays 'transcription'"):
        talker.sends("session.update", session={"type": "realtime"})


def test_instructions_and_a_voice_are_the_sessions(talker: RealtimeClient) -> None:
    talker.sends("session.update", session={"instructions": "Be brief.", "audio": {"output": {"voice": "en_US-x"}}})
    assert talker.asked == [events.SessionUpdate(instructions="Be brief.", voice="en_US-x")]
    talker.sends("session.update", session={"audio": {"output": {"voice": {"id": "marin"}}}})
    assert talker.asked == []


def test_typed_words_wait_for_the_request(talker: RealtimeClient) -> None:
    told = talker.sends("conversation.item.create", item=typed("how are you"))
    assert talker.asked == [events.Text("how are you", "on_request")]
    assert types(told) == ["conversation.item.added", "conversation.item.done"]
    (created,) = talker.sends(
        "response.create", response={"instructions": "Be brief.", "output_modalities": ["text"], "metadata": {"a": "b"}}
    )
    assert talker.asked == [events.Respond("Be brief.", ("stt", "llm", "tools"))]
    assert (created["response"]["output_modalities"], created["response"]["metadata"]) == (["text"], {"a": "b"})


def test_an_item_of_the_system_is_an_instruction(talker: RealtimeClient) -> None:
    talker.sends("session.update", session={"instructions": "Be brief."})
    talker.sends("conversation.item.create", item=typed("Be kind.", "system"))
    assert talker.asked == [events.SessionUpdate(instructions="Be brief.\nBe kind.")]


def test_an_item_is_added_once(talker: RealtimeClient) -> None:
    talker.sends("conversation.item.create", item=typed("a", id="mine"))
    (refused,) = talker.sends("conversation.item.create", item=typed("b", id="mine"))
    assert (refused["error"]["code"], talker.asked) == ("item_already_exists", [])


@pytest.mark.parametrize("response", [{"conversation": "none"}, {"input": []}])
def test_an_answer_about_something_else_is_refused(talker: RealtimeClient, response: dict[str, Any]) -> None:
    (refused,) = talker.sends("response.create", response=response)
    assert (refused["error"]["code"], talker.asked) == ("invalid_value", [])


def test_there_is_one_answer_at_a_time(talker: RealtimeClient) -> None:
    talker.sends("response.create")
    (refused,) = talker.sends("response.create", event_id="e2")
    assert refused["error"]["code"] == "conversation_already_has_active_response"
    assert (refused["error"]["event_id"], talker.asked) == ("e2", [])


def test_what_is_truncated_must_be_there(talker: RealtimeClient) -> None:
    (refused,) = talker.sends("conversation.item.truncate", item_id="x", content_index=0, audio_end_ms=5)
    assert (refused["error"]["code"], talker.asked) == ("item_not_found", [])


@pytest.mark.parametrize(
    ("name", "fields"), [("response.create", {}), ("conversation.item.create", {"item": typed("a")})]
)
def test_a_session_that_transcribes_does_not_answer(client: RealtimeClient, name: str, fields: dict[str, Any]) -> None:
    assert types(client.sends(name, **fields)) == ["error"]
    assert client.asked == []


def test_transcripts_of_a_conversation_are_told_if_they_are_wanted(talker: RealtimeClient) -> None:
    said = (events.SpeechStarted("t1", 5), events.Transcript("t1", "hello", "en", 1.0, events.AudioSpan(5, 9)))
    assert not [name for name in types(talker.told(*said)) if "transcription" in name]
    talker.sends("session.update", session={"audio": {"input": {"transcription": {"model": "whisper-1"}}}})
    said = (events.SpeechStarted("t2", 5), events.Transcript("t2", "hello", "en", 1.0, events.AudioSpan(5, 9)))
    assert types(talker.told(*said))[-1] == "conversation.item.input_audio_transcription.completed"


# --- tools of the client ---------------------------------------------------------------------------

WEATHER = {"type": "function", "name": "get_weather", "description": "Tell it.", "parameters": {"type": "object"}}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "sunny"}
CALL = events.ToolCall("t1", "c1", "client", "get_weather", {"city": "Paris"})
OWN = (events.ClientTool("get_weather", "Tell it.", {"type": "object"}),)


def test_the_clients_tools_are_the_sessions(talker: RealtimeClient) -> None:
    (updated,) = talker.sends("session.update", session={"tools": [WEATHER], "tool_choice": "required"})
    assert talker.asked == [events.SessionUpdate(tools=OWN, tool_choice="required")]
    assert updated["session"]["tools"] == [WEATHER]
    choice = {"type": "function", "name": "get_weather"}
    talker.sends("session.update", session={"tool_choice": choice})
    assert talker.asked == [events.SessionUpdate(tool_choice="get_weather")]
    talker.sends("session.update", session={"tools": []})
    assert talker.asked == [events.SessionUpdate(tools=())]
    talker.sends("response.create", response={"tools": [WEATHER], "tool_choice": "none"})
    assert talker.asked == [events.Respond(None, ("stt", "llm", "tools", "tts"), OWN, "none")]


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([{"type": "mcp", "server_label": "x"}], "invalid enum value 'mcp' - at `$.tools[0].type`"),
        ([{"type": "function"}], "missing required field `name`"),
        ([WEATHER, WEATHER], "with different names"),
        ([WEATHER | {"name": "get weather"}], "not 'get weather'"),
    ],
)
def test_tools_that_cannot_be_offered_are_refused(talker: RealtimeClient, tools: list[Any], words: str) -> None:
    for name, field in (("session.update", "session"), ("response.create", "response")):
        with pytest.raises(RemoteProtocolError) as caught:
            talker.sends(name, event_id="e7", **{field: {"tools": tools}})
        assert (caught.value.code, caught.value.event_id) == ("bad_field", "e7")
        assert words.partition(" - at")[0].lower() in str(caught.value).lower()


def test_an_output_goes_to_the_session_with_the_answer_that_is_asked_for(talker: RealtimeClient) -> None:
    talker.told(events.Understood("t1", "model", 1.0), CALL)
    told = talker.sends("conversation.item.create", item=OUTPUT)
    assert types(told) == ["conversation.item.added", "conversation.item.done"]
    assert told[0]["item"]["output"] == "sunny"
    assert talker.asked == [], "nobody wants an answer yet"
    assert types(talker.sends("response.create")) == ["response.created"]
    assert talker.asked == [events.ToolOutput("c1", "sunny")]
    told = talker.told(events.ToolResult("t1", "c1", ok=True, duration_ms=5), events.Reply("t1", "It is sunny."))
    assert types(told)[-1] == "response.output_audio_transcript.delta"


@pytest.mark.parametrize("call_id", ["c2", "c1"])
def test_an_output_that_no_call_waits_for_is_refused_by_its_name(talker: RealtimeClient, call_id: str) -> None:
    talker.told(CALL)
    if call_id == "c1":
        talker.sends("conversation.item.create", item=OUTPUT)
    (error,) = talker.sends("conversation.item.create", event_id="e9", item=OUTPUT | {"call_id": call_id})
    assert (error["error"]["code"], error["error"]["event_id"]) == ("invalid_tool_call_id", "e9")
    assert f"no call '{call_id}' waits for its output" in error["error"]["message"]


@pytest.mark.parametrize(
    "over",
    [
        events.ToolResult("t1", "c1", ok=False, duration_ms=5, error="no output"),
        events.TurnCompleted("t1", "failed", events.LatencyMs()),
    ],
)
def test_a_call_that_is_over_takes_no_output(talker: RealtimeClient, over: events.ServerEvent) -> None:
    talker.told(CALL, over)
    assert types(talker.sends("conversation.item.create", item=OUTPUT)) == ["error"]


def test_a_client_that_asks_for_an_answer_without_the_output_gives_the_call_up(talker: RealtimeClient) -> None:
    talker.told(CALL)
    talker.sends("conversation.item.create", item=typed("never mind, what time is it"))
    (created,) = talker.sends("response.create")
    assert created["type"] == "response.created"
    assert talker.asked == [events.Interrupt(), events.Respond(None, ("stt", "llm", "tools", "tts"))]
    cut = events.Reply("t1", "Let me", truncated=True), events.TurnCompleted("t1", "interrupted", events.LatencyMs())
    assert talker.told(*cut) == [], "nothing of the old turn is taken for the new answer"
    told = talker.told(events.Reply("t2", "It is four."), events.SpeechAudioEnd("t2"))
    assert told[-1]["response"]["id"] == created["response"]["id"]
    assert told[-1]["response"]["status"] == "completed"


def test_an_output_is_not_lost_where_an_answer_cannot_begin(talker: RealtimeClient) -> None:
    talker.told(CALL)
    talker.sends("conversation.item.create", item=OUTPUT)
    with pytest.raises(RemoteProtocolError):
        talker.sends("response.create", response={"tools": [WEATHER, WEATHER]})
    assert types(talker.sends("response.create", response={"conversation": "none"})) == ["error"]
    talker.sends("response.create")
    assert talker.asked == [events.ToolOutput("c1", "sunny")]


def test_what_is_cleared_with_turn_detection_is_discarded_by_the_session(client: RealtimeClient) -> None:
    client.sends("input_audio_buffer.append", audio=audio(1))
    assert types(client.sends("input_audio_buffer.clear")) == ["input_audio_buffer.cleared"]
    assert client.asked == [events.AudioDiscard()]
    (empty,) = client.sends("input_audio_buffer.commit")
    assert empty["error"]["code"] == "input_audio_buffer_commit_empty"


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "audio",
                    "input",
                    "format",
                    "type",
                    "rate",
                    "turn_detection",
                    "transcription",
                    "language",
                    "tools",
                    "tool_choice",
                    "name",
                    "parameters",
                ]
            ),
            inner,
        )
    ),
    max_leaves=10,
)
MESSAGES = st.builds(
    lambda name, fields: {"type": name, **fields},
    st.sampled_from(NAMES),
    st.dictionaries(
        st.sampled_from(["session", "audio", "item_id", "event_id", "item", "response", "audio_end_ms"]),
        VALUES | st.just("AAAA") | st.just(typed("a")) | st.just(OUTPUT) | st.just({"tools": [WEATHER]}),
        max_size=4,
    ),
)


@given(messages=st.lists(MESSAGES, max_size=8))
def test_whatever_comes_in_whatever_order_is_taken_or_a_mistake(messages: list[dict[str, Any]]) -> None:
    client = RealtimeClient(ANSWERING)
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
