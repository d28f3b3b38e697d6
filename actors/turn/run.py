"""One turn, from the utterance to the end of the answer; runs once, in a task of the dialogue.

Rules kept here:

* The ladder is climbed from exact to vague: command grammar, then language model, then the honest refusal.
* Hearing, understanding and acting share the turn's deadline; past it the user gets an apology.
* ``TurnCompleted`` is sent exactly once in every case, and history holds the part of the answer that was heard.
"""

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial

import attrs
import trio

from actors.turn.conversing import ModelConversation, NoSuitableModel, UnfoundedClaim
from actors.turn.hearing import EarlyTranscription, show, transcribe
from actors.turn.question import NO_COMMAND, TurnQuestion
from actors.turn.spoken_answer import SpokenAnswer
from actors.turn.tool_caller import CONFIRM_WITHIN_S, ToolCaller, WantedCall
from actors.turn.turn_context import Heard, SessionOptions, TurnContext, TurnRefused
from protocol.language.phrases import DID_NOT_WORK, FAILED, NO_MODEL, NOT_REALLY_DONE, TOO_SLOW
from protocol.language.requests import asks_for_help, not_understood
from protocol.language.samples import help_text
from protocol.language.sentences import SentenceCutter
from protocol.language.spoken_results import spoken_result
from protocol.messages import events
from protocol.messages.hearing import Utterance, UtteranceEnded
from protocol.messages.session import Announce
from protocol.messages.understanding import CommandMatch
from protocol.turns.actions import PendingTurn
from protocol.turns.questions import Reaction
from protocol.turns.turn import TurnEvent, TurnMachine
from protocol.turns.turn_report import TurnReport
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")

