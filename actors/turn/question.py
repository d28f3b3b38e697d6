"""How a turn asks back: what its words are to the open question, and which question is open after it.

The session's memory holds the question, so it outlives a restart of the dialogue. It changes in the moment in which
the turn begins to answer or to act, so a turn that is run again finds the question as it was.
"""

from collections.abc import Sequence
from typing import Final

import attrs
import trio

from actors.turn.amending import amendment_by
from actors.turn.hearing import parts_in
from actors.turn.meaning import TurnMeaning
from actors.turn.searching import DOUBTED, TurnSearch
from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.language.joints import pieces_of, without_lead
from protocol.language.phrases import ALL_RIGHT, DROPPED, NOT_UNDERSTOOD, NOTHING_SAID, PARTLY_UNDERSTOOD
from protocol.language.remarks import remark_of
from protocol.language.requests import asks_for_help, not_understood
from protocol.messages import events
from protocol.messages.records import Count
from protocol.messages.understanding import CommandMatch, ToolOutcome
from protocol.turns.meaning import GO_ON, MeaningStep, MeantDecision
from protocol.turns.questions import (
    ANSWER_WITHIN_S,
    OpenQuestion,
    QuestionState,
    Reaction,
    SaidWords,
    WordsDecision,
    decide,
    open_at,
)
from protocol.turns.several import Part, Parts

NO_COMMAND: Final = WordsDecision(Reaction.GO_ON)
"""What a client that wants no tools says."""


