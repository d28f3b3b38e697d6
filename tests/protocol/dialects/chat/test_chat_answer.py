"""How answers are written: as the official client reads them."""

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from protocol.dialects.chat.chat_answer import ChatWriter, usage

WRITER = ChatWriter("chatcmpl-1", 1_800_000_000)


def test_a_whole_answer_is_one_of_openais() -> None:
    answer = ChatCompletion.model_validate(WRITER.completion("It is four.", usage(40, 11)), strict=True)
    assert answer.choices[0].message.content == "It is four."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (10, 3, 13)


def test_the_parts_of_a_stream_are_openais() -> None:
    parts = [
        ChatCompletionChunk.model_validate(part, strict=True)
        for part in (
            WRITER.chunk({"role": "assistant", "content": "It"}),
            WRITER.chunk({"content": " is"}),
            WRITER.chunk({}, is_last=True),
            WRITER.usage_chunk(usage(4, 4)),
        )
    ]
    assert "".join(part.choices[0].delta.content or "" for part in parts[:3]) == "It is"
    assert [part.choices[0].finish_reason for part in parts[:3]] == [None, None, "stop"]
    assert (parts[3].choices, parts[3].usage is not None) == ([], True)
