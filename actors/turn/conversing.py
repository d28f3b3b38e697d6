"""How a turn talks with a language model: context in, sentences and tool calls out.

Rules kept here:

* The prompt holds the session's last turns as they were *heard*; what a barge-in cut off is not in it.
* A tool's result is untrusted text: it is marked as data, and can only lead to another call through the same
  policy as before, which then trusts the model less.
* A tool that the operator denies is not offered. Those of the client are offered beside the server's.
* Without a list of tools there is still an answer, by a model that is told what is missing.
* Which of the model's text is shown and spoken is decided by ``protocol/turns/model_answer.py``.
"""

import datetime as dt
import json
import logging
from collections.abc import Awaitable, Callable, Mapping

import attrs

from actors.turn.tool_caller import ToolCaller, WantedCall
from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.language.requests import asked_for
from protocol.language.thoughts import without_thoughts
from protocol.messages.event_values import CLIENT_SERVER
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
from protocol.turns.model_answer import Belief, ModelAnswer, PassedText
from protocol.turns.tools import Policy, configured_policy, index_tools
from runtime import AskError, MailboxError
from runtime.messaging.stream import PartSender, ask_streaming

log = logging.getLogger("sayso.turn")

LIST_WITHIN_S = 2.0  # longer than the toolbox waits for its slowest server
MISSING = " Tools that do not answer now: {}. Say so only if the request needs them."
GO_ON = "Go on."  # a chat begins with a user, also where nothing was said
GENERATION_TIMEOUT_S = 60.0  # the turn's own deadline is shorter; this bounds a turn without one


class NoSuitableModel(Exception):
    """No model can answer the request."""


class UnfoundedClaim(Exception):
    """The model claimed to have acted, but no tool was called."""