Hearing = Callable[[], Awaitable[Heard | None]]


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
        self._heard_s: float | None = None
        self._spoken = self._make_spoken_answer()
        self._tools: ToolCaller | None = None
        self._question = TurnQuestion(pending.turn_id, context, options)
        self._said_s = trio.current_time()

    @property
    def turn_id(self) -> str:
        """The turn's id."""
        return self._pending.turn_id

    # --- from outside ----------------------------------------------------------------------------

    def confirm(self, call_id: str, *, approve: bool) -> None:
        """Answer the question about this call, if it is still open."""
        if self._tools is not None:
            self._tools.answer(call_id, approve=approve)

    async def hold(self) -> None:
        """Pause the answer until it is known whether the user speaks."""
        await self._spoken.hold()

    async def resume(self) -> None:
        """Continue the answer, because the user did not speak."""
        await self._spoken.resume()

    def interrupt(self, heard_ms: int | None = None) -> None:
        """Stop at once; ``heard_ms`` of the answer's speech were heard (by the clock if ``None``)."""
        self._heard_s = None if heard_ms is None else heard_ms / 1000
        self._scope.cancel()

    # --- one run ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Answer, until the answer was heard or cut, and tell the client how it ended."""
        match self._pending.said:
            case UtteranceEnded(utterance, last_voice_s=last_voice_s):
                self._report.origin_s = last_voice_s
                self._said_s = last_voice_s - (utterance.end_ms - utterance.start_ms) / 1000
                self._report.mark_until("endpoint", trio.current_time())
                await self._complete(lambda: self._answer_in_time(lambda: self._transcribe(utterance)))
            case events.Text(text):
                await self._complete(lambda: self._answer_in_time(lambda: self._read(text)))
            case Announce(text, told):
                await self._complete(lambda: self._announce(text))
                if told is not None and not self._context.client_view.is_lost:
                    self._context.peers.tools.tell_nowait(told)

    async def _announce(self, text: str) -> events.Outcome:
        await self._say_all(text)
        return "done"

    async def _answer_in_time(self, hear: Hearing) -> events.Outcome:
        with trio.move_on_after(self._context.dialogue.turn_timeout_s) as self._deadline:
            return await self._answer(hear)
        await self._say_all(self._options.told(TOO_SLOW))
        return "failed"

    async def _complete(self, answer: Callable[[], Awaitable[events.Outcome]]) -> None:
        outcome: events.Outcome = "interrupted"
        with self._scope:
            async with self._spoken.open() if self._options.wants("tts") else nullcontext():
                finished = await answer()
            await self._spoken.end()
            self._report.mark_until("total", trio.current_time())
            await self._spoken.wait_heard()
            outcome = finished
        if outcome == "interrupted":
            await self._spoken.cut()
        self._machine.finish()
        await self._finish(outcome)

    async def _answer(self, hear: Hearing) -> events.Outcome:
        try:
            heard = await hear()
            if heard is None:
                return "no_speech"
            self._report.heard = heard.text
            return await self._respond(heard)
        except TurnRefused as refused:
            await self._say_all(refused.say)
            return "refused"
        except (AskError, MailboxError) as error:
            log.warning("turn failed: %s", error, extra={"turn_id": self.turn_id})
            await self._context.show(events.Error("turn_failed", str(error), turn_id=self.turn_id))
            await self._say_all(self._options.told(FAILED))
            return "failed"

    async def _read(self, text: str) -> Heard:
        return Heard(text, language=self._options.language)

    async def _transcribe(self, utterance: Utterance) -> Heard | None:
        started_s = trio.current_time()
        told = self._context, self._options, self.turn_id, utterance
        if self._pending.heard is not None:
            answer = await show(*told, self._pending.heard)
        else:
            answer = await transcribe(*told, self._early)
        if answer is None:
            return None
        took_s = trio.current_time() - started_s
        queue_s = min(answer.queue_s, took_s)  # an early transcription caused no wait
        self._report.mark("queue", queue_s)
        self._report.mark("stt", took_s - queue_s)
        return Heard(answer.text, answer.alternatives, answer.confidence, self._options.language)

    async def _respond(self, heard: Heard) -> events.Outcome:
        self._machine.advance(TurnEvent.HEARD)
        started_s = trio.current_time()
        decision = self._question.decide(heard, self._said_s) if self._options.wants("tools") else NO_COMMAND
        heard = attrs.evolve(heard, confidence=self._question.confidence_of(heard, decision))
        self._tools = ToolCaller(
            self._machine, self._context, heard, ask_aloud=self._ask_aloud, on_tool_s=partial(self._report.mark, "tool")
        )
        self._report.mark("understand", trio.current_time() - started_s)
        if decision.reaction is Reaction.CALL and decision.match is not None:
            return await self._command(decision.match, self._tools)
        if decision.reaction is not Reaction.GO_ON:
            self._report.source = "command"
            await self._say_all(self._question.note(decision))
            return "done"
        if self._options.wants("tools") and asks_for_help(heard.text, self._options.language):
            told = help_text(self._context.grammar.samples(), self._options.language)
            if told is not None:
                return await self._help(told)
        if self._options.wants("llm"):
            return await self._converse(heard, self._tools)
        raise TurnRefused(not_understood(heard.text, self._options.language))

    async def _help(self, told: str) -> events.Outcome:
        self._report.source = "command"
        await self._context.show(events.Understood(self.turn_id, "command", 1.0))
        self._machine.advance(TurnEvent.UNDERSTOOD)
        await self._say_all(told)
        return "done"

    async def _command(self, match: CommandMatch, tools: ToolCaller) -> events.Outcome:
        self._report.source = "command"
        await self._context.show(
            events.Understood(self.turn_id, "command", match.confidence, match.tool, match.arguments)
        )
        self._machine.advance(TurnEvent.UNDERSTOOD)
        is_inexact = match.confidence < 1.0
        outcome = await tools.call(
            WantedCall(match.server, match.tool, match.arguments, "command", is_inexact=is_inexact)
        )
        if outcome.ok:
            self._question.offer(match, outcome)
            await self._say_all(spoken_result(outcome.content, self._options.language))
            return "done"
        log.warning("%s failed: %s", match.tool, outcome.error, extra={"turn_id": self.turn_id})
        await self._say_all(self._options.told(DID_NOT_WORK, why=outcome.error or ""))
        return "failed"

    async def _converse(self, heard: Heard, tools: ToolCaller) -> events.Outcome:
        self._machine.advance(TurnEvent.UNDERSTOOD)
        asked_s = trio.current_time()

        async def begin() -> None:
            if self._report.source is None:
                self._report.source = "model"
                await self._context.show(events.Understood(self.turn_id, "model", heard.confidence))

        conversation = ModelConversation(
            self.turn_id,
            self._context,
            self._options,
            tools,
            say=self._spoken.say,
            on_begin=begin,
            on_first_token=lambda: self._report.mark("first_token", trio.current_time() - asked_s),
        )
        try:
            text = await conversation.run(heard)
        except NoSuitableModel:
            raise TurnRefused(not_understood(heard.text, self._options.language)) from None
        except UnfoundedClaim as claim:
            log.warning("a model claims what no tool has done: %s", claim, extra={"turn_id": self.turn_id})
            raise TurnRefused(self._options.told(NOT_REALLY_DONE)) from None
        except (AskError, MailboxError) as error:
            log.warning("no answer: %s", error, extra={"turn_id": self.turn_id})
            await self._context.show(events.Error("model_unavailable", str(error), turn_id=self.turn_id))
            await self._say_all(self._options.told(NO_MODEL))
            return "failed"
        self._machine.advance(TurnEvent.ANSWERED)
        await self._show_reply(text or self._options.told(NO_MODEL))
        return "done"

    # --- saying ----------------------------------------------------------------------------------

    async def _say_all(self, text: str) -> None:
        self._machine.advance(TurnEvent.ANSWERED)
        await self._show_reply(text)
        cutter = SentenceCutter(self._options.language)
        for clause in (*cutter.feed(text), *cutter.flush()):
            await self._spoken.say(clause)

    async def _ask_aloud(self, question: str) -> None:
        """Ask the user a question; the time to think is added to the deadline."""
        self._deadline.deadline += CONFIRM_WITHIN_S
        await self._spoken.say(question)

    async def _show_reply(self, text: str) -> None:
        self._report.replied = self._context.memory.last_reply = text
        await self._context.show(events.Reply(self.turn_id, text))

    def _make_spoken_answer(self) -> SpokenAnswer:
        return SpokenAnswer(
            session_id=self._context.client_view.session_id,
            turn_id=self.turn_id,
            speech=self._context.peers.speech,
            client=self._context.client,
            voice=self._options.voice,
            lead_s=self._context.lead_s,
            playback=self._machine.playback,
            on_first_audio=lambda: self._report.mark_until("first_audio", trio.current_time()),
        )

    # --- the end ---------------------------------------------------------------------------------

    async def _finish(self, outcome: events.Outcome) -> None:
        context, report = self._context, self._report
        if outcome == "interrupted":
            report.mark_until("total", trio.current_time())
            report.replied = " ".join(self._spoken.heard_until(self._heard_s))
            if report.replied:
                await context.show(events.Reply(self.turn_id, report.replied, truncated=True))
        self._question.end(trio.current_time())
        if report.heard:
            context.memory.remember_turn(report.heard, report.replied)
        await context.show(report.completed(outcome))
        record = report.record(
            outcome,
            session_id=context.client_view.session_id,
            user_id=self._options.options.client_id,
            timestamp=context.unix_time(),
        )
        context.peers.history.tell_nowait(record)
        context.peers.metrics.tell_nowait(record)
