"""Answers as a client of the Realtime API sees them: the session's events in, frames out."""

import base64
from typing import Any

import pytest

from protocol.messages import events
from tests.protocol.dialects.realtime.realtime_fixtures import ANSWERING, RealtimeClient, types

UNDERSTOOD = events.Understood("t1", "command", 1.0)
START = events.SpeechAudioStart("t1", "pcm_s16le", 24_000)
END = events.SpeechAudioEnd("t1")
REPLY = events.Reply("t1", "It is four.")
BEGUN = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
ENDED = ["response.content_part.done", "conversation.item.done", "response.output_item.done", "response.done"]
SPOKEN = "response.output_audio_transcript."
AUDIO = "response.output_audio."
SECOND = bytes(48_000)


def completed(outcome: events.Outcome = "done") -> events.TurnCompleted:
    return events.TurnCompleted("t1", outcome, events.LatencyMs())


@pytest.fixture
def client() -> RealtimeClient:
    client = RealtimeClient(ANSWERING)
    client.opened()
    return client


def spoken(client: RealtimeClient, pcm: bytes = SECOND) -> list[str]:
    """Return the audio that the client gets for the session's samples, in base64."""
    return [event["delta"] for event in client.spoken(pcm)]


def done(told: list[dict[str, Any]]) -> dict[str, Any]:
    found: list[dict[str, Any]] = [event["response"] for event in told if event["type"] == "response.done"]
    assert len(found) == 1
    return found[0]


def test_an_answer_is_over_when_all_of_it_was_sent(client: RealtimeClient) -> None:
    begun = client.told(UNDERSTOOD, REPLY, START)
    assert types(begun) == ["response.created", *BEGUN, SPOKEN + "delta"]
    assert spoken(client) == [base64.b64encode(SECOND).decode()]
    ended = client.told(END)
    assert types(ended) == [AUDIO + "done", SPOKEN + "done", *ENDED]
    response = done(ended)
    assert (response["status"], response["status_details"]) == ("completed", None)
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "It is four."}]
    assert client.told(completed()) == []


def test_all_events_of_an_answer_name_the_same_item(client: RealtimeClient) -> None:
    told = client.told(UNDERSTOOD, REPLY, START) + client.spoken(SECOND) + client.told(END)
    for field in ("response_id", "item_id"):
        assert len({event[field] for event in told if field in event}) == 1
    parts = [event["part"]["type"] for event in told if "part" in event]
    assert parts == ["audio", "audio"], "the part is named otherwise than the item's content"
    assert types(client.sends("conversation.item.retrieve", item_id=told[-1]["response"]["output"][0]["id"])) == [
        "conversation.item.retrieved"
    ]


def test_a_model_s_words_come_as_it_says_them(client: RealtimeClient) -> None:
    words = ("It is", " four.")
    told = client.told(*(events.ReplyDelta("t1", word) for word in words), REPLY, START, END)
    assert [event["delta"] for event in told if event["type"] == SPOKEN + "delta"] == ["It is", " four."]
    assert done(told)["output"][0]["content"][0]["transcript"] == "It is four."


def test_a_question_before_the_answer_is_a_part_of_it(client: RealtimeClient) -> None:
    question = events.ConfirmRequest("t1", "c1", "home", "lock", {}, "Lock the door?", 20.0)
    told = client.told(UNDERSTOOD, START, question, REPLY, END)
    assert done(told)["output"][0]["content"][0]["transcript"] == "Lock the door? It is four."


def test_a_text_answer_has_no_audio_and_ends_with_its_turn(client: RealtimeClient) -> None:
    client.sends("session.update", session={"output_modalities": ["text"]})
    assert client.asked == [events.SessionUpdate(capabilities=("stt", "llm", "tools"))]
    told = client.told(UNDERSTOOD, REPLY, completed())
    assert types(told) == [
        "response.created",
        *BEGUN,
        "response.output_text.delta",
        "response.output_text.done",
        *ENDED,
    ]
    assert done(told)["output"][0]["content"] == [{"type": "output_text", "text": "It is four."}]


def test_an_answer_that_cannot_be_spoken_ends_with_its_turn(client: RealtimeClient) -> None:
    told = client.told(UNDERSTOOD, REPLY, events.Degraded("speech", "no voice"), completed())
    assert types(told)[-6:] == [AUDIO + "done", SPOKEN + "done", *ENDED]
    assert done(told)["status"] == "completed"


