"""One session's dialogue: performs the actions of its conversation, and reports their results to it.

Rules kept here:

* Every decision is made by ``protocol/turns/conversation.py``; nothing here depends on a turn's state.
* What was decided is noted in the session's memory at once, and then performed in the order of the decisions, whatever
  task they were made in.
"""

from collections.abc import Callable, Sequence

import attrs
import trio

from actors.turn.amending import goes_on
from actors.turn.answering import Said, only_hear, options_of
from actors.turn.hearing import EarlyWork, hear, heard_from, show, weigh
from actors.turn.run import Turn
from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.admission.eviction import Activity
from protocol.dialects.client_memory import ClientView
from protocol.messages import events
from protocol.messages.hearing import Recognition, UtteranceEnded
from protocol.messages.inboxes import DialogueMessage
from protocol.messages.session import Announce, Configured, Leave, Presence
from protocol.turns import actions
from protocol.turns.conversation import ConversationMachine, Moment
from protocol.turns.listeners import Listeners
from protocol.turns.occurrence import ClientMessage, ConversationMessage, HeardMessage
from protocol.turns.session_memory import RecallTurns, VaultMessage, ViewClient
from protocol.turns.turn_memory import TurnMemory
from runtime import Actor, AskError, MailboxError, Ref, Registry


@attrs.frozen(kw_only=True)
class DialogueStatistics:
    """A moment's view of a dialogue.

    * ``state``: of the turn that is being answered; ``LISTENING`` if there is none
    * ``announcements``: how many wait to be spoken
    """

    state: str
    announcements: int


