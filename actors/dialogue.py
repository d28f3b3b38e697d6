"""One session's dialogue: which turn runs now, which comes next, and what interrupts.

Rules kept here:

* One turn at a time. A second utterance while the first is being understood waits, one deep, and a third replaces it.
* A voice during the answer holds it once it has lasted ``barge_in_ms``. If there were words, they are a barge-in and
  the next turn; if it was nothing, the answer goes on.
* Every ``turn_id`` that a client has seen ends in exactly one ``turn_completed``, also when this actor was restarted.
* Announcements wait for a pause.
* While the client is lost, turns go on and nothing is spoken: the answer waits for somebody to hear it.
"""

from collections import deque
from collections.abc import Callable

import attrs
import trio

from actors.turn.hearing import EarlyTranscription, EarlyWork, hear, hear_into, transcribe
from actors.turn.run import Turn
from actors.turn.turn_context import SessionOptions, TurnContext
from protocol.admission.eviction import Activity
from protocol.messages import events
from protocol.messages.errors import CloseCode
from protocol.messages.hearing import (
    SpeechBegan,
    Utterance,
    UtteranceDropped,
    UtteranceEnded,
    UtteranceGrew,
    UtterancePaused,
)
from protocol.messages.records import Count
from protocol.messages.session import Announce, Configured, Hang, Leave, Presence, Recall
from protocol.turns.tools import consent_of
from protocol.turns.vault import SessionMemory
from runtime import Actor, AskError, MailboxError, Ref, Registry

HeardMessage = SpeechBegan | UtterancePaused | UtteranceGrew | UtteranceEnded | UtteranceDropped
HandMessage = events.Text | events.Interrupt | events.Confirm | Presence
MAX_ANNOUNCEMENTS = 8
MAX_ATTEMPTS = 2  # a turn that crashes this actor twice is given up, not tried for ever


@attrs.frozen
class Waiting:
    """Something said that waits for its turn."""

    turn_id: str
    said: UtteranceEnded | events.Text | Announce
    attempt: int = 1
    early: EarlyTranscription | None = attrs.field(default=None, eq=False)
    """Where it was heard already, or is being heard."""


@attrs.frozen(kw_only=True)
class DialogueStatistics:
    """A moment's view of a dialogue.

    * ``state``: of the turn that is being answered; ``LISTENING`` if there is none
    * ``announcements``: how many wait to be spoken
    """

    state: str
    announcements: int


