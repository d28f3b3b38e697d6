"""How answers of OpenAI's chat completions are written; pure."""

import math
from typing import Any, Final

import attrs

from protocol.dialects.chat.chat_request import MODEL

CHARS_PER_TOKEN: Final = 4  # of English, on average; no tokenizer has seen a command that went to no model


def usage(prompt_chars: int, answer_chars: int) -> dict[str, int]:
    """Return an estimate of the tokens, by the number of characters.

    >>> usage(10, 4)
    {'prompt_tokens': 3, 'completion_tokens': 1, 'total_tokens': 4}
    """
    prompt, answer = (math.ceil(chars / CHARS_PER_TOKEN) for chars in (prompt_chars, answer_chars))
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


@attrs.frozen
class ChatWriter:
    """Writes one answer."""

    answer_id: str
    unix_time_s: int

    def completion(self, text: str, used: dict[str, int]) -> dict[str, Any]:
        """Return a whole answer."""
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
        return {**self._common("chat.completion"), "choices": [choice], "usage": used}

    def chunk(self, delta: dict[str, str], *, is_last: bool = False) -> dict[str, Any]:
        """Return a part of an answer that is streamed."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": "stop" if is_last else None}
        return {**self._common("chat.completion.chunk"), "choices": [choice]}

    def usage_chunk(self, used: dict[str, int]) -> dict[str, Any]:
        """Return what a stream ends with, if its client wants the usage."""
        return {**self._common("chat.completion.chunk"), "choices": [], "usage": used}

    def _common(self, kind: str) -> dict[str, Any]:
        return {"id": self.answer_id, "object": kind, "created": self.unix_time_s, "model": MODEL}