class Dialogue(Actor[DialogueMessage]):
    """Turns what the audio actor hears and the client types into turns, one at a time."""

    def __init__(
        self,
        vault: Ref[VaultMessage],
        make_context: Callable[[TurnMemory, ClientView], TurnContext],
        sessions: Registry[DialogueMessage],
        activity: Activity,
        listeners: Listeners,
    ) -> None:
        """Register in ``sessions`` while it runs, and report speech and typing to ``activity``.

        While the client is there the session is one of ``listeners``.
        """
        self._vault = vault
        self._make_context = make_context
        self._sessions = sessions
        self._activity = activity
        self._listeners = listeners
        self._turn_context: TurnContext
        self._memory: TurnMemory
        self._client: ClientView
        self._conversation: ConversationMachine
        self._options: SessionOptions
        """Set at the handshake, before which the conversation asks for nothing that needs them."""
        self._turn: Turn
        """The turn that was started last."""
        self._timing = trio.CancelScope()
        self._early_work = EarlyWork()
        self._performing = trio.Lock()
        self._only_hearing = trio.Lock()
        """Held for one utterance that is not answered; the others wait in their order."""

    async def on_start(self) -> None:
        """Recall the session, and continue the turns that the last incarnation left unanswered."""
        self._memory = memory = await self._vault.ask(RecallTurns())
        self._client = client = await self._vault.ask(ViewClient())
        self._turn_context = self._make_context(memory, client)
        is_on_request = client.options is not None and client.options.answers == "on_request"
        self._conversation = ConversationMachine(
            self._turn_context.new_id, is_open=client.options is not None, is_on_request=is_on_request
        )
        self._sessions.register(client.session_id, self.context.ref)
        self._activity.note(client.session_id, trio.current_time())
        self.context.nursery.start_soon(self._stay_registered)
        if client.options is not None:
            self._options = SessionOptions(client.options, client.voice, client.task)
            if not client.is_lost:
                self._enter_listeners()
        running = memory.running
        has_begun = running is not None and (memory.has_acted(running.turn_id) or memory.answered == running.turn_id)
        await self._receive(actions.Restored(frozenset(memory.open_turns), memory.waiting, running, has_begun))

    async def handle(self, message: DialogueMessage) -> None:
        """Handle one message: speech, typed text, or a decision of another actor."""
        if isinstance(message, events.Text) and message.answers == "on_request":
            self._memory.keep_words(Recognition(message.text, self._options.language, 1.0))
            return
        if isinstance(message, Configured):
            self._options = SessionOptions(message.options, message.voice, message.task)
            self._enter_listeners()
        elif isinstance(message, HeardMessage | ClientMessage):
            self._activity.note(self._client.session_id, trio.current_time())
            if isinstance(message, Presence):
                self._note_presence(message)
        elif not isinstance(message, Announce | events.Bye | Leave):
            self.unhandled(message)
        await self._receive(message)

    def _note_presence(self, presence: Presence) -> None:
        if not presence.is_there:
            self._listeners.leave(self._client.session_id)
        elif self._client.options is not None:
            self._enter_listeners()

    def _enter_listeners(self) -> None:
        """Take announcements, if the client wants any."""
        if self._options.options.announcements:
            self._listeners.enter(self._client.session_id, self._client.user)

    async def _stay_registered(self) -> None:
        """Stay in the registry of sessions until cancelled, also by a crash."""
        try:
            await trio.sleep_forever()
        finally:
            if self._sessions.unregister(self._client.session_id, self.context.ref):
                self._activity.forget(self._client.session_id)
                self._listeners.leave(self._client.session_id)

    def statistics(self) -> DialogueStatistics:
        """Return the turn's state and the waiting announcements."""
        turn = self._conversation.turn
        return DialogueStatistics(
            state="LISTENING" if turn is None else turn.state.name,
            announcements=self._conversation.announcements,
        )

    # --- performing ------------------------------------------------------------------------------

    async def _receive(self, message: ConversationMessage) -> None:
        """Let the conversation decide, and perform the actions after earlier ones."""
        decided = self._conversation.receive(message, Moment(trio.current_time(), self._client.is_lost))
        self._memory.running, self._memory.waiting = self._conversation.running, self._conversation.waiting
        self._memory.open_turns |= self._conversation.open_turns
        if isinstance(message, UtteranceEnded):
            self._note_speech(message, decided)
        async with self._performing:
            for action in decided:
                if isinstance(action, actions.ShowAction):
                    await self._show(action)
                elif isinstance(action, actions.TurnAction):
                    await self._steer(action)
                else:
                    self._hear(action)

    def _note_speech(self, message: UtteranceEnded, decided: Sequence[actions.Action]) -> None:
        """Note where the turn was spoken that the utterance has become."""
        shown = [action.event for action in decided if isinstance(action, actions.ShowEvent)]
        for event in shown:
            if isinstance(event, events.SpeechStopped):
                self._memory.take_speech(event.turn_id, message.utterance.start_ms, message.utterance.end_ms)

    async def _show(self, action: actions.ShowAction) -> None:
        context = self._turn_context
        match action:
            case actions.ShowEvent(event):
                await context.show(event)
            case actions.ShowNoSpeech(turn_id, heard):
                await context.show_no_speech(turn_id, heard.reason)
            case actions.ShowTranscript(turn_id, recognition, utterance):
                await show(context, self._options, turn_id, utterance, recognition)
            case actions.ShowLeaving(leave):
                deadline_ms, retry_after_ms = round(leave.deadline_s * 1000), round(leave.retry_after_s * 1000)
                token = self._client.resume_token
                await context.show(events.GoingAway(leave.reason, deadline_ms, token, retry_after_ms))
            case actions.CompleteTurn(turn_id, outcome):
                self._memory.open_turns.discard(turn_id)
                await context.show(events.TurnCompleted(turn_id, outcome, events.LatencyMs()))
            case actions.HangUp(hang):
                await context.hang_up(hang)
            case _:
                context.peers.metrics.tell_nowait(action)

    async def _steer(self, action: actions.TurnAction) -> None:
        match action:
            case actions.StartTurn(pending, machine):
                said = pending.said
                early = self._early_work.of(said.utterance) if isinstance(said, UtteranceEnded) else None
                options = options_of(said, self._options)
                self._turn = Turn(pending, machine, self._turn_context, options, early)
                self.context.nursery.start_soon(self._run, self._turn, said)
            case actions.HoldAnswer():
                await self._turn.hold()
            case actions.ResumeAnswer():
                await self._turn.resume()
            case actions.CutTurn(heard_ms, lets_call_end):
                self._turn.interrupt(heard_ms, lets_call_end=lets_call_end)
            case actions.GiveConsent() | actions.GiveOutput():
                self._turn.answer(action)

    def _hear(self, action: actions.HearAction) -> None:
        start_soon = self.context.nursery.start_soon
        match action:
            case actions.TimeSpeech(turn_id):
                self._timing = trio.CancelScope()
                start_soon(self._time_speech, turn_id, self._timing)
            case actions.StopTiming():
                self._timing.cancel()
            case actions.TranscribeEarly(paused):
                start_soon(self._early_work.begin(paused).run, self._turn_context, self._options)
            case actions.GiveUpEarly():
                self._early_work.give_up()
            case actions.TranscribePart(turn_id, utterance):
                partial = self._early_work.partial_of(turn_id)
                start_soon(partial.run, self._turn_context, self._options, utterance)
            case actions.EndPartial():
                self._early_work.end()
            case actions.WeighWords():
                start_soon(self._weigh, action)
            case actions.HearAnswer(pending, call_id):
                start_soon(self._hear_answer, pending, call_id)
            case actions.OnlyHear(pending):
                start_soon(self._only_hear, pending)

    # --- what takes time -------------------------------------------------------------------------

    async def _run(self, turn: Turn, said: Said) -> None:
        if not isinstance(said, Announce):
            await self._turn_context.guard.count_turn()
        if isinstance(said, events.Text | events.Respond):
            await self._turn_context.guard.note()
        await turn.run()
        self._memory.open_turns.discard(turn.turn_id)
        await self._receive(actions.TurnEnded(turn.turn_id))

    async def _time_speech(self, turn_id: str, scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep(self._turn_context.dialogue.barge_in_ms / 1000)
        if not scope.cancelled_caught:
            await self._receive(actions.SpeechLasted(turn_id))

    async def _weigh(self, action: actions.WeighWords) -> None:
        said, context, options = action.pending.said, self._turn_context, self._options
        heard, words = None, None
        if isinstance(said, UtteranceEnded):
            heard = await weigh(context, options, said.utterance, self._early_work.of(said.utterance))
            if isinstance(heard, Recognition):
                words = heard_from(said, heard, options)
        elif isinstance(said, events.Text):
            words = Heard(said.text, language=options.language, said_s=trio.current_time(), is_typed=True)
        is_rest = words is not None and await goes_on(context, options, action.running_id, words)
        await self._receive(actions.Weighed(action.pending.turn_id, heard, action.is_barge_in, is_rest))

    async def _hear_answer(self, pending: actions.PendingTurn, call_id: str) -> None:
        said, turn_id, text, error = pending.said, pending.turn_id, "", None
        try:
            if isinstance(said, UtteranceEnded):
                text = await hear(self._turn_context, self._options, turn_id, said.utterance) or ""
            elif isinstance(said, events.Text):
                text = said.text
        except (AskError, MailboxError) as failure:
            error = str(failure)
        await self._receive(actions.AnswerHeard(turn_id, call_id, text, error))

    async def _only_hear(self, pending: actions.PendingTurn) -> None:
        said = pending.said
        early = self._early_work.of(said.utterance) if isinstance(said, UtteranceEnded) else None
        async with self._only_hearing:
            await only_hear(self._turn_context, self._options, pending, early)
        self._memory.open_turns.discard(pending.turn_id)
        await self._receive(actions.OnlyHeard(pending.turn_id))
