"""How a turn goes on with the sentence before it, and how it takes back what was done.

What was done is in the session's memory (``protocol/turns/last_sentence.py``), which each call changes when it is sent
and when its outcome is known: nothing is taken back twice, and nothing whose outcome is not known.
"""

import logging
from collections.abc import Sequence

import attrs

from actors.turn.hearing import ask, parts_in
from actors.turn.tool_caller import ToolCaller, WantedCall
from actors.turn.turn_context import Heard, SessionOptions, TurnContext, TurnRefused
from protocol.language.joints import without_lead
from protocol.language.phrases import ALL_RIGHT, ALREADY_DONE, NOT_TAKEN_BACK, NOTHING_TO_TAKE_BACK, TAKEN_BACK
from protocol.messages import events
from protocol.messages.hearing import Recognition
from protocol.messages.records import Count
from protocol.messages.understanding import CommandMatch
from protocol.turns.last_sentence import (
    FREE_TEXT_WITHIN_S,
    Amendment,
    DoneCall,
    LastSentence,
    amendment_of,
    is_whole_of,
    joined,
    to_take_back,
)
from runtime import AskError, MailboxError

log = logging.getLogger("sayso.turn")


async def amendment_by(
    context: TurnContext, options: SessionOptions, sentence: LastSentence | None, heard: Heard
) -> Amendment | None:
    """Return what the words change if they are the rest of ``sentence``; ``None`` if they are not.

    Where the words of both halves make no command, both are transcribed once more as one: a recogniser hears the half
    of a sentence worse than the whole.
    """
    if sentence is None or not sentence.may_go_on(heard.said_s, is_typed=heard.is_typed):
        return None
    is_led = without_lead(heard.text, options.language) != heard.text
    for text in joined(sentence.text, heard.text, options.language):
        whole = await _commands_in(context, options.language, sentence, text)
        if whole and (is_led or is_whole_of(sentence, whole)):
            return amendment_of(sentence, text, whole)
    is_soon = heard.said_s - sentence.ended_s <= FREE_TEXT_WITHIN_S
    for text in await _heard_as_one(context, options, sentence, heard):
        whole = await _commands_in(context, options.language, sentence, text)
        if whole and is_whole_of(sentence, whole, takes_text=is_soon):
            return amendment_of(sentence, text, whole)
    return None


async def _commands_in(
    context: TurnContext, language: str, sentence: LastSentence, text: str
) -> tuple[CommandMatch, ...]:
    """Return the commands of a whole sentence, or what answers the question that ``sentence`` has answered in part."""
    parts = await parts_in(context, text, language)
    commands = (parts.whole,) if parts.whole is not None else tuple(part.match for part in parts.several)
    whole = tuple(match for match in commands if match is not None)
    if not whole and sentence.asked is not None:
        answer = context.grammar.answer(sentence.asked, [text], language)
        whole = () if answer is None else (answer,)
    return whole


async def _heard_as_one(
    context: TurnContext, options: SessionOptions, sentence: LastSentence, heard: Heard
) -> Sequence[str]:
    """Return the hypotheses of both halves as one utterance; none where the first was no command, nor half of one."""
    before = heard.before
    if before is None or before.last_voice_s != sentence.ended_s or sentence.goes_on:
        return ()
    if not sentence.all_calls and not context.grammar.begins(sentence.text, options.language):
        return ()
    try:
        answer = await ask(context, options, before.both)
    except (AskError, MailboxError) as error:
        log.debug("the halves of a sentence were not heard as one: %s", error)
        return ()
    return (answer.text, *answer.alternatives) if isinstance(answer, Recognition) else ()


async def goes_on(context: TurnContext, options: SessionOptions, turn_id: str, heard: Heard) -> bool:
    """Return whether the words are the rest of that turn's sentence, and no command of their own."""
    sentence = context.memory.sentence
    if not options.wants("tools") or sentence is None or sentence.turn_id != turn_id:
        return False
    if context.grammar.match([heard.text, *heard.alternatives], options.language) is not None:
        return False
    return await amendment_by(context, options, sentence, heard) is not None


