"""Fits a conversation into a model's context; pure.

Rules kept here:

* The oldest turns go first, whole: half a turn misleads more than none.
* Tools' results are shortened before anything that the user said; the system's words and the last question stay.
* A tool's result never stands without the call that asked for it.
"""

from collections.abc import Sequence
from typing import Final

import attrs

from protocol.messages.understanding import ChatMessage

CHARS_PER_TOKEN: Final = 3.5  # of English in the vocabularies of small models, 3.6 to 4.4: rather too many than too few
MESSAGE_TOKENS: Final = 6  # what a chat template puts around each message
MIN_RESULT_CHARS: Final = 400
CUT: Final = " …"


def tokens_in(message: ChatMessage) -> int:
    """Return about how many tokens a message takes, rather too many."""
    chars = len(message.content) + sum(len(call.name) + len(str(call.arguments)) for call in message.tool_calls)
    return MESSAGE_TOKENS + round(chars / CHARS_PER_TOKEN)


def fit(messages: Sequence[ChatMessage], budget_tokens: int) -> tuple[ChatMessage, ...]:
    """Return the part of the conversation that fits ``budget_tokens``, in order.

    What must stay is returned even if it is more than the budget; the model's server then decides.
    """
    kept = list(messages)
    question = max((at for at, message in enumerate(kept) if message.role == "user"), default=0)
    first = next((at for at, message in enumerate(kept) if message.role != "system"), 0)
    while first < question and _total(kept) > budget_tokens:
        end = _turn_end(kept, first, question)
        del kept[first:end]
        question -= end - first
    return _with_shorter_results(kept, budget_tokens)


def _total(messages: Sequence[ChatMessage]) -> int:
    return sum(tokens_in(message) for message in messages)


def _turn_end(messages: Sequence[ChatMessage], start: int, question: int) -> int:
    """Return where the turn that begins at ``start`` ends: before the next word of the user."""
    return next((at for at in range(start + 1, question) if messages[at].role == "user"), question)


def _with_shorter_results(messages: Sequence[ChatMessage], budget_tokens: int) -> tuple[ChatMessage, ...]:
    shortened = list(messages)
    for at, message in enumerate(messages):
        excess = _total(shortened) - budget_tokens
        if excess <= 0:
            break
        if message.role == "tool":
            chars = max(MIN_RESULT_CHARS, len(message.content) - round(excess * CHARS_PER_TOKEN) - len(CUT))
            if chars < len(message.content):
                shortened[at] = attrs.evolve(message, content=message.content[:chars] + CUT)
    return tuple(shortened)
