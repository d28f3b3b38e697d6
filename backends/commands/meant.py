"""The call that a meaning stands for: the bridge from classes and examples to the intents of the command files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import attrs

from backends.commands.carriers import carried
from backends.commands.families import FAMILIES, question_for
from backends.commands.files import CommandFile
from backends.commands.filling import FilledCommand, hinted
from backends.commands.slots import SLOT_TYPES
from backends.commands.spoken_numbers import normalise
from backends.commands.templates import example, parsed
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.understanding import CommandMatch, Guess

ENGLISH: Final = "en"
DID_YOU_MEAN: Final = "Did you mean: {sentence}?"
MAX_EXAMPLES: Final = 512  # of all own commands: 8 s of one core, in the background
MAX_OF_INTENT: Final = 16


class Fills(Protocol):
    """Fills the slots of an intent; ``backends.commands.grammar.HassilGrammar``."""

    def filled(self, intent: str, text: str, language: str, given: Mapping[str, Any]) -> FilledCommand | None:
        """Return the call of an intent with what the text says of its slots; ``None`` if something is missing."""


def match_of(grammar: Fills, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
    """Return the call with the question whether it is to be made; ``None`` if it cannot be made of these words."""
    text = hypotheses[0]
    if meaning.is_own:
        filled = grammar.filled(meaning.name, text, language, {})
        return None if filled is None else _guessed(filled, DID_YOU_MEAN.format(sentence=filled.sentence))
    family = FAMILIES.get(meaning.name)
    if family is None:
        return None
    free = carried(meaning.name, text)
    given = {**hinted(family.hints, text.lower()), **free.slots}
    filled = grammar.filled(family.intent, text, language, given)
    if filled is not None and filled.match.question is not None and family.without_number and not has_number(text):
        filled = grammar.filled(family.without_number, text, language, given) or filled
    return None if filled is None else _guessed(filled, question_for(family, {**filled.said, **free.said}))


def has_number(text: str) -> bool:
    """Return whether a sentence has a number in it, in figures or in words."""
    return any(word[0].isdigit() for word in normalise(text, ENGLISH).split())


def own_sentences(files: Sequence[CommandFile]) -> tuple[OwnSentence, ...]:
    """Return examples of the commands of a user's files: some of each template, with values of its lists."""
    found = [
        OwnSentence(intent, text)
        for file in files
        for intent, entry in file.document["intents"].items()
        for text in _examples(entry, file)
    ]
    return tuple(found[:MAX_EXAMPLES])


def _examples(entry: Mapping[str, Any], file: CommandFile) -> list[str]:
    """Return up to ``MAX_OF_INTENT`` sentences of an intent, as many of each template as of any other."""
    rules = {name: parsed(body) for name, body in file.document["expansion_rules"].items()}
    lists = {name: _spoken(name, values) for name, values in file.document["lists"].items()}
    texts = [text for block in entry["data"] for text in block["sentences"]]
    share = max(1, MAX_OF_INTENT // max(1, len(texts)))
    found: dict[str, None] = {}
    for text in texts:
        expression = parsed(text)
        for number in range(share):
            values = {name: spoken[number % len(spoken)] for name, spoken in lists.items() if spoken}
            found[example(expression, rules, values)] = None
    return list(found)[:MAX_OF_INTENT]


def _spoken(name: str, entry: Mapping[str, Any]) -> list[str]:
    """Return some values of a list as they are spoken; of a free one its example."""
    values = [example(parsed(str(value["in"])), {}, {}) for value in entry.get("values", ())[:MAX_OF_INTENT]]
    kind = SLOT_TYPES.get(name)
    return values or ([kind.example[ENGLISH]] if kind is not None and ENGLISH in kind.example else [])


def _guessed(filled: FilledCommand, question: str) -> CommandMatch:
    return attrs.evolve(filled.match, guess=Guess(question, is_sure=False))
