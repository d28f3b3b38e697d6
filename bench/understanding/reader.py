"""The meaning of sentences without a server: worker, examples and decision in this process."""

import os
from typing import Final

from backends.commands.grammar import HassilGrammar
from backends.jobs import ReadSentences
from backends.understanding.examples import ExampleIndex
from backends.understanding.worker import MeaningWorker
from config.load import load
from protocol.turns.meaning import MeantDecision, Thresholds, decide_meaning, meaning_of

LANGUAGE: Final = "en"
READ_ONLY: Final = frozenset({
    "calculate", "convert_units", "get_date", "get_time", "list_alarms", "list_notes", "list_reminders", "list_timers",
    "read_list", "system_info",
})  # fmt: skip
"""The built-in tools that only read."""


class SentenceReader:
    """Reads sentences one after the other, with the settings of an installation that configures nothing."""

    def __init__(self, grammar: HassilGrammar) -> None:
        """Load the model, and embed the examples of the user's own commands."""
        settings = load(None, os.environ, {}).settings
        self._grammar = grammar
        self._worker = MeaningWorker({"models_dir": str(settings.supervisor.models_dir)})
        chosen = settings.understanding
        self._thresholds = Thresholds(chosen.sure, chosen.likely, chosen.own)
        self._examples = ExampleIndex()
        own = grammar.own_sentences()
        _, embeddings = self._worker.handle(ReadSentences(tuple(sentence.text for sentence in own)), b"")
        self._examples.replace(own, embeddings)

    def decide(self, text: str) -> MeantDecision:
        """Return what a turn does with a sentence that is no command."""
        readings, embedding = self._worker.handle(ReadSentences((text,)), b"")
        near = self._examples.nearness(embedding)
        meaning = meaning_of(readings.sentences[0].classes, near, self._thresholds)
        match = None if meaning is None else self._grammar.meant(meaning, [text], LANGUAGE)
        return decide_meaning(meaning, match)
