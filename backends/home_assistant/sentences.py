"""Sentences about a home in many languages, from the package ``home-assistant-intents``, and what is left out of them.

Rules kept here:

* Only sentences whose slots are closed lists: names, areas, floors, numbers, colours. What takes free text would take
  in everything that is said.
* What sayso does itself (timers, lists, the time) is left out, and what Home Assistant has no MCP tool for.
* Sentences that mean the room of a microphone are left out, for the server knows of no room: "turn on the lights" must
  not mean all of them.
* Every text is normalised as spoken text is (``backends/commands/spoken_numbers.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import attrs
from hassil import Intents
from hassil.expression import Expression
from home_assistant_intents import get_intents, get_languages

from backends.commands.number_words import LANGUAGES
from backends.commands.spoken_numbers import normalise
from backends.commands.templates import normalised_template, parsed, slots_of

OWN: Final = ("Timer", "List", "HassGetCurrent", "HassNevermind", "HassRespond")
"""Parts of the names of intents that sayso has sentences of its own for."""
FREE_TEXT: Final = ("HassBroadcast", "HassMediaSearchAndPlay")
NO_TOOL: Final = ("HassGetState", "HassGetWeather", "HassClimateGetTemperature")
"""Home Assistant keeps these from its MCP server, which has ``GetLiveContext`` for language models instead."""
NAMES: Final = ("name", "area", "floor")
"""The lists that the home fills."""


class UnknownLanguage(ValueError):
    """There are no sentences in a language; the message says in which there are."""


@attrs.frozen
class SentenceBlock:
    """Sentences that fill the same slots, and what is answered when they were followed."""

    slots: frozenset[str]
    constants: Mapping[str, str]
    """Slots that the sentences imply, such as ``domain``."""
    domains: frozenset[str]
    """Of the devices that may be named; empty for any, or if none is named."""
    response: str
    """Name of the answer."""


@attrs.frozen(eq=False)
class HomeSentences:
    """All sentences of one language."""

    language: str
    document: Mapping[str, Any]
    """As hassil reads it."""
    blocks: Mapping[str, Sequence[SentenceBlock]]
    """By intent."""
    responses: Mapping[str, Any]
    """Templates of answers: ``intents`` and ``errors``."""

    @cached_property
    def intents(self) -> Intents:
        """The sentences, with empty lists of names."""
        return Intents.from_dict(dict(self.document))


def languages() -> Sequence[str]:
    """Return the codes of all languages that there are sentences in."""
    return tuple(get_languages())


def load_sentences(language: str) -> HomeSentences:
    """Return the sentences of a language; reads a file. Raises ``UnknownLanguage``."""
    source = get_intents(language)
    if source is None:
        raise UnknownLanguage(f"there are no sentences for Home Assistant in {language!r}, only in {languages()}")
    rules = {name: normalised_template(body, language) for name, body in source["expansion_rules"].items()}
    expressions = {name: parsed(body) for name, body in rules.items()}
    lists = dict(_lists(source["lists"], language))
    intents: dict[str, Any] = {}
    blocks: dict[str, list[SentenceBlock]] = {}
    for name, intent in source["intents"].items():
        if name in {*FREE_TEXT, *NO_TOOL} or any(part in name for part in OWN):
            continue
        taken = [(block, kept) for block in intent["data"] if (kept := _kept(block, expressions, lists, language))]
        if taken:
            intents[name] = {"data": [{**block, "sentences": [text for text, _ in kept]} for block, kept in taken]}
            blocks[name] = [_block(block, frozenset().union(*(slots for _, slots in kept))) for block, kept in taken]
    document = {
        "language": language,
        "intents": intents,
        "lists": {**lists, **{name: {"values": []} for name in NAMES}},
        "expansion_rules": rules,
        "skip_words": [spoken for word in source.get("skip_words", ()) if (spoken := normalise(word, language))],
        "settings": source.get("settings", {}),
    }
    return HomeSentences(language, document, blocks, source["responses"])


def _kept(
    block: Mapping[str, Any], rules: Mapping[str, Expression], lists: Mapping[str, Any], language: str
) -> list[tuple[str, frozenset[str]]]:
    """Return the sentences that are taken, and the slots that each may fill."""
    if "area" in block.get("requires_context", {}):
        return []
    own = {name: parsed(normalised_template(body, language)) for name, body in block.get("expansion_rules", {}).items()}
    known = {*NAMES, *lists, *block.get("lists", {})}
    found = []
    for sentence in block["sentences"]:
        text = normalised_template(sentence, language)
        slots = slots_of(parsed(text), {**rules, **own})
        if all(slot.is_inline_range or slot.list_name in known for slot in slots):
            found.append((text, frozenset(slot.slot_name for slot in slots)))
    return found


def _block(block: Mapping[str, Any], slots: frozenset[str]) -> SentenceBlock:
    domain = block.get("requires_context", {}).get("domain", ())
    constants = {name: str(value) for name, value in block.get("slots", {}).items()}
    domains = frozenset([domain] if isinstance(domain, str) else domain)
    return SentenceBlock(slots | frozenset(constants), constants, domains, block.get("response", "default"))


def _lists(lists: Mapping[str, Mapping[str, Any]], language: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the closed lists, normalised."""
    for name, entry in lists.items():
        if "range" in entry:  # where number words are digits by then, only digits are looked for
            yield name, {"range": {**entry["range"], "words": language not in LANGUAGES}}
        elif "values" in entry:
            values = [value if isinstance(value, Mapping) else {"in": value, "out": value} for value in entry["values"]]
            yield name, {"values": [{**value, "in": normalised_template(value["in"], language)} for value in values]}
