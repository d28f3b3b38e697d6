"""How a turn talks with a language model: context in, sentences and tool calls out.

Rules kept here:

* The prompt holds the session's last turns as they were *heard*; what a barge-in cut off is not in it.
* What a tool answers is untrusted text: it is marked as data, and can only lead to another call through the same
  policy as before, which then trusts the model less.
* A tool that the operator denies is not offered. Without a list of tools there is still an answer, by a model that
  knows what is missing.
* Text goes on at once: to the client as it comes, to the spoken sentence by sentence.
* Where an action is asked for, text goes on by whole sentences, and none that claims to have acted before a tool has.
"""

import datetime as dt
import json
import logging
from collections.abc import Awaitable, Callable, Sequence

import attrs

from actors.turn.tool_caller import ToolCaller, WantedCall
from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.language.requests import asked_for, claims_an_action
from protocol.language.sentences import SentenceCutter
from protocol.language.thoughts import ThoughtFilter, without_thoughts
from protocol.messages.events import ReplyDelta
from protocol.messages.understanding import (
    Asked,
    ChatMessage,
    Generate,
    Generation,
    ListTools,
    ModelToolCall,
    NoModel,
    ToolList,
    ToolOutcome,
    ToolSpec,
)
from protocol.turns.tools import Policy, configured_policy, index_tools
from runtime import AskError, MailboxError
from runtime.messaging.stream import PartSender, ask_streaming

log = logging.getLogger("sayso.turn")

LIST_WITHIN_S = 2.0  # longer than the toolbox waits for its slowest server
MISSING = " Tools that do not answer now: {}. Say so only if the request needs them."
GENERATION_TIMEOUT_S = 60.0  # the turn's own deadline is shorter; this bounds a turn without one


class NobodyToAsk(Exception):
    """There is no model for what is asked for."""


class NotBelieved(Exception):
    """The model said that it had acted, and no tool has."""