def test_words_into_an_answer_cut_it_to_what_was_heard(client: RealtimeClient) -> None:
    client.told(UNDERSTOOD, REPLY, START)
    spoken(client)
    assert client.told(events.SpeechAudioPaused("t1")) == []
    assert types(client.told(END)) == [AUDIO + "done"]
    told = client.told(events.Reply("t1", "It is", truncated=True), completed("interrupted"))
    response = done(told)
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "turn_detected")
    item = response["output"][0]
    assert (item["status"], item["content"][0]["transcript"]) == ("incomplete", "It is")


def test_an_answer_of_which_nothing_was_heard_has_no_words(client: RealtimeClient) -> None:
    told = client.told(UNDERSTOOD, REPLY, START, events.SpeechAudioPaused("t1"), END, completed("interrupted"))
    assert done(told)["output"][0]["content"] == []


def test_a_cough_gives_back_what_the_client_has_dropped(client: RealtimeClient) -> None:
    client.told(UNDERSTOOD, REPLY, START)
    spoken(client)
    client.told(events.SpeechAudioPaused("t1"), events.SpeechAudioResumed("t1", 500))
    assert spoken(client, SECOND[:24_000]) == [base64.b64encode(SECOND[:24_000]).decode()]
    assert done(client.told(END))["status"] == "completed"


