"""What is broken on purpose, and which tests must notice: a promise that no test guards is not kept for long."""

from typing import Final

from tests.mutations.access import ACCESS
from tests.mutations.mutation import Mutation
from tests.mutations.safety import SAFETY
from tests.mutations.speech import SPEECH
from tests.mutations.state import STATE
from tests.mutations.structure import STRUCTURE

MUTATIONS: Final = (
    # --- restarts
    Mutation(
        "restart without backoff",
        "runtime/policies/restart.py",
        "delay_s = 0.0 if is_first else backoff_delay_s(max(1, consecutive), backoff, rng)",
        "delay_s = 0.0",
        (
            "tests/runtime/policies/test_restart.py::test_the_first_restart_is_immediate_after_a_second_of_health",
            "tests/runtime/messaging/test_ref.py::test_85_an_ask_during_backoff_fails_at_once_or_is_served",
        ),
    ),
    Mutation(
        "let the jitter exceed the cap",
        "runtime/policies/restart.py",
        "whole_s * rng.uniform(0.5, 1.0)",
        "whole_s * rng.uniform(0.5, 1.5)",
        (
            "tests/runtime/policies/test_restart.py::test_37_the_delay_lies_between_half_and_whole_and_never_above_the_cap",
        ),
    ),
    Mutation(
        "allow one restart too many",
        "runtime/policies/restart.py",
        "if len(history.restarts) > intensity.max_restarts:",
        "if len(history.restarts) > intensity.max_restarts + 1:",
        ("tests/runtime/policies/test_restart.py::test_32_exactly_n_restarts_in_the_window_are_allowed",),
    ),
    Mutation(
        "never forget a restart",
        "runtime/policies/restart.py",
        "restarts = tuple(t for t in history.restarts if t >= now_s - intensity.period_s)",
        "restarts = history.restarts",
        ("tests/runtime/policies/test_restart.py::test_33_crashes_spaced_more_than_the_window_never_escalate",),
    ),
    Mutation(
        "crash for ever, if only rarely",
        "runtime/policies/restart.py",
        "if consecutive > backoff.max_consecutive:",
        "if consecutive > 10 * backoff.max_consecutive:",
        ("tests/runtime/policies/test_restart.py::test_40_too_many_crashes_in_a_row_escalate_however_rare",),
    ),
    Mutation(
        "count poison as crashes",
        "runtime/policies/restart.py",
        "    if ended.has_quarantined:\n        return RestartHistory(",
        "    if ended.has_quarantined and not history:\n        return RestartHistory(",
        (
            "tests/runtime/policies/test_restart.py::test_90_poison_does_not_count_towards_the_intensity",
            "tests/runtime/supervision/test_loop.py::test_90_poison_messages_do_not_escalate",
        ),
    ),
    # --- incarnations and stops
    Mutation(
        "believe an incarnation that was given up",
        "runtime/supervision/child.py",
        "        if incarnation is not self._current:\n            self.zombies -= 1",
        "        if False:\n            self.zombies -= 1",
        (
            "tests/runtime/supervision/test_child.py::test_20_the_end_of_a_given_up_incarnation_is_no_news",
            "tests/runtime/supervision/test_dynamic.py::test_a_zombie_keeps_its_place_until_it_ends",
        ),
    ),
    Mutation(
        "take the answer of an incarnation that was given up",
        "runtime/supervision/loop.py",
        "if self._in_flight.pop(envelope.id, None) is None:",
        "if self._in_flight.pop(envelope.id, None) is None and False:",
        ("tests/runtime/supervision/test_loop.py::test_20_the_answer_of_a_given_up_incarnation_is_late",),
    ),
    Mutation(
        "wait a hundred seconds for a task that resists",
        "runtime/supervision/child.py",
        "ZOMBIE_AFTER_S = 1.0",
        "ZOMBIE_AFTER_S = 100.0",
        (
            "tests/runtime/supervision/test_supervisor.py::test_47_a_child_that_resists_is_given_up_with_its_stack",
            "tests/runtime/supervision/test_incarnation.py::test_an_actor_that_ends_itself_and_hangs_is_stuck_and_restarted",
        ),
    ),
    Mutation(
        "give up who only waits for the processor",
        "runtime/supervision/child.py",
        "ZOMBIE_AFTER_PASSES = 100",
        "ZOMBIE_AFTER_PASSES = 0",
        ("tests/runtime/supervision/test_child.py::test_a_child_that_only_waits_for_the_processor_is_no_zombie",),
    ),
    Mutation(
        "let the children decide how long the tree's stop takes",
        "runtime/supervision/tree.py",
        "await self._root.stop(reason, patience_s=self._stop_timeout_s)",
        "await self._root.stop(reason)",
        ("tests/runtime/supervision/test_tree.py::test_the_whole_stop_is_bounded",),
    ),
    Mutation(
        "stop in the order of the start",
        "runtime/supervision/children.py",
        "for child in reversed(tuple(self)):",
        "for child in tuple(self):",
        (
            "tests/runtime/supervision/test_supervisor.py::test_45_children_stop_in_reverse_each_when_the_one_before_is_gone",
        ),
    ),
    # --- asks
    Mutation(
        "handle what nobody waits for any more",
        "runtime/supervision/loop.py",
        "return envelope.is_expired(now_s) or (envelope.has_steady_cost and self._is_hopeless(envelope, now_s))",
        "return envelope.has_steady_cost and self._is_hopeless(envelope, now_s)",
        ("tests/runtime/supervision/test_loop.py::test_82_what_expired_in_the_queue_is_not_begun",),
    ),
    Mutation(
        "begin what cannot be done in time",
        "runtime/supervision/loop.py",
        "return envelope.is_expired(now_s) or (envelope.has_steady_cost and self._is_hopeless(envelope, now_s))",
        "return envelope.is_expired(now_s)",
        ("tests/runtime/supervision/test_loop.py::test_82_what_could_hardly_be_done_in_time_is_not_begun",),
    ),
    Mutation(
        "let the askers of a dead actor wait",
        "runtime/supervision/loop.py",
        "                _tell_asker(envelope, ActorDied(self._ref.name, ended))\n",
        "",
        ("tests/runtime/messaging/test_ref.py::test_84_every_pending_ask_fails_at_once_when_the_actor_dies",),
    ),
    Mutation(
        "let the asker of a poison message wait",
        "runtime/supervision/loop.py",
        "                _tell_asker(envelope, PoisonMessage(self._ref.name, ended))\n",
        "",
        ("tests/runtime/supervision/test_loop.py::test_89_a_message_that_crashes_is_poison_and_the_next_is_served",),
    ),
    Mutation(
        "let a late reply replace the answer",
        "runtime/messaging/envelope.py",
        "        if self.is_over:\n            return False\n        self._value = value\n",
        "        self._value = value\n",
        (
            "tests/runtime/messaging/test_envelope.py::test_81_a_slot_takes_one_answer",
            "tests/runtime/messaging/test_ref.py::test_81_a_timeout_is_raised_at_the_deadline_and_the_late_reply_is_dropped",
        ),
    ),
    Mutation(
        "give a nested ask a deadline of its own",
        "runtime/messaging/ref.py",
        "inherited_s = math.inf if inbound is None else inbound.envelope.deadline_s",
        "inherited_s = math.inf",
        ("tests/runtime/messaging/test_ref.py::test_83_a_nested_ask_inherits_the_deadline_of_its_message",),
    ),
    Mutation(
        "wait for oneself in a circle",
        "runtime/messaging/ref.py",
        "        if self in chain:\n",
        "        if self in chain and False:\n",
        ("tests/runtime/messaging/test_ref.py::test_87_a_asks_b_asks_a_is_a_cycle",),
    ),
    # --- mailboxes
    Mutation(
        "throw away without counting",
        "runtime/messaging/mailbox.py",
        "        self.counters.dropped[reason] += 1\n",
        "",
        (
            "tests/runtime/messaging/test_mailbox.py::test_69_74_any_order_of_events_keeps_the_bound_and_the_balance",
            "tests/runtime/test_properties.py::test_a_mailbox_in_a_storm_loses_nothing_without_a_trace",
        ),
    ),
    Mutation(
        "let control wait behind data",
        "runtime/messaging/mailbox.py",
        "        if self._control:\n            return",
        "        if self._control and not self._data:\n            return",
        (
            "tests/runtime/messaging/test_mailbox.py::test_75_control_overtakes_data",
            "tests/runtime/messaging/test_ref.py::test_75_a_signal_behind_many_messages_is_handled_next",
        ),
    ),
    Mutation(
        "hold one message more than fits",
        "runtime/messaging/lane.py",
        "return len(self._queue) < self._spec.capacity and",
        "return len(self._queue) <= self._spec.capacity and",
        ("tests/runtime/messaging/test_mailbox.py::test_69_74_any_order_of_events_keeps_the_bound_and_the_balance",),
    ),
    Mutation(
        "enqueue for a sender who has been cancelled",
        "runtime/messaging/mailbox.py",
        "            del self._senders[task]\n            self._admit_senders()",
        "            self._admit_senders()",
        (
            "tests/runtime/messaging/test_mailbox.py::test_70_blocked_senders_are_served_in_order_and_a_cancelled_one_leaves_nothing",
        ),
    ),
    # --- places
    Mutation(
        "keep the place of a child that has ended",
        "runtime/supervision/dynamic.py",
        "    def _leave_or_forget(self, child: Child) -> None:\n        self._children.forget(child)",
        "    def _leave_or_forget(self, child: Child) -> None:\n        pass",
        (
            "tests/runtime/supervision/test_dynamic.py::test_15_a_child_that_ended_is_forgotten_and_its_id_is_free",
            "tests/runtime/supervision/test_dynamic.py::test_66_places_are_balanced_after_any_history",
        ),
    ),
    Mutation(
        "keep the place of a client that has gone",
        "protocol/admission/places.py",
        "self.taken -= 1",
        "self.taken -= 0",
        (
            "tests/actors/test_gateway.py::test_a_place_is_taken_before_the_handshake_and_given_back_once",
            "tests/actors/test_gateway.py::test_a_place_is_given_back_after_a_failure_too",
        ),
    ),
    Mutation(
        "let a tenant take all places",
        "runtime/supervision/dynamic.py",
        "if Counter(self._tenants.values())[request.tenant] >= self._max_per_tenant:",
        "if Counter(self._tenants.values())[request.tenant] >= self._max_children:",
        (
            "tests/runtime/supervision/test_dynamic.py::test_68_a_tenant_at_its_cap_is_refused_while_another_is_admitted",
        ),
    ),
    Mutation(
        "admit new clients under load",
        "protocol/admission/admission.py",
        "if level >= FULL_LEVEL:",
        "if level > FULL_LEVEL:",
        ("tests/actors/test_gateway.py::test_under_load_new_clients_are_refused",),
    ),
    Mutation(
        "let everybody in at once after load",
        "protocol/admission/admission.py",
        "if self._tokens < 1 + min(kept, room - 1):",
        "if self._tokens < -1e9:",
        ("tests/protocol/admission/test_admission.py::test_after_load_admission_grows_slowly",),
    ),
    Mutation(
        "let a noisy tenant take what others have a share of",
        "protocol/admission/tenants.py",
        "KEPT_SHARE if speaking * demand.each >= share * self.max_share else 0.0",
        "0.0",
        (
            "tests/protocol/admission/test_tenants.py::test_a_tenant_with_its_share_leaves_something_to_others",
            "tests/protocol/admission/test_admission.py::test_a_noisy_tenant_costs_a_quiet_one_next_to_nothing",
        ),
    ),
    Mutation(
        "let a crowd's sessions take turns with everybody else's",
        "actors/stt/recogniser_queue.py",
        "cost=message.utterance.duration_s, group=message.tenant)",
        "cost=message.utterance.duration_s)",
        ("tests/actors/stt/test_recogniser_queue.py::test_a_crowd_of_one_tenant_lets_another_have_its_turn",),
    ),
    Mutation(
        "give a stranger a session under load",
        "actors/connection/opening.py",
        "await self.writer.send(refusal)",
        "await self.accept(request)",
        ("tests/actors/test_resuming.py::test_while_new_clients_are_refused_a_false_token_is_refused",),
    ),
    Mutation(
        "believe a single sample of the load",
        "protocol/admission/load.py",
        "certain = min(self._wanted) if len(self._wanted) == UP_SAMPLES else Level.NORMAL",
        "certain = wanted",
        ("tests/protocol/admission/test_load.py::test_98_one_sample_moves_nothing_and_the_second_may_jump",),
    ),
    # --- workers
    Mutation(
        "leave a worker alone that is over its deadline",
        "runtime/workers/assignments.py",
        "            assignment.scope.deadline = now_s + assignment.timeout_s\n",
        "            assignment.scope.deadline = now_s + 3 * assignment.timeout_s\n",
        ("tests/runtime/workers/test_assignments.py::test_only_the_first_job_begins_and_its_time_runs",),
    ),
    Mutation(
        "try the job of a dead worker only once",
        "runtime/workers/pool.py",
        "if not job.attempts_left or not job.is_wanted:",
        "if True:",
        ("tests/runtime/workers/test_pool.py::test_a_job_whose_worker_dies_or_stops_is_done_once_by_the_next",),
    ),
    # --- turns
    Mutation(
        "call a tool although nobody agreed",
        "protocol/turns/tools.py",
        "return Policy.ALLOW if configured is Policy.ALLOW and not now.is_influenced else Policy.CONFIRM",
        "return Policy.ALLOW",
        (
            "tests/protocol/turns/test_tools.py::test_only_reading_and_clear_commands_are_allowed_without_asking",
            "tests/actors/turn/test_tool_caller.py::test_without_consent_nothing_is_done",
        ),
    ),
    Mutation(
        "call a tool whatever the user says",
        "actors/turn/tool_caller.py",
        "if policy is Policy.CONFIRM and not await self._confirmed(call_id, wanted, spec):",
        "if policy is Policy.CONFIRM and await self._confirmed(call_id, wanted, spec) is None:",
        ("tests/actors/turn/test_tool_caller.py::test_without_consent_nothing_is_done",),
    ),
    Mutation(
        "use a call id twice",
        "protocol/turns/turn_memory.py",
        "        if call_id in self._calls:\n            return False\n",
        "",
        (
            "tests/protocol/turns/test_turn_memory.py::test_a_call_id_is_taken_once",
            "tests/actors/turn/test_tool_caller.py::test_no_call_id_is_used_twice",
        ),
    ),
    Mutation(
        "act again after a crash",
        "actors/dialogue.py",
        "(memory.has_acted(running.turn_id) or memory.answered == running.turn_id)",
        "(memory.answered == running.turn_id)",
        ("tests/actors/test_dialogue.py::test_a_turn_that_has_acted_is_not_repeated_after_a_crash",),
    ),
    Mutation(
        "answer again after a crash",
        "actors/dialogue.py",
        "(memory.has_acted(running.turn_id) or memory.answered == running.turn_id)",
        "memory.has_acted(running.turn_id)",
        ("tests/actors/test_dialogue.py::test_a_turn_whose_answer_has_begun_is_not_answered_again_after_a_crash",),
    ),
    Mutation(
        "remember what nobody heard after a barge-in",
        "actors/turn/run.py",
        'replied = " ".join(self._spoken.heard_until(report.heard_s))',
        "replied = self._replied",
        (
            "tests/actors/test_barge_in.py::test_an_interrupted_answer_is_remembered_only_as_far_as_it_was_heard",
            "tests/actors/test_barge_in.py::test_an_answer_that_was_not_heard_is_no_answer",
        ),
    ),
    Mutation(
        "leave a turn without its end",
        "protocol/turns/conversation.py",
        "        for turn_id in sorted(self._open_turns - {kept}):\n",
        "        for turn_id in ():\n",
        ("tests/actors/test_dialogue.py::test_speech_that_was_being_heard_at_a_crash_ends_as_failed",),
    ),  # --- channels of workers
    Mutation(
        "let two tasks send on one channel at once",
        "runtime/workers/channel.py",
        "        async with self._sending:\n",
        "        if self._sending:\n",
        (
            "tests/runtime/workers/test_process.py::test_one_that_reads_nothing_is_stopped_while_a_task_is_still_sending_to_it",
            "tests/runtime/test_worker_interleavings.py::test_a_worker_ends_in_order_whenever_its_process_stops_reading",
        ),
    ),
    Mutation(
        "send on behind a frame that was cut off",
        "runtime/workers/channel.py",
        "                await trio.aclose_forcefully(self._stream)\n                raise",
        "                raise",
        ("tests/runtime/workers/test_channel.py::test_a_frame_that_was_cut_off_ends_the_channel",),
    ),
    *ACCESS,
    *SPEECH,
    *SAFETY,
    *STATE,
    *STRUCTURE,
)