@attrs.define
class ModelConversation:
    """One turn's exchange with the model."""

    turn_id: str
    context: TurnContext
    options: SessionOptions
    tools: ToolCaller
    say: Callable[[str], Awaitable[None]]
    on_begin: Callable[[], Awaitable[None]]
    """Called once, when the model has begun to answer or to act."""
    on_first_token: Callable[[], None]
    _text: list[str] = attrs.field(factory=list, init=False)
    _cutter: SentenceCutter = attrs.field(init=False)
    _thoughts: ThoughtFilter = attrs.field(factory=ThoughtFilter, init=False)
    _claims: "Claims" = attrs.field(init=False)
    _has_begun: bool = attrs.field(default=False, init=False)
    _has_read_results: bool = attrs.field(default=False, init=False)
    _missing: tuple[str, ...] = attrs.field(default=(), init=False)

    async def run(self, heard: Heard) -> str:
        """Return the whole answer.

        Raises ``NobodyToAsk``, ``NotBelieved``, and ``AskError`` or ``MailboxError`` if no model could give one.
        """
        tools = await self._tools()
        asked = asked_for(heard.text, heard.language)
        self._claims = Claims(heard.language, is_checked=asked == "action")
        self._cutter = SentenceCutter(heard.language)
        messages = self._prompt(heard)
        for step in range(self.context.dialogue.max_tool_steps + 1):
            offered = tools if step < self.context.dialogue.max_tool_steps else {}
            generation = await self._generate(messages, offered, asked)
            if not generation.tool_calls:
                break
            messages.append(
                ChatMessage("assistant", without_thoughts(generation.text), tool_calls=generation.tool_calls)
            )
            await self._end_paragraph()
            self._claims.forget()
            for call in generation.tool_calls:
                messages.append(await self._act(call, offered))
        await self._end_paragraph()
        if self._claims.was_made:
            raise NotBelieved("".join(self._text))
        return "".join(self._text).strip()

    async def _tools(self) -> dict[str, ToolSpec]:
        if not self.options.wants("tools"):
            return {}
        try:
            found = await self.context.peers.tools.ask(ListTools(), timeout_s=LIST_WITHIN_S)
        except (AskError, MailboxError) as error:
            log.warning("no list of tools: %s", error, extra={"turn_id": self.turn_id})
            found = ToolList(missing=("all",))
        self._missing = found.missing
        policies = self.context.tools.policy
        denied = [spec for spec in found.tools if configured_policy(policies, spec.server, spec.name) is Policy.DENY]
        return dict(index_tools([spec for spec in found.tools if spec not in denied]))

    def _prompt(self, heard: Heard) -> list[ChatMessage]:
        system = filled(self.context.dialogue.system_prompt, self.context.unix_time(), self.options.language)
        if self._missing:
            system += MISSING.format(", ".join(self._missing))
        messages = [ChatMessage("system", system)]
        for user, assistant in self.context.memory.recent_turns(self.context.dialogue.history_turns):
            messages.append(ChatMessage("user", user))
            messages.append(ChatMessage("assistant", assistant))
        messages.append(ChatMessage("user", heard.text))
        return messages

    async def _generate(self, messages: list[ChatMessage], tools: dict[str, ToolSpec], asked: Asked) -> Generation:
        async def ask(text: PartSender[str]) -> Generation | NoModel:
            request = Generate(
                session_id=self.context.client_view.session_id,
                messages=tuple(messages),
                text_sink=text,
                tools=tuple(attrs.evolve(spec, name=name) for name, spec in tools.items()),
                task=self.options.task,
                asked_for=asked,
            )
            return await self.context.peers.inference.ask(request, timeout_s=GENERATION_TIMEOUT_S, linked=True)

        answer = await ask_streaming(ask, self._take_text)
        if isinstance(answer, NoModel):
            raise NobodyToAsk
        return answer

    async def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            await self.on_begin()

    async def _take_text(self, text: str) -> None:
        await self._begin()
        text = self._thoughts.feed(text)
        if text and not self._text:
            self.on_first_token()
        await self._pass_on(text, self._cutter.feed(text))

    async def _end_paragraph(self) -> None:
        """Say what is left: what comes after a tool call is a sentence of its own."""
        rest = self._thoughts.flush()
        sentences = [*self._cutter.feed(rest), *self._cutter.flush()]
        await self._pass_on(rest, sentences)
        if self._text and not self._text[-1].endswith(" "):
            self._text.append(" ")

    async def _pass_on(self, text: str, sentences: Sequence[str]) -> None:
        """Show text and say the sentences that it completes, as far as they are believed."""
        shown = self._claims.believed(text, sentences)
        if shown:
            self._text.append(shown)
            await self.context.show(ReplyDelta(self.turn_id, shown))
        if not self._claims.was_made:
            for sentence in sentences:
                await self.say(sentence)

    async def _act(self, call: ModelToolCall, tools: dict[str, ToolSpec]) -> ChatMessage:
        spec = tools.get(call.name)
        if spec is None:
            outcome = ToolOutcome(ok=False, content="", duration_s=0.0, error=f"there is no tool {call.name!r}")
        else:
            wanted = WantedCall(
                spec.server, spec.name, call.arguments, "model", spec, is_influenced=self._has_read_results
            )
            await self._begin()
            outcome = await self.tools.call(wanted)
            self._claims.has_acted |= outcome.ok
        self._has_read_results = True
        data = {"data_from_tool": outcome.content} if outcome.ok else {"error": outcome.error}
        return ChatMessage("tool", json.dumps(data), tool_call_id=call.call_id, tool_name=call.name)


@attrs.define
class Claims:
    """Lets pass what a model says; where an action was asked for, by sentences, up to one that claims it is done."""

    language: str
    is_checked: bool
    """Whether an action was asked for; other text goes on as it comes."""
    has_acted: bool = False
    was_made: bool = False

    def believed(self, text: str, sentences: Sequence[str]) -> str:
        """Return what may be shown now that ``text`` has come and has completed ``sentences``."""
        if not self.is_checked or self.has_acted:
            return text
        self.was_made = self.was_made or any(claims_an_action(sentence, self.language) for sentence in sentences)
        return "" if self.was_made else "".join(f"{sentence} " for sentence in sentences)

    def forget(self) -> None:
        """Leave out what was claimed before a call of the model: it may come true now."""
        self.was_made = False


def filled(template: str, unix_time: float, language: str) -> str:
    """Return the system prompt with ``{date}`` (local time zone) and ``{language}``; other braces stay as they are."""
    date = dt.datetime.fromtimestamp(unix_time).astimezone().strftime("%A, %d %B %Y")
    return template.replace("{date}", date).replace("{language}", language)