@attrs.define
class TurnAmending:
    """One turn's part in amending and taking back."""

    turn_id: str
    context: TurnContext
    options: SessionOptions
    ended_s: float
    """When the turn's words ended."""
    _amendment: Amendment | None = attrs.field(default=None, init=False)

    def begin(self, text: str, asked: CommandMatch | None = None) -> None:
        """Note the turn's sentence, before anything is done for it; ``asked``: it answers that command's question."""
        self.context.memory.begin_sentence(LastSentence(self.turn_id, text, self.ended_s, asked=asked))

    def begin_whole(self) -> None:
        """Note the whole sentence, when nothing is in effect but what stays of it."""
        if self._amendment is not None:
            before = self.context.memory.sentence_before(self.turn_id)
            if before is None:
                raise AssertionError("there is nothing that goes on")
            text, state = self._amendment.text, before.state
            whole = LastSentence(self.turn_id, text, self.ended_s, state, asked=before.asked, goes_on=True)
            self.context.memory.begin_sentence(whole)

    def take(self, amendment: Amendment | None, said_s: float) -> None:
        """Prepare to take back what ``amendment`` changes, or what was done last.

        Raises ``TurnRefused`` if there is nothing to take back, or nothing that may be.
        """
        memory = self.context.memory
        sentence = memory.sentence_before(self.turn_id)
        if amendment is None:
            sentence = to_take_back(sentence, said_s)
            if sentence is None:
                raise TurnRefused(self.options.told(NOTHING_TO_TAKE_BACK))
            undone = tuple(call for call in reversed(sentence.all_calls) if call.undo is not None)
            amendment = Amendment(sentence.text, undone)
        if sentence is None or not sentence.is_known:
            raise TurnRefused(self.options.told(ALREADY_DONE))
        self._amendment = amendment
        if amendment.undone:
            memory.sentence = sentence

    def answer_before(self) -> str:
        """Return what is said where nothing is left to do: the answer that was cut, if it was."""
        sentence = self.context.memory.sentence_before(self.turn_id)
        told = "" if sentence is None else " ".join(call.told for call in sentence.all_calls)
        return told if told and sentence is not None and sentence.is_cut else self.options.told(ALL_RIGHT)

    def end(self, *, is_cut: bool) -> None:
        """Note how the turn ended."""
        memory = self.context.memory
        if memory.sentence is not None and memory.sentence.turn_id == self.turn_id:
            memory.sentence = attrs.evolve(memory.sentence, is_cut=is_cut)

    async def take_back(self, tools: ToolCaller) -> str:
        """Take back what is to be, the last call first; return what the tools say to it.

        Raises ``TurnRefused`` before anything was taken back if something cannot be, and when an undo fails.
        """
        sentence, amendment = self.context.memory.sentence_before(self.turn_id), self._amendment
        if sentence is None or amendment is None:
            raise AssertionError("there is nothing to take back")
        for call in amendment.undone:
            if call.undo is None and not await tools.is_reading(call.server, call.tool):
                raise TurnRefused(self.options.told(ALREADY_DONE))
        await self.context.show(events.Understood(self.turn_id, "command", 1.0, amends=sentence.turn_id))
        self.context.peers.metrics.tell_nowait(Count("amended_turns_total"))
        told = [await self._undo(tools, call) for call in amendment.undone if call.undo is not None]
        return " ".join(text for text in told if text) or self.options.told(TAKEN_BACK)

    async def _undo(self, tools: ToolCaller, call: DoneCall) -> str:
        if call.undo is None:
            return ""
        wanted = WantedCall(call.server, call.undo.tool, call.undo.arguments, "command", undoes=call.call_id)
        outcome = await tools.call(wanted)
        if not outcome.ok:
            raise TurnRefused(self.options.told(NOT_TAKEN_BACK, why=outcome.error or ""))
        self.context.peers.metrics.tell_nowait(Count("undone_calls_total"))
        return outcome.content
