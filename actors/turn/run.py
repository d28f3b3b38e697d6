"""One turn from what was said to what was answered; runs once, in a task of the dialogue.

Rules kept here:

* The ladder is climbed from exact to vague: command grammar, then language model, then the honest refusal.
* Hearing, understanding and acting are inside the turn's one deadline; past it the user hears so.
* Whatever happens, ``TurnCompleted`` is sent exactly once, and history holds what was heard, not what was made.
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from actors.turn.conversing import Conversation, NobodyToAsk, NotBelieved
from actors.turn.hands import CONFIRM_WITHIN_S, Hands, WantedCall
from actors.turn.hearing import EarlyHearing, transcribe
from actors.turn.kit import Heard, Refused, TurnKit, Wishes
from actors.turn.mouth import Mouth, open_mouth
from protocol.language.phrases import DID_NOT_WORK, FAILED, NO_MODEL, NOT_REALLY_DONE, TOO_SLOW
from protocol.language.requests import not_understood
from protocol.language.sentences import SentenceCutter
from protocol.language.spoken_results import spoken_result
from protocol.messages import events
from protocol.messages.hearing import Utterance, UtteranceEnded
from protocol.messages.records import TurnRecord
from protocol.messages.understanding import CommandMatch
from protocol.turns.turn import TurnEvent, TurnMachine
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")

Hearing = Callable[[], Awaitable[Heard | None]]


class Turn:
    """What happens between two silences of the user."""

    def __init__(self, turn_id: str, kit: TurnKit, wishes: Wishes) -> None:
        self.turn_id = turn_id
        self.machine = TurnMachine(turn_id)
        self._kit = kit
        self._wishes = wishes
        self._scope = trio.CancelScope()
        self._deadline = trio.CancelScope()
        self._origin_s = trio.current_time()
        self._latency_ms: dict[str, float] = {}
        self._heard = Heard("")
        self._replied = ""
        self._source: events.Source | None = None
        self._heard_s: float | None = None
        self._mouth = self._make_mouth()
        self._hands: Hands | None = None

    # --- from outside ----------------------------------------------------------------------------

    @property
    def is_confirming(self) -> bool:
        """Whether the turn waits for a yes or no."""
        return self._hands is not None and self._hands.question is not None

    @property
    def is_answering(self) -> bool:
        """Whether the answer can be heard, or is about to be; a question is none, for words then answer it."""
        return not self.is_confirming and (self.machine.is_speaking or self._mouth.is_speaking)

    def confirm(self, call_id: str | None, *, approve: bool) -> bool:
        """Answer the open question; return whether it was this one (``None`` answers whichever is open)."""
        return self._hands is not None and self._hands.answer(call_id, approve=approve)

    async def hold(self) -> None:
        """Stop speaking until it is known whether somebody else does."""
        await self._mouth.hold()

    async def go_on(self) -> None:
        """Speak on, because nobody did."""
        await self._mouth.go_on()

    def interrupt(self, heard_ms: int | None = None) -> None:
        """Stop at once; ``heard_ms`` of the answer's speech were heard (by the clock if ``None``)."""
        self._heard_s = None if heard_ms is None else heard_ms / 1000
        self._scope.cancel()

    # --- the three ways in -----------------------------------------------------------------------

    async def run_utterance(self, ended: UtteranceEnded, early: EarlyHearing | None = None) -> None:
        """Answer something spoken, which may have been heard ``early``."""
        self._origin_s = ended.last_voice_s
        self._mark("endpoint", trio.current_time() - ended.last_voice_s)
        self.machine.advance(TurnEvent.SPEECH_ENDED)
        await self._run(lambda: self._transcribe(ended.utterance, early))

    async def run_text(self, text: str) -> None:
        """Answer something typed."""
        self.machine.advance(TurnEvent.TEXT_RECEIVED)

        async def read() -> Heard:
            return Heard(text, language=self._wishes.language)

        await self._run(read)

    async def run_announcement(self, text: str) -> None:
        """Say something that nobody asked for just now."""
        self.machine.advance(TurnEvent.ANNOUNCED)

        async def announce() -> events.Outcome:
            await self._say_all(text)
            return "done"

        await self._complete(announce)

    # --- one run ---------------------------------------------------------------------------------

    async def _run(self, hear: Hearing) -> None:
        async def answer() -> events.Outcome:
            with trio.move_on_after(self._kit.dialogue.turn_timeout_s) as self._deadline:
                return await self._answer(hear)
            await self._say_all(self._wishes.told(TOO_SLOW))
            return "failed"

        await self._complete(answer)

    async def _complete(self, answer: Callable[[], Awaitable[events.Outcome]]) -> None:
        outcome: events.Outcome = "interrupted"
        with self._scope:
            async with open_mouth(self._mouth):
                finished = await answer()
            await self._mouth.end(was_cut=False)
            self._mark("total", trio.current_time() - self._origin_s)
            await self._mouth.wait_heard()
            outcome = finished
        if outcome == "interrupted":
            await self._mouth.end(was_cut=True)
        self.machine.finish()
        await self._finish(outcome)

    async def _answer(self, hear: Hearing) -> events.Outcome:
        try:
            heard = await hear()
            if heard is None:
                return "no_speech"
            self._heard = heard
            return await self._respond(heard)
        except Refused as refused:
            await self._say_all(refused.say)
            return "refused"
        except (AskError, MailboxError) as error:
            log.warning("turn failed: %s", error, extra={"turn_id": self.turn_id})
            await self._kit.show(events.Error("turn_failed", str(error), turn_id=self.turn_id))
            await self._say_all(self._wishes.told(FAILED))
            return "failed"

    async def _transcribe(self, utterance: Utterance, early: EarlyHearing | None) -> Heard | None:
        started_s = trio.current_time()
        answer = await transcribe(self._kit, self._wishes, self.turn_id, utterance, early)
        if answer is None:
            return None
        took_s = trio.current_time() - started_s
        queue_s = min(answer.queue_s, took_s)  # what was waited for early cost nobody anything
        self._mark("queue", queue_s)
        self._mark("stt", took_s - queue_s)
        return Heard(answer.text, answer.alternatives, answer.confidence, self._wishes.language)

    async def _respond(self, heard: Heard) -> events.Outcome:
        self.machine.advance(TurnEvent.HEARD)
        started_s = trio.current_time()
        match = None
        if self._wishes.wants("tools"):
            match = self._kit.grammar.match((heard.text, *heard.alternatives), self._wishes.language)
        self._hands = Hands(
            self.machine, self._kit, heard, ask_aloud=self._ask_aloud, on_tool_s=partial(self._mark, "tool")
        )
        self._mark("understand", trio.current_time() - started_s)
        if match is not None:
            return await self._command(match, self._hands)
        if self._wishes.wants("llm"):
            return await self._converse(heard, self._hands)
        raise Refused(not_understood(heard.text, self._wishes.language))

    async def _command(self, match: CommandMatch, hands: Hands) -> events.Outcome:
        self._source = "command"
        await self._kit.show(events.Understood(self.turn_id, "command", match.confidence, match.tool, match.arguments))
        self.machine.advance(TurnEvent.UNDERSTOOD)
        is_inexact = match.confidence < 1.0
        outcome = await hands.call(
            WantedCall(match.server, match.tool, match.arguments, "command", is_inexact=is_inexact)
        )
        if outcome.ok:
            await self._say_all(spoken_result(outcome.content, self._wishes.language))
            return "done"
        log.warning("%s failed: %s", match.tool, outcome.error, extra={"turn_id": self.turn_id})
        await self._say_all(self._wishes.told(DID_NOT_WORK, why=outcome.error or ""))
        return "failed"

    async def _converse(self, heard: Heard, hands: Hands) -> events.Outcome:
        self.machine.advance(TurnEvent.UNDERSTOOD)
        asked_s = trio.current_time()

        async def begin() -> None:
            self._source = "model"
            await self._kit.show(events.Understood(self.turn_id, "model", heard.confidence))

        conversation = Conversation(
            self.turn_id,
            self._kit,
            self._wishes,
            hands,
            say=self._mouth.say,
            on_begin=begin,
            on_first_token=lambda: self._mark("first_token", trio.current_time() - asked_s),
        )
        try:
            text = await conversation.run(heard)
        except NobodyToAsk:
            raise Refused(not_understood(heard.text, self._wishes.language)) from None
        except NotBelieved as claim:
            log.warning("a model claims what no tool has done: %s", claim, extra={"turn_id": self.turn_id})
            raise Refused(self._wishes.told(NOT_REALLY_DONE)) from None
        except (AskError, MailboxError) as error:
            log.warning("no answer: %s", error, extra={"turn_id": self.turn_id})
            await self._kit.show(events.Error("model_unavailable", str(error), turn_id=self.turn_id))
            await self._say_all(self._wishes.told(NO_MODEL))
            return "failed"
        self.machine.advance(TurnEvent.ANSWERED)
        await self._show_reply(text or self._wishes.told(NO_MODEL))
        return "done"

    # --- saying ----------------------------------------------------------------------------------

    async def _say_all(self, text: str) -> None:
        self.machine.advance(TurnEvent.ANSWERED)
        await self._show_reply(text)
        cutter = SentenceCutter(self._wishes.language)
        for clause in (*cutter.feed(text), *cutter.flush()):
            await self._mouth.say(clause)

    async def _ask_aloud(self, question: str) -> None:
        """Put a question; the time that the user may think is added to the deadline."""
        self._deadline.deadline += CONFIRM_WITHIN_S
        await self._mouth.say(question)

    async def _show_reply(self, text: str) -> None:
        self._replied = text
        await self._kit.show(events.Reply(self.turn_id, text))

    def _make_mouth(self) -> Mouth:
        return Mouth(
            session_id=self._kit.memory.session_id,
            turn_id=self.turn_id,
            speech=self._kit.peers.speech,
            client=self._kit.client,
            voice=self._wishes.voice,
            lead_s=self._kit.lead_s,
            is_audible=self._wishes.wants("tts"),
            on_first_audio=lambda: self._mark("first_audio", trio.current_time() - self._origin_s),
        )

    # --- the end ---------------------------------------------------------------------------------

    def _mark(self, stage: str, seconds: float) -> None:
        self._latency_ms[stage] = round(max(0.0, seconds) * 1000, 1)

    async def _finish(self, outcome: events.Outcome) -> None:
        if outcome == "interrupted":
            self._mark("total", trio.current_time() - self._origin_s)
        replied = self._replied
        if outcome == "interrupted":
            replied = " ".join(self._mouth.heard_until(self._heard_s))
            if replied:
                await self._kit.show(events.Reply(self.turn_id, replied, truncated=True))
        if self._heard.text:
            self._kit.memory.remember_turn(self._heard.text, replied)
        await self._kit.show(events.TurnCompleted(self.turn_id, outcome, events.LatencyMs(**self._latency_ms)))
        record = TurnRecord(
            session_id=self._kit.memory.session_id,
            turn_id=self.turn_id,
            user_id=self._wishes.options.client_id,
            timestamp=self._kit.unix_time(),
            heard=self._heard.text,
            replied=replied,
            outcome=outcome,
            source=self._source,
            latency_ms=self._latency_ms,
        )
        self._kit.peers.history.tell_nowait(record)
        self._kit.peers.metrics.tell_nowait(record)
