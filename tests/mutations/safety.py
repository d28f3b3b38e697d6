"""What keeps strangers out, data safe and answers honest, broken on purpose."""

from typing import Final

from tests.mutations.mutation import Mutation

SAFETY: Final = (
    # --- strangers
    Mutation(
        "let a page elsewhere use the server",
        "protocol/admission/origin.py",
        "policy.lists(origin) or (host is not None and is_same_origin(origin, host))",
        "True",
        ("tests/protocol/admission/test_origin.py::test_every_other_page_is_403_with_the_setting_whatever_it_does",),
    ),
    Mutation(
        "let one client's frames hold up the others",
        "backends/ingress/websocket.py",
        "if intake.frames >= FRAMES_AT_ONCE:",
        "if intake.frames >= 1000 * FRAMES_AT_ONCE:",
        ("tests/backends/ingress/test_websocket_intake.py::test_a_flood_of_frames_lets_the_others_have_their_turn",),
    ),
    Mutation(
        "take bytes within a frame for a frame",
        "backends/ingress/websocket_intake.py",
        "if self.assembler.is_within_message or not self.boundary.is_reached:",
        "if self.assembler.is_within_message:",
        ("tests/backends/ingress/test_websocket_intake.py::test_no_frame_is_seen_within_another_one",),
    ),
    Mutation(
        "let the end of a read cut a send",
        "backends/ingress/direct_stream.py",
        "            self._descriptor()  # ``interrupt`` was meant for the reader, unless it is closed",
        "            raise",
        ("tests/backends/ingress/test_direct_stream.py::test_an_interrupted_reader_disturbs_no_sender",),
    ),
    Mutation(
        "take heads that proxies read otherwise",
        "backends/ingress/http_connection.py",
        "if (fault := head_fault(head)) is not None:",
        'if (fault := head_fault(b"")) is not None:',
        (
            "tests/backends/ingress/test_accepted_connection.py::test_a_bad_head_is_answered_with_its_status_and_a_reason",
        ),
    ),
    Mutation(
        "take a paused process for a hung loop",
        "runtime/supervision/watchdog.py",
        "            self.excused_s += delay_s\n",
        "            self.excused_s += 0.0\n",
        (
            "tests/runtime/supervision/test_watchdog.py::test_a_process_that_stood_still_has_no_silence_to_tell",
            "tests/runtime/supervision/test_watchdog.py::test_one_pause_after_the_other_is_no_hang",
        ),
    ),
    Mutation(
        "count the processors that others have as our load",
        "backends/load_sensors.py",
        "Reading(CPU, None if cpu is None else cpu.own / self._max_cpu_share)",
        "Reading(CPU, None if cpu is None else cpu.all / self._max_cpu_share)",
        ("tests/backends/test_load_sensors.py::test_the_cpu_signal_is_what_our_processes_use",),
    ),
    Mutation(
        "ask the embedded model to act",
        "actors/inference.py",
        'self._embedded is not None and message.asked_for == "talk"',
        "self._embedded is not None",
        ("tests/actors/test_inference.py::test_the_embedded_model_only_talks",),
    ),
    Mutation(
        "believe a model that says it has acted",
        "protocol/turns/model_answer.py",
        "                self._believe(BeliefEvent.CLAIMED)\n",
        "                self._believe(BeliefEvent.CALLED)\n",
        (
            "tests/protocol/turns/test_model_answer.py::test_a_claim_and_what_comes_after_it_are_neither_shown_nor_said",
            "tests/actors/turn/test_conversing.py::test_a_model_that_claims_what_no_tool_has_done_is_not_believed",
            "tests/actors/turn/test_run.py::test_a_model_that_claims_an_action_is_contradicted",
        ),
    ),
    # --- what is kept
    Mutation(
        "let two servers overwrite each other's notes",
        "backends/builtin/owned_sqlite.py",
        'file.execute("BEGIN IMMEDIATE")',
        'file.execute("BEGIN")',
        (
            (
                "tests/backends/builtin/test_owned_sqlite.py"
                "::test_a_change_while_another_process_makes_one_is_refused_in_words"
            ),
        ),
    ),
    Mutation(
        "forget reminders at a restart",
        "backends/builtin/owned_sqlite.py",
        "sqlite3.connect(self.path,",
        'sqlite3.connect(":memory:",',
        (
            "tests/backends/builtin/test_owned_sqlite.py::test_what_is_kept_survives_a_restart",
            "tests/backends/builtin/test_announcer.py::test_what_is_due_while_the_server_is_away_is_told_late",
        ),
    ),
    Mutation(
        "tell a reminder again that was told",
        "backends/builtin/announcer.py",
        "        self._store.told(params.receipts)\n",
        "",
        ("tests/backends/builtin/test_announcer.py::test_what_was_said_is_told_once",),
    ),
    Mutation(
        "tell a reminder by two servers",
        "backends/builtin/owned_sqlite.py",
        "WHERE claimed_until_s <= ?\n            AND user IN",
        "WHERE claimed_until_s <= ? + 1e9\n            AND user IN",
        (
            "tests/backends/builtin/test_owned_sqlite.py::test_what_is_claimed_by_one_server_is_told_by_no_other",
            "tests/backends/builtin/test_announcer.py::test_two_servers_with_one_store_tell_it_once",
        ),
    ),
    Mutation(
        "tell a reminder to another user",
        "protocol/turns/listeners.py",
        "if whose == user), None)",
        "), None)",
        (
            "tests/protocol/turns/test_listeners.py::test_a_user_is_told_by_the_session_that_asked_or_the_newest",
            "tests/actors/turn/test_announcing.py::test_an_announcement_for_a_user_reaches_no_session_of_another",
        ),
    ),
    Mutation(
        "forget what is due while its user is away",
        "backends/builtin/announcer.py",
        "                change.tell(due_s, telling_body(thing))\n",
        "                if thing.user in self._listeners.values():\n"
        "                    change.tell(due_s, telling_body(thing))\n",
        ("tests/backends/builtin/test_announcer.py::test_what_is_due_while_its_user_is_away_waits_for_its_user_only",),
    ),
    Mutation(
        "keep secrets in the history",
        "actors/history.py",
        "self._pending.append(kept(record, has_words=self._settings.transcripts))",
        "self._pending.append(record)",
        ("tests/actors/test_history.py::test_secrets_are_taken_out_before_anything_is_kept",),
    ),
    Mutation(
        "fail a call whose server is on its way back",
        "actors/tool_server.py",
        "return (self._was_up or not self._first_try.is_set()) and self._next_try_s < deadline_s",
        "return False",
        ("tests/actors/test_tool_server.py::test_a_call_waits_for_a_server_that_is_being_connected_again",),
    ),
    Mutation(
        "let a token die before its successor has arrived",
        "protocol/dialects/client_memory.py",
        "self.former_token = used",
        "self.former_token = None",
        ("tests/actors/test_resuming.py::test_a_client_whose_answer_was_lost_comes_back_with_the_token_that_it_has",),
    ),
    Mutation(
        "crash a session for a client that does not read",
        "actors/connection/telling.py",
        "            return False\n",
        "            raise\n",
        (
            "tests/actors/test_flooding.py::test_a_client_that_only_does_not_read_keeps_its_session",
            "tests/actors/connection/test_telling.py::test_a_client_that_does_not_read_loses_its_socket_and_nothing_that_it_was_told",
        ),
    ),
    Mutation(
        "give up the sessions of whoever lost the fewest clients",
        "protocol/admission/population.py",
        "chosen = next(awaited for awaited, tenant in self._awaited.items() if held[tenant] == most)",
        "chosen = next(iter(self._awaited))",
        (
            "tests/protocol/admission/test_population.py::test_the_tenant_that_has_lost_the_most_clients_gives_way_first",
        ),
    ),
    # --- places and uploads
    Mutation(
        "let one address take every place",
        "protocol/admission/fair_share.py",
        "return free > 0 and held / (held + free) < self.max_share",
        "return free > 0",
        ("tests/protocol/admission/test_fair_share.py::test_a_newcomer_finds_room_beside_one_that_took_all_it_could",),
    ),
    Mutation(
        "refuse health checks when the server is full",
        "actors/admission/gateway_admission.py",
        "if is_reserved and not is_health_check(request.path):",
        "if is_reserved:",
        ("tests/backends/ingress/test_server.py::test_a_full_server_answers_health_checks_and_refuses_all_else",),
    ),
    Mutation(
        "let silent sockets keep their places",
        "protocol/admission/places.py",
        "leaver = self.handshakes.oldest(now_s) if taken >= self.limit * (1 - kept.places) else None",
        "leaver = None",
        ("tests/actors/test_silent_sockets.py::test_a_silent_socket_closes_when_its_place_is_needed",),
    ),
    Mutation(
        "decode any rate that a file announces",
        "protocol/audio/media.py",
        "    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:",
        "    if rate_hz < 0:",
        ("tests/protocol/audio/test_media.py::test_an_absurd_rate_is_refused_with_the_rates_that_are_not",),
    ),
    Mutation(
        "begin a recording anew in another process",
        "backends/speech/media.py",
        "passed_over = min(len(block), max(0, from_sample - self.position))",
        "passed_over = 0",
        (
            "tests/backends/speech/test_media.py::test_a_worker_that_has_not_seen_the_beginning_goes_on_where_another_one_ended",
        ),
    ),
    # --- what is taken back
    Mutation(
        "do the whole sentence besides its first half",
        "protocol/turns/last_sentence.py",
        "return Amendment(text, tuple(reversed(done[same:])), tuple(commands[same:]))",
        "return Amendment(text, (), tuple(commands[same:]))",
        (
            "tests/protocol/turns/test_last_sentence.py::test_an_amendment_undoes_what_differs_and_does_the_rest",
            "tests/actors/turn/test_amending.py::test_the_rest_of_a_sentence_amends_it_and_is_shown_so",
            "tests/test_simulation.py::test_a_sentence_in_two_halves_is_in_effect_once",
        ),
    ),
    Mutation(
        "amend a call whose outcome is not known",
        "actors/turn/amending.py",
        "if sentence is None or not sentence.is_known:",
        "if sentence is None:",
        (
            "tests/actors/turn/test_amending.py::test_a_call_whose_outcome_is_not_known_is_neither_repeated_nor_taken_back",
        ),
    ),
    Mutation(
        "take a call back twice",
        "protocol/turns/turn_memory.py",
        "        left = self.sentence.without_call(undone_id)\n",
        "        left = self.sentence\n",
        (
            "tests/protocol/turns/test_turn_memory.py::test_a_call_is_taken_back_once_and_the_turn_may_then_be_run_again",
            "tests/actors/turn/test_amending.py::test_undo_takes_back_the_last_thing_that_was_done_once",
        ),
    ),
    # --- what is understood
    Mutation(
        "do the half of a sentence that was understood",
        "protocol/turns/several.py",
        "        return Parts(partly=partly) if",
        "        return Parts(several=tuple(part for part in partly if part.match)) if",
        (
            "tests/protocol/turns/test_several.py::test_a_sentence_that_is_understood_in_part_is_told_by_its_parts",
            "tests/actors/turn/test_several_commands.py::test_nothing_is_done_of_a_sentence_that_is_understood_in_part",
        ),
    ),
    Mutation(
        "carry out the rest of a sentence that was stopped",
        "protocol/turns/command_sequence.py",
        "        self._to_do.clear()\n        return left",
        "        return left",
        (
            "tests/protocol/turns/test_command_sequence.py::test_stopping_leaves_undone_what_was_not_begun",
            "tests/actors/turn/test_several_commands.py::test_a_part_is_asked_about_in_its_turn",
        ),
    ),
    Mutation(
        "exchange one place for another",
        "backends/commands/grammar.py",
        "Speller(words, names)",
        "Speller(words | names)",
        ("tests/backends/commands/test_grammar.py::test_a_place_is_never_exchanged_for_one_that_sounds_alike",),
    ),
    Mutation(
        "show what a model thinks",
        "protocol/language/thoughts.py",
        "if self._is_thought:",
        "if False:",
        ("tests/protocol/language/test_thoughts.py::test_thoughts_are_left_out",),
    ),
    Mutation(
        "destroy by words that only sound alike",
        "protocol/turns/tools.py",
        "(now.is_inexact and (spec is None or spec.destructive))",
        "False",
        ("tests/actors/turn/test_run.py::test_a_command_matched_by_its_sound_asks_before_it_destroys_something",),
    ),
    Mutation(
        "read two numbers as one",
        "backends/commands/spoken_numbers.py",
        "return _Candidate(text, not (before.endswith(tuple(words.scales)) and after in words.small))",
        "return _Candidate(text)",
        ("tests/backends/commands/test_spoken_numbers.py::test_what_is_not_one_number_stays_as_it_is",),
    ),
)