def test_a_client_that_was_told_of_no_speech_gets_nothing_twice(client: RealtimeClient) -> None:
    client.sends("session.update", session={"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}})
    client.told(UNDERSTOOD, REPLY, START)
    spoken(client)
    assert client.told(events.SpeechStarted("t2", 5)) == [], "it would drop the answer"
    client.told(events.SpeechAudioPaused("t1"), events.SpeechAudioResumed("t1", 500))
    assert spoken(client, SECOND[:24_000]) == []
    assert len(spoken(client)) == 1
    cough = events.TurnCompleted("t2", "no_speech", events.LatencyMs())
    assert client.told(events.SpeechStopped("t2", 9, "silence"), events.NoSpeech("t2", "noise"), cough) == []


def test_words_are_told_as_soon_as_there_are_some(client: RealtimeClient) -> None:
    client.sends("session.update", session={"audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}})
    client.told(UNDERSTOOD, REPLY, START)
    spoken(client)
    said = events.Transcript("t2", "stop", "en", 0.9, events.AudioSpan(5, 900))
    told = client.told(events.SpeechStarted("t2", 5), events.SpeechStopped("t2", 900, "silence"), said)
    assert types(told)[:3] == [
        f"input_audio_buffer.{name}" for name in ("speech_started", "speech_stopped", "committed")
    ]
    assert told[0]["audio_start_ms"] == 5


def test_an_answer_can_be_cancelled_once(client: RealtimeClient) -> None:
    client.told(UNDERSTOOD, REPLY, START)
    told = client.sends("response.cancel")
    assert client.asked == [events.Interrupt()]
    assert done(told)["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert spoken(client) == []
    assert client.told(END, events.Reply("t1", "It", truncated=True), completed("interrupted")) == []
    (refused,) = client.sends("response.cancel", event_id="e1")
    assert (refused["error"]["code"], refused["error"]["event_id"]) == ("response_cancel_not_active", "e1")
    assert client.asked == []


def test_another_answer_s_id_cancels_nothing(client: RealtimeClient) -> None:
    client.told(UNDERSTOOD)
    assert types(client.sends("response.cancel", response_id="resp_other")) == ["error"]


def test_an_answer_that_was_cancelled_before_it_began_is_never_told(client: RealtimeClient) -> None:
    client.sends("response.create")
    client.sends("response.cancel")
    assert client.told(UNDERSTOOD, REPLY, START, END, completed("interrupted")) == []
    (created,) = client.sends("response.create")
    told = client.told(events.Reply("t2", "Four."), events.TurnCompleted("t2", "done", events.LatencyMs()))
    assert done(told)["id"] == created["response"]["id"]


def test_a_truncated_answer_stops_there(client: RealtimeClient) -> None:
    item_id = client.told(UNDERSTOOD, REPLY, START)[1]["item"]["id"]
    spoken(client)
    truncate = {"item_id": item_id, "content_index": 0}
    (truncated,) = client.sends("conversation.item.truncate", **truncate, audio_end_ms=400)
    assert client.asked == [events.Interrupt(400)]
    assert (truncated["type"], truncated["audio_end_ms"]) == ("conversation.item.truncated", 400)
    told = client.told(END, events.Reply("t1", "It", truncated=True), completed("interrupted"))
    assert done(told)["output"][0]["content"][0]["transcript"] == "It"


def test_what_was_heard_to_its_end_is_not_stopped(client: RealtimeClient) -> None:
    item_id = client.told(UNDERSTOOD, REPLY, START)[1]["item"]["id"]
    spoken(client)
    client.sends("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=1_000)
    assert client.asked == []


def test_an_answer_that_was_sent_can_still_be_truncated_while_it_is_heard(client: RealtimeClient) -> None:
    item_id = client.told(UNDERSTOOD, REPLY, START)[1]["item"]["id"]
    spoken(client)
    client.told(END)
    client.sends("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=400)
    assert client.asked == [events.Interrupt(400)]
    assert client.told(END, events.Reply("t1", "It", truncated=True), completed("interrupted")) == []
    (retrieved,) = client.sends("conversation.item.retrieve", item_id=item_id)
    assert retrieved["item"]["content"][0]["transcript"] == "It"
    client.sends("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=300)
    assert client.asked == [], "its turn is over, and an interrupt would stop another one"


def test_a_turn_that_fails_says_why(client: RealtimeClient) -> None:
    client.sends("response.create")
    told = client.told(events.Error("rate_limited", "too many", turn_id="t1"), completed("refused"))
    assert types(told) == ["response.done"]
    assert done(told)["status_details"]["error"] == {"type": "rate_limit_error", "code": "rate_limit_exceeded"}


def test_speech_that_is_only_heard_ends_no_answer_that_was_asked_for(client: RealtimeClient) -> None:
    client.told(events.SpeechStarted("t0", 5), events.SpeechStopped("t0", 9, "silence"))
    client.sends("response.create")
    assert client.told(events.TurnCompleted("t0", "done", events.LatencyMs())) == []
    assert done(client.told(UNDERSTOOD, REPLY, START, END))["status"] == "completed"


def test_an_announcement_is_an_answer_of_its_own(client: RealtimeClient) -> None:
    told = client.told(REPLY, START, END, completed())
    assert types(told)[0] == "response.created"
    assert done(told)["status"] == "completed"


def test_telephone_audio_is_a_third_of_the_rate_and_half_the_size(client: RealtimeClient) -> None:
    client.sends("session.update", session={"audio": {"output": {"format": {"type": "audio/pcmu"}}}})
    client.told(UNDERSTOOD, REPLY, START)
    parts = spoken(client) + [event["delta"] for event in client.told(END) if event["type"] == AUDIO + "delta"]
    assert sum(len(base64.b64decode(part)) for part in parts) == pytest.approx(8_000, abs=80)


# --- calls of the client ---------------------------------------------------------------------------

CALL = events.ToolCall("t1", "c1", "client", "get_weather", {"city": "Paris"})
CALLED = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "sunny"}


def go_on(client: RealtimeClient) -> str:
    """Give the output and ask for the answer; return its id."""
    client.sends("conversation.item.create", item=OUTPUT)
    (created,) = client.sends("response.create")
    response_id: str = created["response"]["id"]
    return response_id


def test_a_call_of_the_client_ends_the_answer(client: RealtimeClient) -> None:
    told = client.told(events.Understood("t1", "model", 1.0), CALL)
    assert types(told) == ["response.created", *CALLED]
    response = done(told)
    assert response["status"] == "completed"
    (item,) = response["output"]
    assert (item["type"], item["call_id"], item["name"]) == ("function_call", "c1", "get_weather")
    assert (item["arguments"], item["status"]) == ('{"city":"Paris"}', "completed")
    assert told[1]["item"]["arguments"] == ""
    assert [event["output_index"] for event in told if "output_index" in event] == [0] * 4
    by_name = {event["type"]: event for event in told}
    assert by_name["response.function_call_arguments.done"]["name"] == "get_weather"
    assert by_name["response.function_call_arguments.delta"]["delta"] == item["arguments"]
    assert types(client.sends("conversation.item.retrieve", item_id=item["id"])) == ["conversation.item.retrieved"]


def test_a_call_of_the_server_is_none_of_the_clients(client: RealtimeClient) -> None:
    assert client.told(events.ToolCall("t1", "c1", "home", "lamp_on", {})) == []


def test_words_before_a_call_are_an_item_before_it(client: RealtimeClient) -> None:
    told = client.told(events.ReplyDelta("t1", "Let me see."), START)
    told += client.spoken(SECOND) + client.told(CALL)
    message, call = done(told)["output"]
    assert message["content"] == [{"type": "output_audio", "transcript": "Let me see."}]
    assert call["type"] == "function_call"
    assert types(told).index(AUDIO + "done") < types(told).index("response.function_call_arguments.done")
    assert [event["output_index"] for event in told if "call_id" in event] == [1, 1]


def test_the_turn_goes_on_in_the_next_answer(client: RealtimeClient) -> None:
    client.told(events.ReplyDelta("t1", "Let me see."), START)
    client.spoken(SECOND)
    client.told(CALL)
    response_id = go_on(client)
    told = client.told(events.ReplyDelta("t1", " It is sunny."))
    told += client.spoken(SECOND)
    told += client.told(events.Reply("t1", "Let me see. It is sunny."), END)
    response = done(told)
    assert (response["id"], response["status"]) == (response_id, "completed")
    assert response["output"][0]["content"] == [{"type": "output_audio", "transcript": "It is sunny."}]
    assert base64.b64decode("".join(event["delta"] for event in told if event["type"] == AUDIO + "delta")) == SECOND
    assert client.told(completed()) == []


def test_an_answer_after_a_call_is_cut_where_it_was_heard(client: RealtimeClient) -> None:
    client.told(events.ReplyDelta("t1", "Let me see."), START)
    client.spoken(SECOND)
    client.told(CALL)
    go_on(client)
    told = client.told(events.ReplyDelta("t1", "It is sunny. It is warm."))
    client.spoken(2 * SECOND)
    item_id = told[0]["item"]["id"]
    client.sends("conversation.item.truncate", item_id=item_id, audio_end_ms=500)
    assert client.asked == [events.Interrupt(1_500)], "counted from the beginning of the turn's speech"
    told = client.told(END, events.Reply("t1", "Let me see. It is sunny.", truncated=True), completed("interrupted"))
    response = done(told)
    assert response["status"] == "cancelled"
    assert response["output"][0]["content"][0]["transcript"] == "It is sunny."


def test_a_turn_that_goes_on_without_its_client_has_another_answer(client: RealtimeClient) -> None:
    client.told(CALL)
    paused = events.SpeechAudioPaused("t1"), events.SpeechAudioResumed("t1", 0), events.Understood("t1", "model", 1.0)
    assert client.told(*paused) == [], "nothing is told before there is something to tell"
    told = client.told(events.ToolResult("t1", "c1", ok=False, duration_ms=9), events.ReplyDelta("t1", "I cannot."))
    assert types(told)[0] == "response.created"
    assert done(client.told(events.Reply("t1", "I cannot."), completed()))["status"] == "completed"


def test_one_call_follows_another(client: RealtimeClient) -> None:
    client.told(CALL)
    first = go_on(client)
    told = client.told(events.ToolCall("t1", "c2", "client", "ring", {}))
    assert types(told) == CALLED
    assert done(told)["id"] == first
    assert done(told)["output"][0]["arguments"] == "{}"
    client.sends("conversation.item.create", item=OUTPUT | {"call_id": "c2"})
    client.sends("response.create")
    assert client.asked == [events.ToolOutput("c2", "sunny")]


def test_an_answer_has_failed_whose_turn_ended_before_it_could_go_on(client: RealtimeClient) -> None:
    client.told(CALL)
    client.sends("conversation.item.create", item=OUTPUT)
    ping, *asked = client.dialect.decode('{"type": "response.create"}')
    assert asked == [events.ToolOutput("c1", "sunny")]
    assert isinstance(ping, events.Ping)
    told = client.told(completed("interrupted"), events.Pong(ping.t))
    assert types(told) == ["response.created", "response.done"]
    assert done(told)["status"] == "failed"
    assert types(client.sends("response.create")) == ["response.created"]