@attrs.define
class ModelConversation:
    """One turn's exchange with the model."""

    turn_id: str
    context: TurnContext
    options: SessionOptions
    tools: ToolCaller
    say: Callable[[str], Awaitable[None]]
    on_begin: Callable[[], Awaitable[None]]
    """Called whenever the model answers or acts."""
    on_first_token: Callable[[], None]
    instructions: str | None = None
    """Of the client, for this answer: instead of its session's."""
    is_action: bool = False
    """Whether the words are known to want a tool, so that no model without tools may answer."""
    _answer: ModelAnswer = attrs.field(init=False)
    _missing: tuple[str, ...] = attrs.field(default=(), init=False)

    async def run(self, heard: Heard) -> str:
        """Return the whole answer.

        Raises ``NoSuitableModel``, ``UnfoundedClaim``, and ``AskError`` or ``MailboxError`` if no model could give one.
        """
        tools, must_call = chosen_tools(await self._tools(), self.options.options.tool_choice)
        asked: Asked = "action" if self.is_action or must_call else asked_for(heard.text, heard.language)
        self._answer = answer = ModelAnswer(heard.language, Belief.CHECKED if asked == "action" else Belief.BELIEVED)
        messages = self._prompt(heard)
        for step in range(self.context.dialogue.max_tool_steps + 1):
            offered = tools if step < self.context.dialogue.max_tool_steps else {}
            generation = await self._generate(messages, offered, asked, must_call=must_call and step == 0)
            if not generation.tool_calls:
                break
            messages.append(
                ChatMessage("assistant", without_thoughts(generation.text), tool_calls=generation.tool_calls)
            )
            await self._pass_on(answer.end_paragraph())
            answer.call()
            for call in generation.tool_calls:
                messages.append(await self._act(call, offered))
        await self._pass_on(answer.end_paragraph())
        if answer.belief is Belief.DISBELIEVED:
            raise UnfoundedClaim(answer.text)
        return answer.text.strip()

    async def _tools(self) -> Mapping[str, ToolSpec]:
        found = await self._listed() if self.options.wants("tools") else ToolList()
        self._missing = found.missing
        own = [
            ToolSpec(CLIENT_SERVER, tool.name, tool.description, tool.parameters) for tool in self.options.options.tools
        ]
        policies = self.context.tools.policy
        return index_tools(
            [
                spec
                for spec in (*found.tools, *own)
                if configured_policy(policies, spec.server, spec.name) is not Policy.DENY
            ]
        )

    async def _listed(self) -> ToolList:
        try:
            return await self.context.peers.tools.ask(ListTools(), timeout_s=LIST_WITHIN_S)
        except (AskError, MailboxError) as error:
            log.warning("no list of tools: %s", error, extra={"turn_id": self.turn_id})
            return ToolList(missing=("all",))

    def _prompt(self, heard: Heard) -> list[ChatMessage]:
        system = filled(self.context.dialogue.system_prompt, self.context.unix_time(), self.options.language)
        if self._missing:
            system += MISSING.format(", ".join(self._missing))
        wanted = (self.instructions if heard.text else None) or self.options.options.instructions
        if wanted:
            system += f"\n{wanted}"
        messages = [ChatMessage("system", system)]
        for user, assistant in self.context.memory.recent_turns(self.context.dialogue.history_turns):
            messages.append(ChatMessage("user", user))
            messages.append(ChatMessage("assistant", assistant))
        messages.append(ChatMessage("user", heard.text or self.instructions or GO_ON))
        return messages

    async def _generate(
        self, messages: list[ChatMessage], tools: Mapping[str, ToolSpec], asked: Asked, *, must_call: bool
    ) -> Generation:
        async def ask(text: PartSender[str]) -> Generation | NoModel:
            request = Generate(
                session_id=self.context.client_view.session_id,
                messages=tuple(messages),
                text_sink=text,
                tools=tuple(attrs.evolve(spec, name=name) for name, spec in tools.items()),
                task=self.options.task,
                user=self.context.client_view.user,
                asked_for=asked,
                must_call=must_call,
            )
            return await self.context.peers.inference.ask(request, timeout_s=GENERATION_TIMEOUT_S, linked=True)

        answer = await ask_streaming(ask, self._take_text)
        if isinstance(answer, NoModel):
            raise NoSuitableModel
        return answer

    async def _take_text(self, text: str) -> None:
        await self.on_begin()
        passed = self._answer.feed(text)
        if passed.is_first:
            self.on_first_token()
        await self._pass_on(passed)

    async def _pass_on(self, passed: PassedText) -> None:
        if passed.shown:
            await self.context.show(ReplyDelta(self.turn_id, passed.shown))
        for sentence in passed.sentences:
            await self.say(sentence)

    async def _act(self, call: ModelToolCall, tools: Mapping[str, ToolSpec]) -> ChatMessage:
        spec = tools.get(call.name)
        if spec is None:
            outcome = ToolOutcome(ok=False, content="", duration_s=0.0, error=f"there is no tool {call.name!r}")
        else:
            wanted = WantedCall(
                spec.server, spec.name, call.arguments, "model", spec, is_influenced=self._answer.results > 0
            )
            await self.on_begin()
            outcome = await self.tools.call(wanted)
        self._answer.read_result(ok=outcome.ok)
        data = {"data_from_tool": outcome.content} if outcome.ok else {"error": outcome.error}
        return ChatMessage("tool", json.dumps(data), tool_call_id=call.call_id, tool_name=call.name)


def chosen_tools(tools: Mapping[str, ToolSpec], choice: str) -> tuple[Mapping[str, ToolSpec], bool]:
    """Return the tools that a client's choice leaves, and whether one of them has to be called first.

    A name is the client's own tool rather than the server's; one that stands for nothing chooses nothing.
    """
    if choice == "none":
        return {}, False
    named = {name: spec for name, spec in tools.items() if spec.name == choice}
    own = {name: spec for name, spec in named.items() if spec.server == CLIENT_SERVER}
    chosen = own or named
    return (chosen, True) if chosen else (tools, choice == "required" and bool(tools))


def filled(template: str, unix_time: float, language: str) -> str:
    """Return the system prompt with ``{date}`` (local time zone) and ``{language}``; other braces stay as they are."""
    date = dt.datetime.fromtimestamp(unix_time).astimezone().strftime("%A, %d %B %Y")
    return template.replace("{date}", date).replace("{language}", language)
