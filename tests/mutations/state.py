"""What is broken on purpose in what is kept and shown, and in what comes in: history, console, answers, parsers."""

from typing import Final

from tests.mutations.mutation import Mutation

STATE: Final = (
    Mutation(
        "show everybody's history to every key that reads",
        "protocol/admission/history_access.py",
        "    return identity.user\n",
        "    return wanted\n",
        ("tests/protocol/admission/test_history_access.py::test_a_key_for_reading_shows_its_own_user",),
    ),
    Mutation(
        "write what was deleted while it waited",
        "actors/history.py",
        "record for record in self._pending if not what.covers(record)",
        "record for record in self._pending",
        ("tests/actors/test_history.py::test_what_is_deleted_is_not_written_later_and_new_records_are",),
    ),
    Mutation(
        "show everybody's words to whoever reads the console",
        "protocol/admission/identity.py",
        "return reader.user == user or (",
        "return True or (",
        ("tests/protocol/admission/test_identity.py::test_words_are_for_their_user_and_for_operators",),
    ),
    Mutation(
        "let the console restart what holds the sockets",
        "protocol/admission/restarts.py",
        "return actor_id in SAFE or is_tool_server(actor_id)",
        "return True",
        ("tests/protocol/admission/test_restarts.py::test_those_that_hold_sockets_sessions_or_references_may_not",),
    ),
    Mutation(
        "close the mailbox of an actor that is restarted on request",
        "runtime/supervision/supervisor.py",
        'await child.stop("restarted on request", is_final=False)',
        'await child.stop("restarted on request")',
        ("tests/runtime/supervision/test_management.py::test_a_child_that_is_restarted_on_request_keeps_its_mailbox",),
    ),
    Mutation(
        "inflate each fragment by a bound of its own",
        "backends/ingress/websocket_deflate.py",
        "left = INFLATED_MAX_BYTES - self._inflated_bytes",
        "left = INFLATED_MAX_BYTES",
        ("tests/backends/ingress/test_websocket_deflate.py::test_fragments_of_one_message_have_the_bound_together",),
    ),
    Mutation(
        "take a body that is no UTF-8 for a fault of ours",
        "backends/json_faults.py",
        "(msgspec.DecodeError, UnicodeError, RecursionError)",
        "(msgspec.DecodeError, RecursionError)",
        ("tests/backends/ingress/test_json_body.py::test_every_bad_body_is_one_kind_of_error",),
    ),
    Mutation(
        "match a sentence for as long as it takes",
        "backends/commands/steps.py",
        "if self.taken > self.limit:",
        "if False:",
        ("tests/backends/commands/test_steps.py::test_steps_beyond_the_limit_end_the_search",),
    ),
    Mutation(
        "end a German date at its ordinal",
        "protocol/language/sentences.py",
        "if is_number and leader[0].lower() in ORDINAL_LEADERS:",
        "if False:",
        ("tests/protocol/language/test_sentences.py::test_a_german_ordinal_does_not_end_a_sentence",),
    ),
    Mutation(
        "speak JSON that was cut",
        "protocol/language/spoken_results.py",
        "if _CUT_DATA.match(prose):",
        "if False:",
        ("tests/protocol/language/test_spoken_results.py::test_json_and_images_are_not_spoken",),
    ),
    Mutation(
        "take an answer that is cut off for a fault of ours",
        "backends/ingress/hypercorn_bridge.py",
        "except* AnswerCutOff as cut_off:",
        "except* ConnectionError as cut_off:",
        ("tests/backends/ingress/test_http_speech.py::test_speech_that_fails_half_way_is_an_event_or_ends_too_soon",),
    ),
    Mutation(
        "keep the place of a streamed recording for ever",
        "backends/ingress/http_audio.py",
        "        self._at_once -= 1\n",
        "        pass\n",
        (
            "tests/backends/ingress/test_http_audio_streamed.py::test_a_streamed_recording_holds_its_place_until_its_client_goes",
        ),
    ),
    Mutation(
        "forget a call before it is made at a replica",
        "actors/turn/tool_caller.py",
        "if not await self._context.guard.note():",
        "if False:",
        ("tests/test_moving_sessions.py::test_a_session_goes_on_elsewhere_at_whatever_moment_its_replica_goes",),
    ),
    Mutation(
        "ask for audio only from where this replica is",
        "protocol/turns/moving.py",
        "return min([audio.replay_from(), *waiting, *spoken])",
        "return audio.replay_from()",
        ("tests/protocol/turns/test_moving.py::test_audio_is_wanted_again_from_the_first_words_that_have_not_acted",),
    ),
    Mutation(
        "give up an order whose hypotheses took all steps",
        "backends/commands/grammar.py",
        "            with suppress(TooManyStepsError), counted_steps(max_steps):\n",
        "            with counted_steps(max_steps):\n",
        ("tests/backends/commands/test_steps.py::test_costly_hypotheses_do_not_hide_one_that_sounds_like_a_command",),
    ),
    Mutation(
        "take a text that breaks off before the voice does",
        "protocol/audio/transcripts.py",
        "if is_cut and words_of(text)",
        "if not is_cut and words_of(text)",
        ("tests/protocol/audio/test_transcripts.py::test_a_text_that_breaks_off_before_the_voice_is_exchanged",),
    ),
)
