"""What may be said in answer to a question of a command: the asked slot alone, or behind a word such as "for"."""

from collections.abc import Mapping
from typing import Any

import attrs
from hassil import Intents

from backends.commands.files import AskedSlot, CommandFile
from backends.commands.slots import SLOT_TYPES
from backends.commands.spoken_numbers import normalise, number_words
from protocol.messages.understanding import SlotQuestion

MAX_ANSWER_VOCABULARY = 45  # the rest of what Whisper is given stays the commands'
MIN_WORD_LETTERS = 4
MAX_KIND_WORDS = 40  # a slot that is spoken with more words than these is not helped by a few of them

_LEADS: Mapping[str, str] = {
    "en": "[(for|to|of|in|into|by|about|just|make it|make that|its|it is|set it for|set it to|lets say)]",
    "de": "[(für|auf|über|von|in|um|mit|nur|etwa|ungefähr|es sind|mach|mach es)]",
}
_ITEM_LEADS: Mapping[str, str] = {"en": "[(add|put|just|some)]", "de": "[(nur|noch|etwas)]"}
_FREE_KINDS: Mapping[str, Mapping[str, str]] = {"item": _ITEM_LEADS}
"""Free text is taken as it is; on a list, "add milk" is milk."""


@attrs.frozen
class AnswerSentences:
    """How one slot of one command is asked for and answered."""

    question: SlotQuestion
    intents: Intents
    """Their one intent fills the slot."""
    vocabulary: tuple[str, ...]
    """Words and phrases of answers, at most ``MAX_ANSWER_VOCABULARY``."""


def answers_in(
    code: str, files: tuple[CommandFile, ...], slot_types: Mapping[str, str]
) -> Mapping[tuple[str, str], AnswerSentences]:
    """Return what can be asked in the files' language, by intent and slot."""
    lists = {name: entry for file in files for name, entry in file.document["lists"].items()}
    rules = {name: body for file in files for name, body in file.document["expansion_rules"].items()}
    return {
        (command.intent, asked.slot): _sentences(code, asked, lists, rules, slot_types)
        for file in files
        for command in file.commands.values()
        for asked in command.asks
    }


def _sentences(
    code: str, asked: AskedSlot, lists: Mapping[str, Any], rules: Mapping[str, str], slot_types: Mapping[str, str]
) -> AnswerSentences:
    kinds = {name: slot_types.get(name, name) for name in asked.lists if name in slot_types or name in SLOT_TYPES}
    is_free_text = any(SLOT_TYPES[kind].is_free_text for kind in kinds.values())
    templates = [f"{_lead(kinds.get(name), code)} {{{name}:{asked.slot}}}" for name in asked.lists]
    document = {
        "language": code,
        "intents": {"Answer": {"data": [{"sentences": [template.strip() for template in templates]}]}},
        "lists": {name: lists[name] for name in asked.lists},
        "expansion_rules": rules,
    }
    question = SlotQuestion(asked.slot, asked.question, is_free_text=is_free_text)
    return AnswerSentences(question, Intents.from_dict(document), _vocabulary(code, asked, lists, kinds))


def _lead(kind: str | None, code: str) -> str:
    leads = _FREE_KINDS.get(kind or "", {}) if kind and SLOT_TYPES[kind].is_free_text else _LEADS
    return leads.get(code, "")


def _vocabulary(code: str, asked: AskedSlot, lists: Mapping[str, Any], kinds: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of closed lists, then examples, then the words that free slots are spoken with, and numbers."""
    values = [str(value["in"]) for name in asked.lists for value in lists[name].get("values", ())]
    plain = [value for value in values if normalise(value, code) == value]
    examples = [word for kind in kinds.values() for word in SLOT_TYPES[kind].example.get(code, "").split()]
    words = sorted({word for kind in kinds.values() for word in SLOT_TYPES[kind].words(code)})
    numbers = sorted(number_words(code)) if words else []
    few = [*words, *numbers] if len(words) <= MAX_KIND_WORDS else []
    spoken = [word for word in few if len(word) >= MIN_WORD_LETTERS]
    return tuple(dict.fromkeys((*plain, *examples, *spoken)))[:MAX_ANSWER_VOCABULARY]