class Dialogue(Actor):
    """Turns what the audio actor hears and the client types into turns, one at a time."""

    def __init__(
        self, vault: Ref, make_context: Callable[[SessionMemory], TurnContext], sessions: Registry, activity: Activity
    ) -> None:
        """Stand in ``sessions`` while it lives, and tell ``activity`` of all that is said and typed."""
        self._vault = vault
        self._make_context = make_context
        self._sessions = sessions
        self._activity = activity
        self._turn_context: TurnContext
        self._memory: SessionMemory
        self._options: SessionOptions | None = None
        self._turn: Turn | None = None
        self._hearing: str | None = None
        self._barge_in = trio.CancelScope()
        self._announcements: deque[Announce] = deque(maxlen=MAX_ANNOUNCEMENTS)
        self._farewell: Hang | None = None
        self._early_work = EarlyWork()

    async def on_start(self) -> None:
        """Recall the session, and take up what the last incarnation left unanswered."""
        self._memory = await self._vault.ask(Recall())
        self._turn_context = self._make_context(self._memory)
        if self._memory.options is not None:
            self._options = SessionOptions(self._memory.options, *self._memory.voice_and_task)
        self._sessions.register(self._memory.session_id, self.context.ref)
        self._activity.note(self._memory.session_id, trio.current_time())
        self.context.nursery.start_soon(self._stay_registered)
        await self._take_up()

    async def handle(self, message: object) -> None:
        """Take one thing that was heard, typed or decided."""
        match message:
            case SpeechBegan() | UtterancePaused() | UtteranceGrew() | UtteranceEnded() | UtteranceDropped():
                await self._listen(message)
            case events.Text() | events.Interrupt() | events.Confirm() | Presence():
                await self._obey(message)
            case Announce():
                self._announcements.append(message)
                await self._next()
            case Configured(options, voice, task):
                was_voice, was_task = self._memory.voice_and_task  # what is absent stays as it is
                self._memory.voice_and_task = voice or was_voice, task or was_task
                self._options = SessionOptions(options, *self._memory.voice_and_task)
            case events.Bye() | Leave():
                await self._leave(message)
            case _:
                raise TypeError(f"dialogue cannot handle {type(message).__name__}")

    async def _stay_registered(self) -> None:
        """Stand in the list of sessions until the end: who crashes is not asked to strike the name."""
        try:
            await trio.sleep_forever()
        finally:
            if self._sessions.unregister(self._memory.session_id, self.context.ref):
                self._activity.forget(self._memory.session_id)

    def statistics(self) -> DialogueStatistics:
        """Show what goes on."""
        state = self._turn.machine.state.name if self._turn is not None else "LISTENING"
        return DialogueStatistics(state=state, announcements=len(self._announcements))

    # --- what the client does by hand ------------------------------------------------------------

    async def _obey(self, message: HandMessage) -> None:
        self._activity.note(self._memory.session_id, trio.current_time())
        turn = self._turn
        match message:
            case events.Text():
                if turn is not None and turn.is_answering:  # what is being worked out goes on
                    turn.interrupt()
                await self._take(Waiting(self._turn_context.new_id(), message))
            case events.Interrupt(heard_ms):
                if turn is not None:
                    turn.interrupt(heard_ms)
            case events.Confirm(call_id, approve):
                if turn is None or not turn.confirm(call_id, approve=approve):
                    error = events.Error("unexpected_event", f"no confirmation is open for call {call_id!r}")
                    await self._turn_context.show(error)
            case Presence(is_there):
                if is_there:
                    self._turn_context.peers.metrics.tell_nowait(Count("resumed_total"))
                    await self._go_on()
                elif turn is not None:
                    await turn.hold()

    # --- what was heard --------------------------------------------------------------------------

    async def _listen(self, message: HeardMessage) -> None:
        self._activity.note(self._memory.session_id, trio.current_time())
        if not isinstance(message, UtteranceEnded):
            self._early_work.go_on()
        match message:
            case SpeechBegan(at_ms):
                await self._speech_began(at_ms)
            case UtterancePaused(utterance, on_verdict):
                if self._options is not None:
                    early = self._early_work.early = EarlyTranscription(utterance, on_verdict)
                    self.context.nursery.start_soon(early.run, self._turn_context, self._options)
            case UtteranceGrew(utterance):
                if self._options is not None and self._hearing is not None:
                    partial = self._early_work.partial_of(self._hearing)
                    self.context.nursery.start_soon(partial.run, self._turn_context, self._options, utterance)
            case UtteranceEnded():
                self._early_work.end()
                await self._utterance_ended(message)
            case UtteranceDropped():
                self._early_work.end()
                await self._utterance_dropped(message)

    async def _speech_began(self, at_ms: int) -> None:
        if self._hearing is not None:  # the audio actor that was restarted hears the same speech again
            return
        self._hearing = self._turn_context.new_id()
        self._memory.open_turns.add(self._hearing)
        await self._turn_context.show(events.SpeechStarted(self._hearing, at_ms))
        if self._turn is not None and not self._turn.is_confirming:
            self._barge_in = trio.CancelScope()
            self.context.nursery.start_soon(self._hold_if_it_lasts, self._turn, self._barge_in)

    async def _hold_if_it_lasts(self, turn: Turn, scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep(self._turn_context.dialogue.barge_in_ms / 1000)
            await turn.hold()

    async def _utterance_dropped(self, dropped: UtteranceDropped) -> None:
        self._barge_in.cancel()
        if self._hearing is None:
            return
        turn_id, self._hearing = self._hearing, None
        await self._turn_context.show_no_speech(turn_id, dropped.reason)
        await self._complete_unrun(turn_id, "no_speech")
        await self._go_on()
        await self._next()  # an announcement may have waited for the pause

    async def _utterance_ended(self, ended: UtteranceEnded) -> None:
        turn_id, self._hearing = self._hearing or self._turn_context.new_id(), None
        self._memory.open_turns.add(turn_id)
        await self._turn_context.show(events.SpeechStopped(turn_id, ended.utterance.end_ms, ended.reason))
        waiting = Waiting(turn_id, ended, early=self._early_work.early)
        self._barge_in.cancel()
        if self._turn is not None and self._turn.is_answering:
            await self._turn.hold()
            self.context.nursery.start_soon(self._weigh, self._turn, waiting, ended.utterance)
        else:  # a question may have been put meanwhile, which has to be heard
            await self._go_on()
        await self._take(waiting)

    async def _weigh(self, turn: Turn, waiting: Waiting, utterance: Utterance) -> None:
        """Hear what was said into an answer: words end it; if it was nothing, it goes on."""
        if self._options is None:
            raise AssertionError("an answer before connection_request")
        hearing = await hear_into(self._turn_context, self._options, utterance, waiting.early)
        if self._memory.waiting is not waiting:  # the answer was ended by hand, or more was said meanwhile
            return
        if not hearing.was_nothing:
            self._memory.waiting = attrs.evolve(waiting, early=hearing)
            turn.interrupt()
            return
        self._memory.waiting = None
        await transcribe(self._turn_context, self._options, waiting.turn_id, utterance, hearing)
        await self._complete_unrun(waiting.turn_id, "no_speech")
        await self._go_on()

    async def _go_on(self) -> None:
        """Let the answer that was held be spoken, if anybody is there to listen."""
        if self._turn is not None and not self._memory.is_lost:
            await self._turn.go_on()

    # --- turns -----------------------------------------------------------------------------------

    async def _take(self, waiting: Waiting) -> None:
        replaced = self._memory.waiting
        self._memory.open_turns.add(waiting.turn_id)
        self._memory.waiting = waiting
        if replaced is not None:
            await self._complete_unrun(replaced.turn_id, "interrupted")
        await self._next()

    async def _next(self) -> None:
        """Start what waits, if nothing runs: words first, announcements in the pause after."""
        if self._turn is not None or self._options is None:
            if self._turn is not None and self._turn.is_confirming and self._memory.waiting is not None:
                waiting, self._memory.waiting = self._memory.waiting, None
                self.context.nursery.start_soon(self._answer_question, self._turn, waiting)
            return
        if self._memory.waiting is not None:
            waiting, self._memory.waiting = self._memory.waiting, None
            self._start(waiting)
        elif self._announcements and self._hearing is None:
            self._start(Waiting(self._turn_context.new_id(), self._announcements.popleft()))
        elif self._farewell is not None and not self._memory.open_turns:
            await self._turn_context.hang_up(self._farewell)

    async def _leave(self, message: events.Bye | Leave) -> None:
        """Go as soon as nothing is said or answered; tell the client if it is not its own wish."""
        if isinstance(message, events.Bye):
            self._farewell = Hang(CloseCode.NORMAL, "bye")
            if self._hearing is not None:  # its end will not come
                turn_id, self._hearing = self._hearing, None
                await self._complete_unrun(turn_id, "interrupted")
                await self._go_on()
            await self._next()
            return
        self._farewell = Hang(CloseCode.SERVICE_RESTART, message.reason)
        if self._options is None:  # before the handshake there is nobody to tell and nothing to finish
            await self._turn_context.hang_up(self._farewell)
            return
        deadline_ms, retry_after_ms = round(message.deadline_s * 1000), round(message.retry_after_s * 1000)
        token = self._memory.resume_token
        await self._turn_context.show(events.GoingAway(message.reason, deadline_ms, token, retry_after_ms))
        await self._next()

    def _start(self, waiting: Waiting) -> None:
        if self._options is None:  # nothing is said before the handshake
            raise AssertionError("a turn before connection_request")
        self._memory.running = waiting
        self._memory.open_turns.add(waiting.turn_id)
        self._turn = Turn(waiting.turn_id, self._turn_context, self._options)
        self.context.nursery.start_soon(self._run, self._turn, waiting)

    async def _run(self, turn: Turn, waiting: Waiting) -> None:
        if self._memory.is_lost:
            await turn.hold()
        match waiting.said:
            case UtteranceEnded():
                await turn.run_utterance(waiting.said, waiting.early)
            case events.Text(text):
                await turn.run_text(text)
            case Announce(text):
                await turn.run_announcement(text)
        self._memory.running = None
        self._memory.open_turns.discard(waiting.turn_id)
        self._barge_in.cancel()
        self._turn = None
        await self._next()

    async def _complete_unrun(self, turn_id: str, outcome: events.Outcome) -> None:
        self._memory.open_turns.discard(turn_id)
        await self._turn_context.show(events.TurnCompleted(turn_id, outcome, events.LatencyMs()))

    async def _take_up(self) -> None:
        """Run again what the last incarnation was running, unless it acted or answered already or has failed twice."""
        memory = self._memory
        running, memory.running = memory.running, None
        is_begun = running is not None and (memory.has_acted(running.turn_id) or memory.answered == running.turn_id)
        if running is not None and running.attempt < MAX_ATTEMPTS and not is_begun:
            again = attrs.evolve(running, attempt=running.attempt + 1)
            if self._memory.waiting is None:
                self._memory.waiting = again
        still_to_run = self._memory.waiting.turn_id if self._memory.waiting is not None else None
        for turn_id in sorted(self._memory.open_turns - {still_to_run}):
            await self._complete_unrun(turn_id, "failed")
        await self._next()

    # --- consent ---------------------------------------------------------------------------------

    async def _answer_question(self, turn: Turn, waiting: Waiting) -> None:
        """Take a spoken or typed yes or no; anything else is a no, and then a turn of its own."""
        if self._options is None:
            raise AssertionError("a question before connection_request")
        text = waiting.said.text if isinstance(waiting.said, events.Text) else ""
        try:
            if isinstance(waiting.said, UtteranceEnded):
                text = await hear(self._turn_context, self._options, waiting.turn_id, waiting.said.utterance) or ""
        except (AskError, MailboxError) as error:  # the question stays open: it can be answered again, or by hand
            await self._turn_context.show(events.Error("turn_failed", str(error), turn_id=waiting.turn_id))
            await self._complete_unrun(waiting.turn_id, "failed")
            await self._next()
            return
        if not text:  # a cough is no answer
            await self._complete_unrun(waiting.turn_id, "no_speech")
            await self._next()
            return
        consent = consent_of(text)
        turn.confirm(None, approve=consent is True)
        if consent is not None:
            await self._complete_unrun(waiting.turn_id, "done")
            await self._next()
        else:
            await self._take(Waiting(waiting.turn_id, events.Text(text)))
