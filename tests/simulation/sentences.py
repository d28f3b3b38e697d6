"""The sentences of the simulated server, and what they stand for."""

import re
from collections.abc import Sequence

import attrs

from backends.jobs import ReadSentences, SentenceReading, SentenceReadings
from backends.understanding.vectors import WIDTH
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.understanding import CommandMatch, CommandSamples, SlotQuestion

READS, CHANGES = "look", "change"
WANTS, ANSWERS = "want", "that"
BEGINS, RESTS = "begin", "rest"
UNDOES, UNDO = "take_back", "undo that"
WHOLE = re.compile(rf"{BEGINS} \d+ (?:and )?{RESTS} (\d+)")
OWN_SENTENCES = (OwnSentence("Do", "do 7"),)


def read_meaning(job: ReadSentences, _blob: bytes) -> tuple[SentenceReadings, bytes]:
    """Return what the worker does that reads meanings: nothing here has one."""
    readings = (SentenceReading({"none": 1.0}),) * len(job.texts)
    return SentenceReadings(readings), bytes(4 * WIDTH * len(job.texts))


class Grammar:
    """Knows ``do 7``, the command that does 7, and ``want 7``, which asks which one; ``that 8`` does 8 then.

    ``begin 7`` does 7 too, and ``begin 7 rest 8``, said in one or two, does 8 and not 7.
    """

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        text = hypotheses[0]
        whole = WHOLE.fullmatch(text)
        verb, _, number = text.partition(" ") if whole is None else ("do", "", whole[1])
        if verb not in ("do", BEGINS, WANTS) or not number.isdigit():
            return None
        if verb in ("do", BEGINS):
            return CommandMatch("Do", "house", CHANGES, {"number": int(number)}, 1.0, text)
        question = SlotQuestion("number", f"Which one after {number}?")
        return CommandMatch("Do", "house", CHANGES, {}, 1.0, text, question=question)

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        return self.match([text], language)

    def begins(self, text: str, language: str) -> bool:
        return text in ("do", BEGINS, WANTS)

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        verb, _, number = hypotheses[0].partition(" ")
        if verb != ANSWERS or not number.isdigit():
            return None
        return attrs.evolve(asked, arguments={"number": int(number)}, question=None)

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        return ("do",)

    def samples(self) -> tuple[CommandSamples, ...]:
        return ()

    def automaton(self, language: str) -> SentenceAutomaton | None:
        return None

    def own_sentences(self) -> tuple[OwnSentence, ...]:
        return OWN_SENTENCES

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        return None

    def check(self) -> None:
        return None
