"""Makes a turn's tool calls, with the user's consent where it is needed.

Rules kept here:

* An exact command of the user's own grammar is allowed; what a model chose is allowed if the tool says that it only
  reads, and confirmed otherwise; a doubtful transcript needs consent for anything but reading, and a command that was
  not said exactly for what destroys something.
* A call's id is in the vault before the call is sent, and with other replicas in the shared store; no id is sent twice.
* What was understood by the meaning of the words is confirmed, unless it only reads and the meaning is sure.
* Every call is shown to the client and recorded with its outcome; a refused one is recorded too.
* A call of a tool of the client is only shown: the client makes it, and has a time of its own for it.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import attrs
import trio

from actors.turn.turn_context import Heard, TurnContext, TurnRefused
from protocol.language.phrases import NOT_ALLOWED, NOT_DONE, SHALL_I, SHALL_I_DO, phrase
from protocol.language.spoken_results import spoken_result
from protocol.messages import events
from protocol.messages.event_values import CLIENT_SERVER
from protocol.messages.records import ToolRecord
from protocol.messages.session import Send
from protocol.messages.understanding import (
    OUTCOME_WITHIN_S,
    CallProgress,
    CallTool,
    CommandMatch,
    Guess,
    ListTools,
    ToolOutcome,
    ToolSpec,
)
from protocol.turns.actions import GiveConsent, GiveOutput
from protocol.turns.last_sentence import DoneCall, event_of
from protocol.turns.redaction import redacted, redacted_text
from protocol.turns.tools import Circumstances, Policy, configured_policy, policy_for
from protocol.turns.turn import TurnEvent, TurnMachine
from runtime import AskError, MailboxError
from runtime.messaging.spans import span
from runtime.messaging.stream import PartSender, ask_streaming

EVERYTHING: Final = "all"  # how tools are told to take all of something, such as all notes
log = logging.getLogger("sayso.turn")

CONFIRM_WITHIN_S = 20.0  # seconds to think; after that the call is not made
PROGRESS_INTERVAL_S = 0.5
PROGRESS_MAX_CHARS = 200


@attrs.frozen
class WantedCall:
    """A call that the turn wants to make."""

    server: str
    tool: str
    arguments: Mapping[str, object]
    source: events.Source
    spec: ToolSpec | None = None
    is_influenced: bool = False
    """A tool's result was in front of the model that chose it."""
    is_inexact: bool = False
    """The words that were heard first are not exactly those of the command."""
    guess: Guess | None = None
    """How it was understood, if by the meaning of the words."""
    undoes: str | None = None
    """The id of the call that it takes back."""
    sentence: str = ""
    """The words of a command."""

    def question(self, language: str, spec: ToolSpec | None) -> str:
        """Return what the user is asked: the guess, the tool's title, an exact command's words, or the tool's name."""
        if self.guess is not None:
            return self.guess.question
        title = "" if spec is None else spec.title
        if not title and self.sentence and not self.is_inexact:
            return phrase(SHALL_I_DO, language, said=self.sentence)
        return phrase(SHALL_I, language, title=title or self.tool.replace("_", " "))


