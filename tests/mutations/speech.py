"""Hearing in noise, other protocols, and speech on other machines, broken on purpose."""

from typing import Final

from tests.mutations.mutation import Mutation

SPEECH: Final = (
    Mutation(
        "take the likelier of two calls that sound nearly alike",
        "protocol/turns/found_sentences.py",
        "MARGIN: Final = 2.0",
        "MARGIN: Final = 0.0",
        (("tests/protocol/turns/test_found_sentences.py::test_another_call_that_is_nearly_as_likely_makes_both_none"),),
    ),
    Mutation(
        "look for commands in the sound while others wait",
        "actors/stt/recogniser_queue.py",
        "is_idle = self._load_level() <= LENT_LEVEL and not",
        "is_idle = not",
        ("tests/actors/stt/test_sentence_search.py::test_under_load_there_is_no_search",),
    ),
    Mutation(
        "ask the second voice detector under load",
        "protocol/audio/second_detector.py",
        "if load_level > 0:",
        "if load_level > 9:",
        ("tests/protocol/audio/test_second_detector.py::test_under_load_nobody_may_ask_and_all_places_are_free_again",),
    ),
    Mutation(
        "transcribe what is never clearly a voice",
        "protocol/audio/endpointing.py",
        "self.clear_frames += frame.is_clear",
        "self.clear_frames += 1",
        (
            (
                "tests/protocol/audio/test_second_detector.py"
                "::test_a_voice_that_is_never_clear_is_dropped_however_long_it_is"
            ),
        ),
    ),
    Mutation(
        "transcribe what the client has discarded",
        "protocol/audio/endpointing.py",
        "self._floor, self._is_pressed = self._speech, self._position, False",
        "self._floor, self._is_pressed = self._speech, self._floor, False",
        ("tests/protocol/audio/test_endpointing.py::test_what_is_discarded_is_in_no_utterance",),
    ),
    Mutation(
        "keep asking a speech server that never answers",
        "runtime/policies/balancing.py",
        "address.overtaken += 1\n                address.breaker.fail(now_s)",
        "address.overtaken += 1\n                address.breaker.abandon(now_s)",
        ("tests/backends/speech/test_remote_pool.py::test_a_frozen_server_is_left_alone_though_it_never_fails",),
    ),
    Mutation(
        "send every late request twice",
        "runtime/policies/hedging.py",
        "if self._budget < 1:",
        "if self._budget < -1_000:",
        ("tests/runtime/policies/test_hedging.py::test_few_requests_are_sent_twice_however_late_all_are",),
    ),
    Mutation(
        "let a chat's question be answered by another conversation",
        "backends/ingress/chat_sessions.py",
        "chat is not None and chat.answer.strip() == wanted.last_answer.strip()",
        "chat is not None",
        (
            (
                "tests/backends/ingress/test_chat_sessions.py"
                "::test_a_question_is_answered_by_nobody_else_and_by_nothing_else"
            ),
        ),
    ),
    Mutation(
        "wake what waits only at the next slow beat",
        "runtime/messaging/pace.py",
        "            self._begins.set()\n",
        "",
        ("tests/runtime/messaging/test_pace.py::test_the_beginning_of_a_use_wakes_all_that_waits",),
    ),
    Mutation(
        "forget traces while the collector is away",
        "actors/traces.py",
        "self._waiting.extendleft(reversed(batch))",
        "self._waiting.clear()",
        (("tests/actors/test_traces.py::test_while_the_collector_is_away_traces_wait_in_order_and_it_is_told_once"),),
    ),
)
