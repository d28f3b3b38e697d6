"""The seams of the structure, broken on purpose: admission, the conversation, reports, streams, the client."""

from typing import Final

from tests.mutations.mutation import Mutation

STRUCTURE: Final = (
    Mutation(
        "admit whatever a rate that cannot be asked holds up",
        "actors/admission/gateway_admission.py",
        "with trio.move_on_after(rule.deadline_s):",
        "with trio.move_on_after(3_600):",
        ("tests/actors/admission/test_gateway_admission.py::test_a_rate_that_cannot_be_asked_in_time_admits",),
    ),
    Mutation(
        "take a forwarded request for a local one",
        "protocol/admission/identity.py",
        "if not FORWARDING_HEADERS.isdisjoint(headers):",
        "if False:",
        ("tests/protocol/admission/test_identity.py::test_what_came_through_a_proxy_is_not_from_this_machine",),
    ),
    Mutation(
        "let in whom nobody has recognised",
        "protocol/admission/checks.py",
        "CheckRule(1.0, admits_without_answer=False)",
        "CheckRule(1.0, admits_without_answer=True)",
        (
            "tests/protocol/admission/test_checks.py::test_a_rate_that_cannot_be_asked_admits_and_credentials_that_cannot_be_checked_refuse",
        ),
    ),
    Mutation(
        "take a yes for a later question",
        "protocol/turns/conversation.py",
        "            case Step.CONSENT if turn.question == given(happened.consent).call_id:\n",
        "            case Step.CONSENT:\n",
        ("tests/protocol/turns/test_conversation.py::test_a_yes_is_for_the_question_that_was_open_when_it_was_said",),
    ),
    Mutation(
        "answer a client that is lost",
        "protocol/turns/conversation.py",
        "        if moment.is_lost:\n            yield HoldAnswer()\n",
        "",
        (
            "tests/protocol/turns/test_conversation.py::test_while_the_client_is_lost_an_answer_is_held_from_its_beginning",
        ),
    ),
    Mutation(
        "speak on while the answer is held",
        "protocol/turns/playback.py",
        "        _E.HELD: (_S.HELD, (_N.DROP, _N.PAUSED)),\n",
        "        _E.HELD: (_S.SPEAKING, (_N.DROP, _N.PAUSED)),\n",
        ("tests/protocol/turns/test_playback.py::test_what_the_client_is_told",),
    ),
    Mutation(
        "read the report of an actor that has crashed",
        "runtime/messaging/published.py",
        "                self.latest = self._borrower = None",
        "                self._borrower = None",
        ("tests/runtime/messaging/test_published.py::test_a_crash_withdraws_the_report",),
    ),
    Mutation(
        "publish no queue delay",
        "actors/stt/recogniser_queue.py",
        "self._publish(delay=delay)",
        "self._publish()",
        ("tests/actors/stt/test_recogniser_queue.py::test_what_waits_and_what_waited_is_published_at_once",),
    ),
    Mutation(
        "let a model run ahead of a slow speaker",
        "runtime/messaging/stream.py",
        "trio.open_memory_channel[Part](0)",
        "trio.open_memory_channel[Part](64)",
        ("tests/runtime/messaging/test_stream.py::test_a_slow_reader_slows_the_maker_down",),
    ),
    Mutation(
        "let a tool call outlast its asker",
        "actors/tool_server.py",
        "self.context.deadline_s - OUTCOME_WITHIN_S",
        "self.context.deadline_s",
        (
            "tests/actors/test_tool_server.py::test_a_call_that_takes_too_long_is_cancelled_and_its_outcome_comes_before_the_asker_gives_up",
        ),
    ),
    Mutation(
        "type a command twice after a lost line",
        "sayso_client/session.py",
        "if not is_repeatable:",
        "if False:",
        ("tests/sayso_client/test_session.py::test_a_typed_command_that_may_have_arrived_is_not_sent_twice",),
    ),
    Mutation(
        "lose the rest of a piece of audio that was half heard",
        "sayso_client/sent_audio.py",
        "self._pieces[0] = self._from(self._pieces[0], samples)",
        "self._pieces.popleft()",
        ("tests/sayso_client/test_sent_audio.py::test_audio_is_sent_again_from_the_sample_that_the_server_names",),
    ),
    Mutation(
        "try large batches before it is known that they pay",
        "protocol/admission/capacity.py",
        "return min(limit, TRIAL_BATCH)",
        "return limit",
        ("tests/protocol/admission/test_capacity.py::test_a_batch_is_made_where_it_is_cheaper_for_each",),
    ),
    Mutation(
        "take the error that a full card leaves behind for another",
        "backends/speech/frugal_engine.py",
        "if was_short and is_left_over(error):",
        "if False:",
        (
            "tests/backends/speech/test_frugal_engine.py::test_the_error_that_running_out_leaves_behind_is_not_taken_for_another",
        ),
    ),
    Mutation(
        "keep events for a client that cannot come back",
        "protocol/dialects/client_memory.py",
        "        if self.may_resume:",
        "        if True:",
        (
            "tests/protocol/dialects/test_client_memory.py::test_a_client_whose_dialect_cannot_resume_has_nothing_kept_for_it",
        ),
    ),
    Mutation(
        "select a subprotocol that was not offered",
        "backends/ingress/accepted_connection.py",
        "subprotocol if subprotocol in offered else None",
        "subprotocol",
        ("tests/backends/ingress/test_negotiation.py::test_nothing_is_selected_that_was_not_offered",),
    ),
    Mutation(
        "wait for a client that cannot come back",
        "actors/connection/connection.py",
        "may_resume = self._memory.may_resume and self._settings.session.resume_window_s > 0",
        "may_resume = self._settings.session.resume_window_s > 0",
        ("tests/actors/connection/test_reading.py::test_a_client_that_cannot_come_back_is_not_waited_for",),
    ),
    Mutation(
        "take a reply of another shape",
        "runtime/workers/jobs.py",
        "    return msgspec.msgpack.Decoder(reply)",
        "    return msgspec.msgpack.Decoder()",
        ("tests/runtime/workers/test_jobs.py::test_a_reply_that_does_not_fit_names_the_job_and_the_field",),
    ),
    Mutation(
        "count the workers of a server elsewhere as missing",
        "actors/stt/recogniser_queue.py",
        "if pool.has_local_workers else (0, 0)",
        "if pool.size else (0, 0)",
        ("tests/actors/stt/test_recogniser_queue.py::test_workers_that_are_not_ready_are_missing",),
    ),
)