class ToolCaller:
    """Makes one turn's calls, one at a time."""

    def __init__(
        self,
        machine: TurnMachine,
        context: TurnContext,
        heard: Heard,
        *,
        ask_aloud: Callable[[str], Awaitable[None]],
        on_tool_s: Callable[[float], None],
        deadline: trio.CancelScope,
        until_said: Callable[[], Awaitable[None]],
    ) -> None:
        """While a client makes a call the ``deadline`` is moved; ``until_said`` waits for what is said before."""
        self._machine = machine
        self._turn_id = machine.turn_id
        self._context = context
        self._heard = heard
        self._ask_aloud = ask_aloud
        self._on_tool_s = on_tool_s
        self._deadline = deadline
        self._until_said = until_said
        self._answers: dict[str, trio.MemorySendChannel[bool]] = {}
        self._outputs: dict[str, trio.MemorySendChannel[events.ToolOutput]] = {}
        self._until_known = trio.CancelScope()
        """From the sending of a call until its outcome is noted."""

    def answer(self, call_id: str, *, approve: bool) -> bool:
        """Answer the question about this call, once; return whether it was open."""
        is_open = call_id in self._answers
        if is_open:
            self._answers.pop(call_id).send_nowait(approve)
        return is_open

    def take(self, said: GiveConsent | GiveOutput) -> None:
        """Take the client's answer to a call: consent, or the output of its own tool."""
        if isinstance(said, GiveConsent):
            self.answer(said.call_id, approve=said.approve)
        else:
            self.give_output(said.output)

    def give_output(self, output: events.ToolOutput) -> None:
        """Take what a tool of the client has returned, once."""
        waiting = self._outputs.pop(output.call_id, None)
        if waiting is not None:
            waiting.send_nowait(output)

    def let_call_end(self) -> None:
        """Let a call that was sent come to its end when the turn is cancelled, so that its outcome is known.

        A tool of the client is not waited for: the turn takes no output any more.
        """
        self._until_known.shield = not self._outputs

    async def call(self, wanted: WantedCall) -> ToolOutcome:
        """Make the call; raises ``TurnRefused`` if it is not allowed."""
        call_id = self._context.new_id()
        is_doubtful = self._heard.confidence < self._context.dialogue.min_confidence
        is_sweeping = not self._heard.is_typed and EVERYTHING in wanted.arguments.values()
        spec = wanted.spec or (
            await self._look_up(wanted.server, wanted.tool) if is_doubtful or wanted.is_inexact or is_sweeping else None
        )
        now = Circumstances(
            source=wanted.source,
            is_doubtful=is_doubtful,
            is_inexact=wanted.is_inexact,
            is_influenced=wanted.is_influenced,
            guess=wanted.guess,
            is_sweeping=is_sweeping,
        )
        policy = policy_for(spec, now, configured_policy(self._context.tools.policy, wanted.server, wanted.tool))
        if policy is Policy.DENY:
            self._record(call_id, wanted, refused_because("denied by the configuration"))
            raise TurnRefused(phrase(NOT_ALLOWED, self._heard.language))
        if policy is Policy.CONFIRM and not await self._confirmed(call_id, wanted, spec):
            self._record(call_id, wanted, refused_because("not confirmed by the user"))
            raise TurnRefused(phrase(NOT_DONE, self._heard.language))
        with trio.CancelScope() as self._until_known:
            return await self._make(call_id, wanted)
        raise AssertionError("only the whole turn is cancelled")

    async def _make(self, call_id: str, wanted: WantedCall) -> ToolOutcome:
        """Send the call, and note, show and record its outcome."""
        memory, server, tool, arguments = self._context.memory, wanted.server, wanted.tool, wanted.arguments
        if not memory.begin_call(call_id, undoes=wanted.undoes is not None):
            raise AssertionError(f"call id {call_id} was used before")
        if not await self._context.guard.note():
            raise TurnRefused(phrase(NOT_DONE, self._heard.language))
        shown = events.ToolCall(self._turn_id, call_id, server, tool, arguments, wanted.undoes)
        if server != CLIENT_SERVER:
            await self._context.show(shown)
        with span(f"tool {tool}", tool=tool, server=server, call_id=call_id) as noted:
            outcome = await (self._leave_to_client(shown) if server == CLIENT_SERVER else self._send(call_id, wanted))
            noted["ok"] = outcome.ok
        if wanted.undoes is not None:
            memory.end_undo(call_id, wanted.undoes, ok=outcome.ok)
        else:
            told = spoken_result(outcome.content, self._heard.language)
            memory.end_call(DoneCall(call_id, server, tool, arguments, outcome.undo, told), event_of(outcome))
        self._on_tool_s(outcome.duration_s)
        await self._context.show(
            events.ToolResult(
                self._turn_id,
                call_id,
                ok=outcome.ok,
                duration_ms=round(outcome.duration_s * 1000),
                content=outcome.content,
                error=outcome.error,
            )
        )
        self._record(call_id, wanted, outcome)
        return outcome

    async def is_reading(self, server: str, tool: str) -> bool:
        """Return whether a tool is known to only read."""
        spec = await self._look_up(server, tool)
        return spec is not None and spec.read_only is True

    def record_undone(self, left: Sequence[CommandMatch]) -> None:
        """Record the commands of a sentence that was stopped before them."""
        for match in left:
            wanted = WantedCall(match.server, match.tool, match.arguments, "command")
            self._record(self._context.new_id(), wanted, refused_because("stopped by the user"))

    async def _look_up(self, server: str, tool: str) -> ToolSpec | None:
        """Return the tool's current description, if its server is up."""
        try:
            found = await self._context.peers.tools.ask(ListTools(), timeout_s=2.0)
        except (AskError, MailboxError) as error:
            log.info("no list of tools: %s", error, extra={"turn_id": self._turn_id})
            return None
        return found.find(server, tool)

    async def _send(self, call_id: str, wanted: WantedCall) -> ToolOutcome:
        session_id, language = self._context.client_view.session_id, self._heard.language
        timeout_s = self._context.tools.call_timeout_s + OUTCOME_WITHIN_S
        started_s = trio.current_time()

        async def ask(progress: PartSender[CallProgress]) -> ToolOutcome:
            user = self._context.client_view.user
            call = CallTool(session_id, call_id, wanted.server, wanted.tool, wanted.arguments, progress, language, user)
            return await self._context.peers.tools.ask(call, timeout_s=timeout_s, linked=True)

        try:
            return await ask_streaming(ask, self._progress_of(call_id))
        except (AskError, MailboxError) as error:
            return ToolOutcome(ok=False, content="", duration_s=trio.current_time() - started_s, error=str(error))

    async def _leave_to_client(self, call: events.ToolCall) -> ToolOutcome:
        """Show the call behind what was said before, and wait for its output; the turn has that much longer."""
        await self._until_said()
        call_id, limit_s, started_s = call.call_id, self._context.tools.client_timeout_s, trio.current_time()
        self._outputs[call_id], outputs = trio.open_memory_channel[events.ToolOutput](1)
        self._machine.await_output(call_id)
        self._deadline.deadline += limit_s
        output = events.ToolOutput(call_id, error=f"the client gave no output within {limit_s:g} s")
        try:
            await self._context.show(call)
            with trio.move_on_after(limit_s):
                output = await outputs.receive()
        finally:
            self._outputs.clear()
            self._machine.await_output(None)
        took_s = trio.current_time() - started_s
        self._deadline.deadline += took_s - limit_s
        content = output.output[: self._context.tools.result_max_chars]
        return ToolOutcome(ok=output.error is None, content=content, duration_s=took_s, error=output.error)

    def _progress_of(self, call_id: str) -> Callable[[CallProgress], Awaitable[None]]:
        """Return a sink that shows a call's progress, at a bounded rate."""
        shown_s = -math.inf

        async def show(progress: CallProgress) -> None:
            nonlocal shown_s
            if trio.current_time() - shown_s >= PROGRESS_INTERVAL_S:
                shown_s = trio.current_time()
                told = None if progress.message is None else progress.message[:PROGRESS_MAX_CHARS]
                event = events.ToolProgress(self._turn_id, call_id, progress.done, progress.total, told)
                self._context.peers.connection.tell_nowait(Send(event))

        return show

    async def _confirmed(self, call_id: str, wanted: WantedCall, spec: ToolSpec | None) -> bool:
        say = wanted.question(self._heard.language, spec)
        request = events.ConfirmRequest(
            self._turn_id, call_id, wanted.server, wanted.tool, wanted.arguments, say, CONFIRM_WITHIN_S
        )
        self._answers[call_id], answer = trio.open_memory_channel[bool](1)
        self._machine.ask(call_id)
        is_approved = False
        try:
            await self._context.show(request)
            await self._ask_aloud(say)
            with span("confirm"), trio.move_on_after(CONFIRM_WITHIN_S):
                is_approved = await answer.receive()
        finally:
            self._answers.clear()
            self._machine.close_question()
        if is_approved:
            self._machine.advance(TurnEvent.CONFIRMED)
        return is_approved

    def _record(self, call_id: str, wanted: WantedCall, outcome: ToolOutcome) -> None:
        record = ToolRecord(
            session_id=self._context.client_view.session_id,
            turn_id=self._turn_id,
            call_id=call_id,
            timestamp=self._context.unix_time(),
            server=wanted.server,
            tool=wanted.tool,
            arguments=redacted(wanted.arguments),
            ok=outcome.ok,
            result=redacted_text(outcome.content if outcome.ok else outcome.error or ""),
            duration_ms=outcome.duration_s * 1000,
            transcript=self._heard.text,
            confidence=self._heard.confidence,
            user_id=self._context.client_view.user,
        )
        self._context.peers.history.tell_nowait(record)
        self._context.peers.metrics.tell_nowait(record)
        ended, took_ms = "done" if record.ok else "failed", round(record.duration_ms, 1)
        log.info("tool %s %s", record.tool, ended, extra={"call_id": call_id, "duration_ms": took_ms})


def refused_because(reason: str) -> ToolOutcome:
    """Return the outcome of a call that was not made."""
    return ToolOutcome(ok=False, content="", duration_s=0.0, error=reason)
