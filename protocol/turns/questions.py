"""What a turn does with words while a question is open, and while none is: a table; pure.

Rules kept here:

* A command that lacks a slot is asked for it; the words of a later turn answer. One question is open at a time.
* A typed slot is answered by what its own converter takes; only then are the words a command of their own. Free text
  takes almost anything, so there a command comes first.
* A command of its own replaces the question. "Never mind" drops it. What is not understood has it asked once more,
  and the next time it is dropped and the words are taken as if it had not been.
* A tool that cannot tell which of several things is meant asks too, with its choices.
* What is neither command nor answer may be the rest of the sentence before (``last_sentence.py``).
* A question is open for ``ANSWER_WITHIN_S`` after its turn has ended; an answer counts from when it began.

``docs/turn.md`` is drawn from the table.
"""

import enum
from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from protocol.language.remarks import Remark, chosen, remark_of
from protocol.messages.understanding import Choice, CommandMatch
from protocol.turns.last_sentence import Amendment

ANSWER_WITHIN_S: Final = 15.0  # after the question was heard; long enough to look at the packet for the time


class QuestionState(enum.Enum):
    """Whether a question is open."""

    NONE = "no question"
    ASKED = "asked"
    ASKED_AGAIN = "asked again"


class WordsEvent(enum.Enum):
    """What a turn's words are."""

    COMMAND = "a command or several, or the answer"
    LACKING = "a command or an answer that lacks something"
    DROPPED = "never mind"
    REPEATED = "repeat that"
    TAKE_BACK = "undo that"
    GOES_ON = "the rest of the sentence before"
    OTHER = "other words"


class Reaction(enum.Enum):
    """What a turn does with its words; the value describes it for ``docs/turn.md``."""

    CALL = "make the call"
    ASK = "ask"
    ASK_AGAIN = "ask once more"
    REPEAT = "say it again"
    DROP = "say that it is dropped"
    TAKE_BACK = "take back what was done last"
    AMEND = "take back what differs, and do the whole"
    GO_ON = "ask a model"


_S, _E, _R = QuestionState, WordsEvent, Reaction
Cell = tuple[Reaction, QuestionState]

QUESTIONS: Final[Mapping[WordsEvent, Mapping[QuestionState, Cell]]] = {
    _E.COMMAND: dict.fromkeys(_S, (_R.CALL, _S.NONE)),
    _E.LACKING: dict.fromkeys(_S, (_R.ASK, _S.ASKED)),
    _E.DROPPED: dict.fromkeys(_S, (_R.DROP, _S.NONE)),
    _E.TAKE_BACK: dict.fromkeys(_S, (_R.TAKE_BACK, _S.NONE)),
    _E.GOES_ON: dict.fromkeys(_S, (_R.AMEND, _S.NONE)),
    _E.REPEATED: {state: (_R.REPEAT, state) for state in _S},
    _E.OTHER: {
        _S.NONE: (_R.GO_ON, _S.NONE),
        _S.ASKED: (_R.ASK_AGAIN, _S.ASKED_AGAIN),
        _S.ASKED_AGAIN: (_R.GO_ON, _S.NONE),
    },
}


_REMARKS: Final = {Remark.DROP: _E.DROPPED, Remark.REPEAT: _E.REPEATED, Remark.TAKE_BACK: _E.TAKE_BACK}


@attrs.frozen
class OpenQuestion:
    """A question that the user was asked."""

    turn_id: str
    """The turn that asked it last."""
    text: str
    asked: CommandMatch
    """What is done with the answer."""
    until_s: float
    """When it lapses, by ``trio.current_time()``."""
    choices: tuple[Choice, ...] = ()
    """What may be answered, if it is one of a few things."""
    confidence: float = 1.0
    """0..1, of the transcripts that led to it."""
    state: QuestionState = QuestionState.ASKED
    then: tuple[CommandMatch, ...] = ()
    """Further commands of the same sentence that lack something too: they come behind the answer."""


@attrs.frozen
class SaidWords:
    """What a turn is to understand."""

    hypotheses: Sequence[str]
    """The likeliest first."""
    language: str
    command: CommandMatch | None = None
    """What they are in the grammar."""
    answer: CommandMatch | None = None
    """What they are as an answer to the open question's slot."""
    several: tuple[CommandMatch, ...] = ()
    """What they are if they hold several commands."""
    amendment: Amendment | None = None
    """What they change as the rest of the sentence before."""


@attrs.frozen
class WordsDecision:
    """What a turn does with its words."""

    reaction: Reaction
    match: CommandMatch | None = None
    """The call that is made, or that something is asked for."""
    state: QuestionState = QuestionState.NONE
    """Of the question that is open then."""
    is_answer: bool = False
    more: tuple[CommandMatch, ...] = ()
    """What comes behind the call."""
    amendment: Amendment | None = None
    """What is taken back before."""


def decide(words: SaidWords, question: OpenQuestion | None) -> WordsDecision:
    """Return what is done with a turn's words; ``question`` is the one that is open."""
    state = QuestionState.NONE if question is None else question.state
    event, matches = _event_of(words, question)
    reaction, after = QUESTIONS[event][state]
    if event is _E.GOES_ON:
        return WordsDecision(reaction, state=after, amendment=words.amendment)
    if not matches:
        return WordsDecision(reaction, state=after)
    is_answer = matches[0] is not words.command and matches != words.several
    more = question.then if question is not None and is_answer else matches[1:]
    return WordsDecision(reaction, matches[0], after, is_answer, more)


def with_choice(question: OpenQuestion, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
    """Return the call with the choice that is meant; ``None`` if none is, or more than one."""
    titles = [choice.title for choice in question.choices]
    meant = (chosen(text, titles, language) for text in hypotheses)
    at = next((at for at in meant if at is not None), None)
    if at is None:
        return None
    arguments = {**question.asked.arguments, **question.choices[at].arguments}
    return attrs.evolve(question.asked, arguments=arguments, question=None)


def open_at(question: OpenQuestion | None, said_s: float) -> OpenQuestion | None:
    """Return the question if words that began at ``said_s`` may answer it."""
    return question if question is not None and said_s <= question.until_s else None


def _event_of(words: SaidWords, question: OpenQuestion | None) -> tuple[WordsEvent, tuple[CommandMatch, ...]]:
    remark = remark_of(words.hypotheses[0], words.language, is_answer=question is not None)
    if remark is not None and (question is not None or words.command is None):
        return _REMARKS[remark], ()
    match = words.command if question is None else _taken(words, question)
    matches = words.several if match is None else (match,)
    if not matches:
        return (_E.OTHER if words.amendment is None else _E.GOES_ON), ()
    return (_E.LACKING if all(match.question is not None for match in matches) else _E.COMMAND), matches


def _taken(words: SaidWords, question: OpenQuestion) -> CommandMatch | None:
    """Return what the words are taken as while a question is open."""
    answer = with_choice(question, words.hypotheses, words.language) if question.choices else words.answer
    asked = question.asked.question
    is_free_text = not question.choices and asked is not None and asked.is_free_text
    if is_free_text and words.command is not None and words.command.confidence == 1.0:
        return words.command
    return answer or words.command