@attrs.define
class TurnQuestion:
    """One turn's part in asking and answering."""

    turn_id: str
    context: TurnContext
    options: SessionOptions
    _open: OpenQuestion | None = attrs.field(default=None, init=False)
    """The question that the turn's words may answer."""
    _confidence: float = attrs.field(default=1.0, init=False)
    _is_taken: bool = attrs.field(default=False, init=False)
    _is_doubted: bool = attrs.field(default=False, init=False)
    """Whether the command was found in the sound, and not surely."""
    _offered: list[tuple[CommandMatch, ToolOutcome]] = attrs.field(factory=list, init=False)
    """What tools have asked in this turn."""
    partly: tuple[Part, ...] = attrs.field(default=(), init=False)
    """The parts of a sentence of which only some are commands."""
    meant: MeantDecision = attrs.field(default=GO_ON, init=False)
    """What the words mean, if they are no command."""

    async def decide(self, heard: Heard) -> WordsDecision:
        """Return what is done with the words."""
        self._is_taken = True
        self._open = question = open_at(self.context.memory.question, heard.said_s)
        grammar, language = self.context.grammar, self.options.language
        hypotheses = (heard.text, *heard.alternatives)
        answer = None if question is None else grammar.answer(question.asked, hypotheses, language)
        parts = Parts()
        if len(pieces_of(heard.text, language)) > 1 or without_lead(heard.text, language) != heard.text:
            parts = await parts_in(self.context, heard.text, language)
        command = None
        if not parts.several:
            command = parts.whole or grammar.match(hypotheses, language)
        several = tuple(part.match for part in parts.several if part.match is not None)
        amendment = None
        is_remark = remark_of(heard.text, language) is not None or asks_for_help(heard.text, language)
        if command is None and answer is None and not several and not parts.partly and not is_remark:
            before = self.context.memory.sentence_before(self.turn_id)
            amendment = await amendment_by(self.context, self.options, before, heard)
        if command is None and answer is None and not several and amendment is None and not is_remark:
            found = await TurnSearch(self.turn_id, self.context, self.options).find(heard)
            command, self._is_doubted = found.match, not found.is_sure
        self.partly = () if command is not None or amendment is not None else parts.partly
        decision = decide(SaidWords(hypotheses, language, command, answer, several, amendment), question)
        if decision.reaction is Reaction.GO_ON and not self.partly:
            self.meant = await TurnMeaning(self.turn_id, self.context).read(heard)
        decision = self.meant.words or decision
        if decision.reaction is not Reaction.GO_ON:
            by = "grammar" if self.meant.words is None else "meaning"
            self.context.peers.metrics.tell_nowait(Count("understood_total", (by, decision.reaction.name.lower())))
        return decision

    @property
    def source(self) -> events.Source:
        """What has understood the words, if it was no language model."""
        is_meant = self.meant.words is not None or self.asks_for_help
        return "meaning" if is_meant else "command"

    @property
    def asks_for_help(self) -> bool:
        """Whether the words ask what can be said, by their meaning."""
        return self.meant.step is MeaningStep.HELP

    def asked_by(self, decision: WordsDecision) -> CommandMatch | None:
        """Return the command whose question the words have answered."""
        return self._open.asked if self._open is not None and decision.is_answer else None

    def confidence_of(self, heard: Heard, decision: WordsDecision) -> float:
        """Return how sure the words are that led here: an answer is no surer than what it answers."""
        asked = self._open.confidence if self._open is not None and decision.is_answer else 1.0
        self._confidence = min(heard.confidence, asked, DOUBTED if self._is_doubted else 1.0)
        return self._confidence

    def note(self, decision: WordsDecision) -> str:
        """Keep the question that is open from now on, if there is one; return what is said."""
        question, memory = self._open, self.context.memory
        if decision.match is not None:
            return self.ask_for((decision.match, *decision.more))
        if question is None:
            return self._remark(decision)
        if decision.reaction is Reaction.DROP:
            memory.question = None
            return self.options.told(DROPPED)
        memory.question = attrs.evolve(question, turn_id=self.turn_id, state=decision.state)
        if decision.reaction is Reaction.REPEAT:
            return question.text
        return f"{self.options.told(NOT_UNDERSTOOD)} {question.text}"

    def refusal(self, text: str) -> str:
        """Return the answer to words that nothing has understood."""
        if self.meant.cannot is not None:
            return self.options.told(self.meant.cannot)
        if not self.partly:
            return not_understood(text, self.options.language)
        known = [part.text for part in self.partly if part.match is not None]
        unknown = [part.text for part in self.partly if part.match is None]
        return self.options.told(PARTLY_UNDERSTOOD, known='", "'.join(known), unknown='", "'.join(unknown))

    def conclude(self, lacking: Sequence[CommandMatch]) -> str:
        """Return what is asked when all calls have been made, and keep it; empty for nothing.

        One question is asked: a tool's goes before that for a slot. Whatever else is to be asked waits for its answer.
        """
        if self._offered:
            (match, outcome), *others = self._offered
            self._ask(outcome.content, match, outcome, then=(*(match for match, _ in others), *lacking))
            return outcome.content
        return self.ask_for(lacking) if lacking else ""

    def ask_for(self, lacking: Sequence[CommandMatch]) -> str:
        """Keep the question of the first command; return it. The others wait for its answer."""
        match, *then = lacking
        question = match.question
        if question is None:
            raise AssertionError(f"{match.text!r} lacks nothing")
        self._ask(question.text, match, then=tuple(then))
        return question.text

    def offer(self, match: CommandMatch, outcome: ToolOutcome) -> bool:
        """Take the question that a tool asks, if it does; return whether it does."""
        if outcome.choices:
            self._offered.append((match, outcome))
        return bool(outcome.choices)

    async def show(self) -> None:
        """Tell the client the question that this turn asks, if it does."""
        question = self.context.memory.question
        if question is None or question.turn_id != self.turn_id:
            return
        titles = tuple(choice.title for choice in question.choices)
        await self.context.show(events.Question(self.turn_id, question.text, ANSWER_WITHIN_S, titles or None))

    def end(self, now_s: float) -> None:
        """The turn is over: a question that it asked was heard now, and one that it took is closed."""
        memory = self.context.memory
        if memory.question is not None and memory.question.turn_id == self.turn_id:
            memory.question = attrs.evolve(memory.question, until_s=now_s + ANSWER_WITHIN_S)
        elif self._is_taken:
            memory.question = None

    def open_for_s(self, now_s: float) -> float:
        """Return how long the session's question may be answered yet; 0 if there is none."""
        question = self.context.memory.question
        return 0.0 if question is None else max(0.0, question.until_s - now_s)

    def _ask(
        self,
        text: str,
        match: CommandMatch,
        outcome: ToolOutcome | None = None,
        then: tuple[CommandMatch, ...] = (),
    ) -> None:
        self.context.memory.question = OpenQuestion(
            self.turn_id,
            text,
            match,
            trio.current_time() + ANSWER_WITHIN_S,
            () if outcome is None else outcome.choices,
            self._confidence,
            QuestionState.ASKED,
            then,
        )

    def _remark(self, decision: WordsDecision) -> str:
        if decision.reaction is Reaction.DROP:
            return self.options.told(ALL_RIGHT)
        return self.context.memory.last_reply or self.options.told(NOTHING_SAID)
