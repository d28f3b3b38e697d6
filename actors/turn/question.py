"""How a turn asks back: what its words are to the open question, and which question is open after it.

The session's memory holds the question, so it outlives a restart of the dialogue. It changes in the moment in which
the turn begins to answer or to act, so a turn that is run again finds the question as it was.
"""

from typing import Final

import attrs
import trio

from actors.turn.turn_context import Heard, SessionOptions, TurnContext
from protocol.language.phrases import ALL_RIGHT, DROPPED, NOT_UNDERSTOOD, NOTHING_SAID
from protocol.messages.understanding import CommandMatch, ToolOutcome
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

    def decide(self, heard: Heard, said_s: float) -> WordsDecision:
        """Return what is done with the words, which began at ``said_s`` (``trio.current_time()``)."""
        self._is_taken = True
        self._open = question = open_at(self.context.memory.question, said_s)
        grammar, language = self.context.grammar, self.options.language
        hypotheses = (heard.text, *heard.alternatives)
        answer = None if question is None else grammar.answer(question.asked, hypotheses, language)
        return decide(SaidWords(hypotheses, language, grammar.match(hypotheses, language), answer), question)

    def confidence_of(self, heard: Heard, decision: WordsDecision) -> float:
        """Return how sure the words are that led here: an answer is no surer than what it answers."""
        asked = self._open.confidence if self._open is not None and decision.is_answer else 1.0
        self._confidence = min(heard.confidence, asked)
        return self._confidence

    def note(self, decision: WordsDecision) -> str:
        """Keep the question that is open from now on, if there is one; return what is said."""
        question, memory = self._open, self.context.memory
        lacking = None if decision.match is None else decision.match.question
        if decision.match is not None and lacking is not None:
            self._ask(lacking.text, decision.match)
            return lacking.text
        if question is None:
            return self._remark(decision)
        if decision.reaction is Reaction.DROP:
            memory.question = None
            return self.options.told(DROPPED)
        memory.question = attrs.evolve(question, turn_id=self.turn_id, state=decision.state)
        if decision.reaction is Reaction.REPEAT:
            return question.text
        return f"{self.options.told(NOT_UNDERSTOOD)} {question.text}"

    def offer(self, match: CommandMatch, outcome: ToolOutcome) -> None:
        """Keep the question that a tool asks, if it does."""
        if outcome.choices:
            self._ask(outcome.content, match, outcome)

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

    def _ask(self, text: str, match: CommandMatch, outcome: ToolOutcome | None = None) -> None:
        self.context.memory.question = OpenQuestion(
            self.turn_id,
            text,
            match,
            trio.current_time() + ANSWER_WITHIN_S,
            () if outcome is None else outcome.choices,
            self._confidence,
            QuestionState.ASKED,
        )

    def _remark(self, decision: WordsDecision) -> str:
        if decision.reaction is Reaction.DROP:
            return self.options.told(ALL_RIGHT)
        return self.context.memory.last_reply or self.options.told(NOTHING_SAID)
