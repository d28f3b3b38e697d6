"""OpenAI's own client on ``/v1/chat/completions`` of a whole server."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.system.server_fixtures import Server

pytestmark = pytest.mark.system

TIMER: Any = [{"role": "user", "content": "Set a timer for ten minutes."}]


@pytest.fixture
def client(small_server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{small_server.http_url}/v1", api_key="none", max_retries=0) as found:
        yield found


def test_a_command_is_carried_out_and_answered(client: openai.OpenAI) -> None:
    assert "sayso" in [model.id for model in client.models.list()]
    answer = client.chat.completions.create(model="sayso", messages=TIMER)
    assert "ten minutes" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


def test_an_answer_may_be_streamed(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="sayso",
        messages=[{"role": "user", "content": [{"type": "text", "text": "what time is it"}]}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert "it is" in text.lower()
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens > 0


def say(client: openai.OpenAI, messages: Any, text: str) -> str:
    """Say something more in a conversation; return its answer."""
    messages.append({"role": "user", "content": text})
    answer = client.chat.completions.create(model="sayso", messages=messages, user="conversation-1")
    said = answer.choices[0].message.content or ""
    messages.append({"role": "assistant", "content": said})
    return said


def test_a_question_is_answered_by_the_next_message_of_the_conversation(client: openai.OpenAI) -> None:
    messages: Any = []
    assert say(client, messages, "take a note") == "What shall I note?"
    assert "buy milk" in say(client, messages, "buy milk")
    assert "milk" in say(client, messages, "read my notes")


def test_what_is_not_served_is_told_with_its_name(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(
            model="sayso", messages=TIMER, tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}]
        )
    assert caught.value.param == "tools"
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-5", messages=TIMER)
    assert missing.value.code == "model_not_found"
