"""One turn, from the utterance to the end of the answer; runs once, in a task of the dialogue.

Rules kept here:

* Which step is taken next is decided by the table ``TRANSITIONS`` of ``protocol/turns/turn.py``: each of its states
  stands for one step here, which returns the event that it ends with.
* The ladder is climbed from exact to vague: command grammar, meaning, language model, and then the honest refusal.
* Hearing, understanding and acting share the turn's deadline; past it the user gets an apology.
* ``TurnCompleted`` is sent exactly once in every case, and history holds the part of the answer that was heard.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial

import attrs
import trio

from actors.turn.amending import TurnAmending
from actors.turn.answering import spoken, words_kept
from actors.turn.conversing import ModelConversation, NoSuitableModel, UnfoundedClaim
from actors.turn.hearing import EarlyTranscription, ask_unless_early, began_s, heard_from, show
from actors.turn.question import NO_COMMAND, TurnQuestion
from actors.turn.searching import TurnSearch
from actors.turn.spoken_answer import SpokenAnswer
from actors.turn.tool_caller import CONFIRM_WITHIN_S, ToolCaller, WantedCall
from actors.turn.tracing import begin_trace, send_trace
from actors.turn.turn_context import Heard, SessionOptions, TurnContext, TurnRefused
from protocol.language.phrases import FAILED, NO_MODEL, NOT_REALLY_DONE, TOO_SLOW
from protocol.language.requests import asks_for_help
from protocol.language.samples import help_text
from protocol.language.sentences import SentenceCutter
from protocol.language.spoken_results import spoken_result
from protocol.messages import events
from protocol.messages.hearing import NoWords, Recognition, UtteranceEnded
from protocol.messages.records import Count
from protocol.messages.session import Announce
from protocol.messages.understanding import CommandMatch
from protocol.turns.actions import GiveConsent, GiveOutput, PendingTurn
from protocol.turns.command_sequence import CommandSequence, stopped_before
from protocol.turns.conversation import given
from protocol.turns.questions import Reaction
from protocol.turns.turn import TurnEvent, TurnMachine, TurnState
from protocol.turns.turn_report import TurnReport
from runtime import AskError, MailboxError
from runtime.messaging.log_ids import add_log_ids
from runtime.messaging.spans import add_span, span

log = logging.getLogger("sayso.turn")

TurnStep = Callable[[], Awaitable[TurnEvent | None]]
"""Does what a state stands for; returns the event that it ends with, None if there is nothing to answer."""


@attrs.frozen
class TurnAnswer:
    """What a turn ends with."""

    text: str
    outcome: events.Outcome = "done"
    is_spoken: bool = False
    """Whether it was said as it came."""


class Turn:
    """One turn: hears, understands, acts and answers."""

    def __init__(
        self,
        pending: PendingTurn,
        machine: TurnMachine,
        context: TurnContext,
        options: SessionOptions,
        early: EarlyTranscription | None = None,
    ) -> None:
        """Answer ``pending``, which ``machine`` has begun with and which may be transcribed ``early``."""
        self._pending = pending
        self._machine = machine
        self._early = early
        self._context = context
        self._options = options
        self._scope = trio.CancelScope()
        self._deadline = trio.CancelScope()
        self._report = TurnReport(pending.turn_id, trio.current_time())
        self._spoken = spoken_answer(machine, context, options, self._report)
        self._tools: ToolCaller | None = None
        self._question = TurnQuestion(pending.turn_id, context, options)
        self._amending = TurnAmending(pending.turn_id, context, options, trio.current_time())
        self._heard = Heard("", language=options.language, said_s=trio.current_time())
        self._commands: CommandSequence | None = None
        self._answer = TurnAnswer("", "interrupted")

    @property
    def turn_id(self) -> str:
        """The turn's id."""
        return self._pending.turn_id

    # --- from outside ----------------------------------------------------------------------------

    def answer(self, said: GiveConsent | GiveOutput) -> None:
        """Take the client's answer to a call that waits for it."""
        if isinstance(said, GiveConsent) and said.stops and self._commands is not None:
            given(self._tools).record_undone(self._commands.stop())
        if self._tools is not None:
            self._tools.take(said)

    async def hold(self) -> None:
        """Pause the answer until it is known whether the user speaks."""
        await self._spoken.hold()

    async def resume(self) -> None:
        """Continue the answer, because the user did not speak."""
        await self._spoken.resume()

    def interrupt(self, heard_ms: int | None = None, *, lets_call_end: bool = False) -> None:
        """Stop at once; ``heard_ms`` of the answer's speech were heard (by the clock if ``None``).

        ``lets_call_end``: but wait for the outcome of a call that was sent.
        """
        self._report.heard_s = None if heard_ms is None else heard_ms / 1000
        if lets_call_end and self._tools is not None:
            self._tools.let_call_end()
        self._scope.cancel()

    # --- one run ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Answer, until the answer was heard or cut, and tell the client how it ended."""
        add_log_ids(session_id=self._context.client_view.session_id, turn_id=self.turn_id)
        begin_trace(self._context.peers)
        match said := self._pending.said:
            case UtteranceEnded(last_voice_s=last_voice_s) as utterance:
                self._heard = attrs.evolve(self._heard, said_s=began_s(utterance))
                self._amending.ended_s = last_voice_s
                self._report.origin_s = last_voice_s
                self._report.mark_until("endpoint", trio.current_time())
                add_span("endpoint", last_voice_s, trio.current_time())
            case events.Text(text):
                self._heard = attrs.evolve(self._heard, text=text, is_typed=True)
            case events.Respond():
                self._heard = words_kept(self._context.memory.kept_words, self._options.language, trio.current_time())
            case Announce(text):
                self._answer = TurnAnswer(text)
        await self._complete()
        if isinstance(said, Announce) and said.told is not None and not self._context.client_view.is_lost:
            self._context.peers.tools.tell_nowait(said.told)  # what a lost client missed is announced again

    async def _answer_in_time(self) -> None:
        """Take the steps of ``TRANSITIONS`` until there is an answer, or nothing to answer."""
        with trio.move_on_after(self._context.dialogue.turn_timeout_s) as self._deadline:
            steps: Mapping[TurnState, TurnStep] = {
                TurnState.TRANSCRIBING: self._transcribe,
                TurnState.UNDERSTANDING: self._understand,
                TurnState.TAKING_BACK: self._take_back,
                TurnState.ACTING: self._act,
            }
            while (take_step := steps.get(self._machine.state)) is not None:
                event = await self._attempt(take_step)
                if event is None:
                    return
                self._machine.advance(event)
            return
        self._answer = TurnAnswer(self._options.told(TOO_SLOW), "failed")
        self._machine.advance(TurnEvent.ANSWERED)

    async def _attempt(self, take_step: TurnStep) -> TurnEvent | None:
        """Take one step; what goes wrong is the answer."""
        try:
            return await take_step()
        except TurnRefused as refused:
            self._answer = TurnAnswer(refused.say, "refused")
        except (AskError, MailboxError) as error:
            log.warning("turn failed: %s", error, extra={"turn_id": self.turn_id})
            await self._context.show(events.Error("turn_failed", str(error), turn_id=self.turn_id))
            self._answer = TurnAnswer(self._options.told(FAILED), "failed")
        return TurnEvent.ANSWERED

    async def _may_begin(self) -> bool:
        """Return whether the user may have another turn now; told if not. What a tool announces is not counted."""
        wait_s = 0.0 if isinstance(self._pending.said, Announce) else self._context.take_turn()
        if wait_s > 0:
            await self._context.refuse_turn(self.turn_id, wait_s)
            self._answer = TurnAnswer("", "refused")
        return wait_s <= 0

    async def _complete(self) -> None:
        outcome: events.Outcome = "interrupted"
        with self._scope:
            async with self._spoken.open() if self._options.wants("tts") else nullcontext():
                if await self._may_begin():
                    await self._answer_in_time()
                if self._machine.state is TurnState.SPEAKING:
                    await self._tell(self._answer)
            await self._spoken.end()
            self._report.mark_until("total", trio.current_time())
            with span("play"):
                await self._spoken.wait_heard()
            outcome = "interrupted" if self._machine.state is TurnState.CUT else self._answer.outcome
        if outcome == "interrupted":
            await self._spoken.cut()
        self._machine.finish()
        await self._finish(outcome)

    # --- its steps -------------------------------------------------------------------------------

    async def _transcribe(self) -> TurnEvent | None:
        """Hear the words; None if there were none."""
        said = spoken(self._pending)
        started_s = trio.current_time()
        told = self._context, self._options
        found = self._pending.heard or await ask_unless_early(*told, said.utterance, self._early)
        if isinstance(found, NoWords):
            found = await TurnSearch(self.turn_id, *told).recovered(said.utterance, found)
        if isinstance(found, Recognition):
            self._report.heard = found.text  # before it is shown: an interruption may come between
        answer = await show(*told, self.turn_id, said.utterance, found)
        if answer is None:
            self._answer = TurnAnswer("", "no_speech")
            return None
        took_s = trio.current_time() - started_s
        queue_s = min(answer.queue_s, took_s)  # an early transcription caused no wait
        self._report.mark("queue", queue_s)
        self._report.mark("stt", took_s - queue_s)
        add_span("queue", started_s, started_s + queue_s)
        add_span("recognise", started_s + queue_s, started_s + took_s)
        self._heard = heard_from(said, answer, self._options)
        return TurnEvent.HEARD

    async def _understand(self) -> TurnEvent:
        """Decide what is done with the words."""
        self._report.heard, self._report.language = self._heard.text, self._heard.language
        started_s = trio.current_time()
        may_be_command = self._options.wants("tools") and self._heard.text
        with span("understand"):
            decision = await self._question.decide(self._heard) if may_be_command else NO_COMMAND
        self._heard = heard = attrs.evolve(self._heard, confidence=self._question.confidence_of(self._heard, decision))
        self._report.confidence = heard.confidence
        self._tools = tool_caller(
            self._machine, self._context, heard, self._report, self._spoken, scope=self._deadline, ask=self._ask_aloud
        )
        self._report.mark("understand", trio.current_time() - started_s)
        if decision.reaction is not Reaction.GO_ON:
            self._report.source = self._question.source
        if decision.reaction is Reaction.CALL and decision.match is not None:
            self._amending.begin(heard.text, self._question.asked_by(decision))
            self._plan((decision.match, *decision.more))
            return TurnEvent.UNDERSTOOD
        if decision.reaction in (Reaction.AMEND, Reaction.TAKE_BACK):
            self._amending.take(decision.amendment, heard.said_s)
            if decision.amendment is not None:
                self._plan(decision.amendment.commands)
            return TurnEvent.AMENDS
        if decision.reaction is not Reaction.GO_ON:
            if decision.reaction is Reaction.ASK:
                self._amending.begin(heard.text, self._question.asked_by(decision))
            self._answer = TurnAnswer(self._question.note(decision))
            return TurnEvent.ANSWERED
        self._amending.begin(heard.text)
        return await self._understand_other(heard)

    async def _understand_other(self, heard: Heard) -> TurnEvent:
        """Decide what is done with words that are no command, or without any."""
        if self._options.wants("tools") and (self._question.asks_for_help or asks_for_help(heard.text, heard.language)):
            told = help_text(self._context.grammar.samples(), heard.language)
            if told is not None:
                self._report.source = self._question.source
                await self._context.show(events.Understood(self.turn_id, self._question.source, 1.0))
                self._answer = TurnAnswer(told)
                return TurnEvent.ANSWERED
        if self._options.wants("llm"):
            return TurnEvent.UNDERSTOOD
        raise TurnRefused(self._question.refusal(heard.text) if heard.text else self._options.told(NO_MODEL))

    def _plan(self, commands: Sequence[CommandMatch]) -> None:
        """Prepare to carry out commands."""
        self._commands = CommandSequence(self._options.language, commands)
        self._context.peers.metrics.tell_nowait(Count("turn_commands_total", (), len(commands)))

    async def _take_back(self) -> TurnEvent:
        """Take back what was done before; then the whole sentence is carried out, if there is one."""
        told = await self._amending.take_back(given(self._tools))
        if self._commands is None:
            self._answer = TurnAnswer(told)
            return TurnEvent.ANSWERED
        self._amending.begin_whole()
        if not self._commands.commands:
            self._answer = TurnAnswer(self._amending.answer_before())
            return TurnEvent.ANSWERED
        return TurnEvent.TAKEN_BACK

    async def _act(self) -> TurnEvent:
        """Carry out the next command, or ask a model."""
        if self._commands is None:
            return await self._converse()
        match = self._commands.begin()
        self._machine.calls_left = self._commands.left
        if match is not None:
            await self._call(match, self._commands)
        if self._commands.left:
            return TurnEvent.CALLED
        asked = self._question.conclude(self._commands.lacking)
        if asked:
            self._commands.end(asked)
        self._answer = TurnAnswer(self._commands.answer, self._commands.outcome)
        return TurnEvent.ANSWERED

    async def _call(self, match: CommandMatch, commands: CommandSequence) -> None:
        source = self._question.source
        await self._context.show(events.Understood(self.turn_id, source, match.confidence, match.tool, match.arguments))
        is_inexact = match.confidence < 1.0
        wanted = WantedCall(
            match.server,
            match.tool,
            match.arguments,
            "command",
            is_inexact=is_inexact,
            guess=match.guess,
            sentence=match.text,
        )
        try:
            outcome = await given(self._tools).call(wanted)
        except TurnRefused as refused:
            commands.end(refused.say, "refused")
            return
        if not outcome.ok:
            log.warning("%s failed: %s", match.tool, outcome.error, extra={"turn_id": self.turn_id})
            commands.fail(outcome.error or "", outcome.told)
        elif self._question.offer(match, outcome):
            commands.end("")
        else:
            commands.end(spoken_result(outcome.content, self._options.language))

    async def _converse(self) -> TurnEvent:
        heard = self._heard
        asked_s = trio.current_time()

        async def begin() -> None:
            if self._report.source is None:
                self._report.source = "model"
                await self._context.show(events.Understood(self.turn_id, "model", heard.confidence))

        said = self._pending.said
        conversation = ModelConversation(
            self.turn_id,
            self._context,
            self._options,
            given(self._tools),
            instructions=said.instructions if isinstance(said, events.Respond) else None,
            is_action=self._question.meant.is_action,
            say=self._spoken.say,
            on_begin=begin,
            on_first_token=lambda: self._report.mark("first_token", trio.current_time() - asked_s),
        )
        try:
            with span("model"):
                text = await conversation.run(heard)
        except NoSuitableModel:
            raise TurnRefused(self._question.refusal(heard.text)) from None
        except UnfoundedClaim as claim:
            log.warning("a model claims what no tool has done: %s", claim, extra={"turn_id": self.turn_id})
            raise TurnRefused(self._options.told(NOT_REALLY_DONE)) from None
        except (AskError, MailboxError) as error:
            log.warning("no answer: %s", error, extra={"turn_id": self.turn_id})
            await self._context.show(events.Error("model_unavailable", str(error), turn_id=self.turn_id))
            self._answer = TurnAnswer(self._options.told(NO_MODEL), "failed")
            return TurnEvent.ANSWERED
        self._answer = TurnAnswer(text or self._options.told(NO_MODEL), is_spoken=True)
        return TurnEvent.ANSWERED

    # --- saying ----------------------------------------------------------------------------------

    async def _tell(self, answer: TurnAnswer) -> None:
        """Show the answer, and say what has not been said."""
        self._report.replied = self._context.memory.last_reply = answer.text
        await self._context.show(events.Reply(self.turn_id, answer.text))
        await self._question.show()
        if not answer.is_spoken:
            cutter = SentenceCutter(self._options.language)
            for clause in (*cutter.feed(answer.text), *cutter.flush()):
                await self._spoken.say(clause)

    async def _ask_aloud(self, question: str) -> None:
        """Ask the user a question; the time to think is added to the deadline."""
        self._deadline.deadline += CONFIRM_WITHIN_S
        await self._spoken.say(question)
        await self._context.expect_reply(CONFIRM_WITHIN_S)

    # --- the end ---------------------------------------------------------------------------------

    async def _finish(self, outcome: events.Outcome) -> None:
        context, report = self._context, self._report
        if outcome == "interrupted":
            report.mark_until("total", trio.current_time())
            report.replied = " ".join(self._spoken.heard_until(report.heard_s))
            if report.replied:
                await context.show(events.Reply(self.turn_id, report.replied, truncated=True))
        self._question.end(trio.current_time())
        self._amending.end(is_cut=outcome == "interrupted")
        left = () if self._commands is None else self._commands.stop()
        if self._tools is not None:
            self._tools.record_undone(left)
        if report.heard:
            stopped = stopped_before(left, self._options.language)
            context.memory.remember_turn(report.heard, " ".join(text for text in (report.replied, stopped) if text))
        context.memory.forget_words(self._heard.kept)
        await context.show(report.completed(outcome))
        record = context.record_of(report, outcome)
        context.peers.history.tell_nowait(record)
        context.peers.metrics.tell_nowait(record)
        send_trace(context, report, outcome)
        log.info("turn %s", outcome, extra={"source": report.source, "latency_ms": dict(record.latency_ms)})
        if outcome not in {"interrupted", "no_speech"} and not isinstance(self._pending.said, Announce):
            await context.expect_reply(self._question.open_for_s(trio.current_time()))


def tool_caller(
    machine: TurnMachine,
    context: TurnContext,
    heard: Heard,
    report: TurnReport,
    spoken: SpokenAnswer,
    *,
    scope: trio.CancelScope,
    ask: Callable[[str], Awaitable[None]],
) -> ToolCaller:
    """Return what makes a turn's calls, and notes in ``report`` how long they took."""
    return ToolCaller(
        machine,
        context,
        heard,
        ask_aloud=ask,
        on_tool_s=partial(report.mark, "tool"),
        deadline=scope,
        until_said=spoken.wait_sent,
    )


def spoken_answer(
    machine: TurnMachine, context: TurnContext, options: SessionOptions, report: TurnReport
) -> SpokenAnswer:
    """Return what speaks a turn's answer, and notes in ``report`` when its first sound came."""
    return SpokenAnswer(
        session_id=context.client_view.session_id,
        turn_id=machine.turn_id,
        speech=context.peers.speech,
        client=context.client,
        voice=options.voice,
        lead_s=context.lead_s,
        playback=machine.playback,
        on_first_audio=lambda: report.mark_until("first_audio", trio.current_time()),
        memory=context.memory,
    )
