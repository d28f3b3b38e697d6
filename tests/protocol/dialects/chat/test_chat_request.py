"""The body of a chat completion: what becomes the turn, what the conversation, and what is refused by its name."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.dialects.chat.chat_request import (
    MAX_MESSAGES,
    MAX_NAME_CHARS,
    MAX_TEXT_CHARS,
    BadChatRequest,
    ChatBody,
    ChatTurn,
    read_chat,
)
from protocol.messages.event_values import MAX_INSTRUCTIONS_CHARS

HELLO = {"role": "user", "content": "hello"}


def body(*messages: Any, **fields: Any) -> ChatBody:
    return msgspec.convert({"model": "sayso", "messages": list(messages) or [HELLO], **fields}, ChatBody)


def said(role: str, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


def test_the_last_message_is_the_turn_and_the_rest_the_conversation() -> None:
    turn = read_chat(
        body(
            said("system", "Be brief."),
            said("user", "hi"),
            said("assistant", "Hello!"),
            said("developer", "Speak English."),
            said("user", [{"type": "text", "text": " what time"}, {"type": "text", "text": "is it "}]),
        )
    )
    assert turn == ChatTurn(
        text="what time is it",
        turns=(("hi", "Hello!"),),
        instructions="Be brief.\nSpeak English.",
        prompt_chars=9 + 2 + 6 + 14 + 17,
    )
    assert turn.last_answer == "Hello!"
    assert read_chat(body()).last_answer == ""


def test_an_answer_without_a_question_is_kept_as_the_clients_greeting() -> None:
    assert read_chat(body(said("assistant", "How can I help?"), HELLO)).turns == (("", "How can I help?"),)


@pytest.mark.parametrize(
    ("header", "user", "name"),
    [
        (None, None, None),
        (None, "u1", "u1"),
        ("c1", "u1", "c1"),
        ("", "", None),
        ("x" * 500, None, "x" * MAX_NAME_CHARS),
    ],
)
def test_a_conversation_is_named_by_a_header_or_the_user(
    header: str | None, user: str | None, name: str | None
) -> None:
    assert read_chat(body(user=user), header).conversation == name


def test_a_stream_may_end_with_its_usage() -> None:
    turn = read_chat(body(stream=True, stream_options={"include_usage": True}))
    assert (turn.is_streamed, turn.wants_usage) == (True, True)


def test_what_shapes_a_models_text_has_no_effect() -> None:
    shaped = body(temperature=0.1, max_tokens=5, stop=["x"], seed=1, tools=[], n=1, response_format={"type": "text"})
    assert read_chat(shaped) == read_chat(body())


@pytest.mark.parametrize(
    ("fields", "param", "status"),
    [
        ({"model": "gpt-5"}, "model", 404),
        ({"tools": [{"type": "function"}]}, "tools", 400),
        ({"functions": [{}]}, "functions", 400),
        ({"n": 2}, "n", 400),
        ({"response_format": {"type": "json_object"}}, "response_format", 400),
        ({"modalities": ["text", "audio"]}, "modalities", 400),
        ({"audio": {"voice": "alloy"}}, "audio", 400),
        ({"logprobs": True}, "logprobs", 400),
        ({"web_search_options": {"x": 1}}, "web_search_options", 400),
        ({"messages": []}, "messages", 400),
        ({"messages": [said("assistant", "hello")]}, "messages", 400),
        ({"messages": [said("user", " ")]}, "messages", 400),
        ({"messages": [said("user", "x" * (MAX_TEXT_CHARS + 1))]}, "messages", 400),
        ({"messages": [HELLO] * (MAX_MESSAGES + 1)}, "messages", 400),
        ({"messages": [said("system", "x" * (MAX_INSTRUCTIONS_CHARS + 1)), HELLO]}, "messages", 400),
        ({"messages": [said("tool", "done"), HELLO]}, "messages", 400),
        ({"messages": [said("user", [{"type": "image_url", "image_url": {}}])]}, "messages", 400),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_parameters_name(
    fields: dict[str, Any], param: str, status: int
) -> None:
    with pytest.raises(BadChatRequest) as caught:
        read_chat(body(**fields))
    assert (caught.value.param, caught.value.status) == (param, status)


ASKS_TIME = '{"role": "user", "content": "what time is it"}'
LITELLM = (
    f'{{"model": "sayso", "messages": [{ASKS_TIME}], "temperature": 0.2, "max_tokens": 100}}',
    f'{{"model": "sayso", "messages": [{ASKS_TIME}], "stream": true, "stream_options": {{"include_usage": true}}}}',
)
"""What its completion() sends for a model openai/sayso, with a user who is named: that is left out."""


@pytest.mark.parametrize("sent", LITELLM)
def test_what_litellm_sends_is_taken(sent: str) -> None:
    turn = read_chat(msgspec.json.decode(sent, type=ChatBody))
    assert (turn.text, turn.turns) == ("what time is it", ())
    assert (turn.is_streamed, turn.wants_usage) == ("stream" in sent, "stream" in sent)


ROLES = st.sampled_from(["system", "developer", "user", "assistant", "tool"])


@given(st.lists(st.tuples(ROLES, st.text(max_size=10)), min_size=1, max_size=8))
def test_any_order_of_messages_is_read_or_refused(messages: list[tuple[str, str]]) -> None:
    try:
        turn = read_chat(body(*(said(role, text) for role, text in messages)))
    except BadChatRequest:
        return
    assert turn.text == messages[-1][1].strip()
    assert all(user or answer for user, answer in turn.turns if answer)
