import pytest

from protocol.messages.understanding import ChatMessage, ModelToolCall
from protocol.turns.context import fit, tokens_in

SYSTEM = ChatMessage("system", "Be short.")
QUESTION = ChatMessage("user", "And now?")


def turns(count: int, chars: int = 350) -> list[ChatMessage]:
    return [
        ChatMessage(role, f"{number} ".ljust(chars, "x")) for number in range(count) for role in ("user", "assistant")
    ]


def test_what_fits_is_left_alone():
    messages = (SYSTEM, *turns(2), QUESTION)

    assert fit(messages, 10_000) == messages


def test_the_oldest_turns_go_first_and_whole():
    kept = fit((SYSTEM, *turns(5), QUESTION), 520)

    assert [message.content.split()[0] for message in kept] == ["Be", "3", "3", "4", "4", "And"]
    assert sum(map(tokens_in, kept)) <= 520


def test_the_systems_words_and_the_question_always_stay():
    long_question = ChatMessage("user", "q" * 9_000)

    assert fit((SYSTEM, *turns(3), long_question), 100) == (SYSTEM, long_question)


def test_results_are_shortened_before_the_users_words():
    call = ChatMessage("assistant", "", tool_calls=(ModelToolCall("1", "read_mail", {}),))
    result = ChatMessage("tool", "r" * 8_000, tool_call_id="1")
    kept = fit((SYSTEM, QUESTION, call, result), 1_000)

    assert kept[:3] == (SYSTEM, QUESTION, call)
    assert kept[3].tool_call_id == "1"
    assert kept[3].content.endswith("r …")
    assert sum(map(tokens_in, kept)) <= 1_000


def test_a_result_keeps_its_beginning_however_small_the_budget():
    result = ChatMessage("tool", "r" * 8_000, tool_call_id="1")

    assert len(fit((SYSTEM, QUESTION, result), 10)[2].content) == 402


def test_a_result_goes_with_the_turn_that_it_belongs_to():
    old = [
        ChatMessage("user", "mail?" * 100),
        ChatMessage("assistant", "", tool_calls=(ModelToolCall("1", "read_mail", {}),)),
        ChatMessage("tool", "r" * 400, tool_call_id="1"),
        ChatMessage("assistant", "none"),
    ]

    assert fit((SYSTEM, *old, QUESTION), 60) == (SYSTEM, QUESTION)


@pytest.mark.parametrize("messages", [(), (SYSTEM,), (QUESTION,)])
def test_next_to_nothing_is_left_as_it_is(messages):
    assert fit(messages, 1) == messages


def test_arguments_of_calls_are_counted():
    bare = ChatMessage("assistant", "")
    calling = ChatMessage("assistant", "", tool_calls=(ModelToolCall("1", "lamp", {"room": "hall" * 20}),))

    assert tokens_in(calling) > tokens_in(bare) + 20


def test_an_unanswered_question_is_a_turn_of_its_own():
    unanswered = ChatMessage("user", "u" * 700)
    next_turn = turns(1)

    assert fit((SYSTEM, unanswered, *next_turn, QUESTION), 260) == (SYSTEM, *next_turn, QUESTION)


def test_a_result_is_shortened_when_one_token_is_missing_and_not_before():
    messages = (SYSTEM, QUESTION, ChatMessage("tool", "r" * 8_000, tool_call_id="1"))
    needed = sum(map(tokens_in, messages))

    assert fit(messages, needed) == messages
    assert sum(map(tokens_in, fit(messages, needed - 1))) < needed
