"""Two grammars as one (``CommandGrammar``): the user's own and built-in sentences, and those about a home.

Rules kept here:

* Own sentences win; only where they match with exchanged words, or a later hypothesis, an exact one of the home does.
* Only own sentences ask for what was left out.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from backends.protocols import CommandGrammar
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.understanding import CommandMatch, CommandSamples

MAX_VOCABULARY: Final = 60  # as much as Whisper is given


class FurtherSentences(Protocol):
    """Sentences that are whole or nothing."""

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the tool call of the first hypothesis that matches."""

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        """Return the tool call of ``text``."""

    def begins(self, text: str, language: str) -> bool:
        """Return whether ``text`` is the beginning of a sentence."""

    def vocabulary(self, language: str) -> tuple[str, ...]:
        """Return the names worth expecting."""

    def samples(self) -> Sequence[CommandSamples]:
        """Return what can be said."""


class LayeredGrammar:
    """Asks ``own`` first, then ``home``."""

    def __init__(self, own: CommandGrammar, home: FurtherSentences) -> None:
        self._own = own
        self._home = home

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call of the surer match; of equally sure ones that of ``own``."""
        own = self._own.match(hypotheses, language)
        if own is not None and own.confidence == 1.0:
            return own
        home = self._home.match(hypotheses, language)
        if own is None or (home is not None and home.confidence > own.confidence):
            return home
        return own

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        """Return the call that ``text`` stands for, word for word."""
        return self._own.match_exactly(text, language) or self._home.match_exactly(text, language)

    def begins(self, text: str, language: str) -> bool:
        """Return whether ``text`` is the beginning of a sentence of either."""
        return self._own.begins(text, language) or self._home.begins(text, language)

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return ``asked`` with what answers its question."""
        return self._own.answer(asked, hypotheses, language)

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        """Return the words of an answer, then the home's names, then the other words.

        Names are what a recogniser knows least: "Küchenlicht" is in no language model's head.
        """
        own = self._own.vocabulary(language, asked)
        home = self._home.vocabulary(language)
        both = (*own, *home) if asked is not None else (*home, *own)
        return tuple(dict.fromkeys(both))[:MAX_VOCABULARY]

    def samples(self) -> Sequence[CommandSamples]:
        """Return what can be said, own sentences first."""
        return (*self._own.samples(), *self._home.samples())

    def automaton(self, language: str) -> SentenceAutomaton | None:
        """Return the own sentences without free words: names of a home are too much alike to be looked for in sound."""
        return self._own.automaton(language)

    def own_sentences(self) -> Sequence[OwnSentence]:
        """Return examples of the user's own commands."""
        return self._own.own_sentences()

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that a meaning stands for: always one of ``own``."""
        return self._own.meant(meaning, hypotheses, language)
