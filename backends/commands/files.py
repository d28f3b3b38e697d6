"""Command files: Home Assistant's sentence format, and which tool each intent calls; checked whole before use.

    language: en
    intents:
      OrderDrink:
        tool: coffee/order_drink            # or: server: coffee, tool: order_drink
        arguments: {drink: "{drink}", size: "{size} cup", source: voice}   # without: every slot under its own name
        asks: {drink: "What would you like?"}              # optional: slots that are asked for if they were not said
        vocabulary: ["order an espresso"]   # optional: phrases to expect, instead of the first sentence
        data:
          - sentences: ["order [a] [{size}] {drink}", "order (something|a drink)"]
    lists:
      drink: {values: [espresso, {in: "(white coffee|latte)", out: latte}]}
      note: {wildcard: true, type: text}    # type: one of command_slots.SLOT_TYPES

Every problem of every file is reported at once, with its line.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
from hassil.expression import Expression, RuleReference

from backends.commands.slots import SLOT_TYPES
from backends.commands.spoken_numbers import normalise
from backends.commands.templates import check_rules, example, literal_words, normalised_template, parsed, slots_of, walk
from backends.commands.yaml_text import (
    Document,
    Problems,
    Way,
    as_mapping,
    as_texts,
    check_keys,
    not_a_text,
    quote_it,
    read_document,
    shown,
)

_TOP_KEYS = ("language", "intents", "lists", "expansion_rules", "skip_words", "settings")
_INTENT_KEYS = ("tool", "server", "arguments", "asks", "vocabulary", "data")
_DATA_KEYS = ("sentences", "slots", "metadata", "required_keywords", "response", "settings")
_LIST_KEYS = ("values", "range", "wildcard", "type")
PLACEHOLDER = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
FREE_TEXT = "…"  # in a sample, for words of any kind
MAX_SAMPLES = 3
MAX_PROBLEMS = 50  # that are told of; a file may have a mistake in every line
_SPOKEN_BOOLS = ("on", "off", "yes", "no")  # as YAML 1.1 writes true and false, and people write texts
_TOOL = re.compile(r"[^/\s]+/[^/\s]+")


class CommandFileError(ValueError):
    """Command files are wrong; ``problems`` has one line for each, with file and line number."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("command files must be valid:\n" + "\n".join(problems))
        self.problems = tuple(problems)


@attrs.frozen
class AskedSlot:
    """A slot that is asked for where a sentence leaves it out."""

    slot: str
    question: str
    lists: tuple[str, ...]
    """The lists that fill it in the command's sentences: what an answer is understood by."""


@attrs.frozen
class Command:
    """What an intent stands for."""

    intent: str
    server: str
    tool: str
    arguments: Mapping[str, Any] | None
    """Name to constant, "{slot}", or a text with slots in it; None for every slot under its own name."""
    phrases: tuple[str, ...]
    asks: tuple[AskedSlot, ...] = ()
    """In the order of the questions."""
    samples: tuple[str, ...] = ()
    """Up to ``MAX_SAMPLES`` sentences as people are told them, with values of the lists."""


@attrs.frozen
class CommandFile:
    """One checked file."""

    language: str
    document: Mapping[str, Any]
    """For hassil: all texts normalised as spoken text is."""
    commands: Mapping[str, Command]
    slot_types: Mapping[str, str]
    """Free slot lists to their types."""
    words: frozenset[str]
    """The words of all sentences and values, normalised."""
    values: tuple[str, ...]
    """The values of the closed lists, as an example of each is spoken."""


def load_files(paths: Sequence[Path], *, extra_lists: Mapping[str, Sequence[str]]) -> tuple[CommandFile, ...]:
    """Return the files' commands; raises ``CommandFileError`` with the problems of all of them.

    ``extra_lists`` are closed lists that every file may use: name to spoken values.
    """
    problems = Problems()
    documents = [document for path in paths if (document := read_document(path, problems)) is not None]
    _check_names_are_once(documents, problems)
    files = [_DocumentReader(document, problems, extra_lists).read() for document in documents]
    if problems.found:
        more = len(problems.found) - MAX_PROBLEMS
        told = problems.found[:MAX_PROBLEMS] + ([f"and {more} more problems"] if more > 0 else [])
        raise CommandFileError(told)
    return tuple(file for file in files if file is not None)


def _check_names_are_once(documents: Sequence[Document], problems: Problems) -> None:
    """Note an intent, list or rule that two files of one language define."""
    seen: dict[tuple[str, str, str], str] = {}
    for document in documents:
        data = document.data if isinstance(document.data, dict) else {}
        for part in ("intents", "lists", "expansion_rules"):
            for name in data.get(part) or {} if isinstance(data.get(part), dict) else {}:
                key = (str(data.get("language")), part, str(name))
                place = f"{document.file}:{document.line((part, str(name)))}"
                if key in seen:
                    problems.add(document, (part, str(name)), f"{shown(name)} is already defined in {seen[key]}")
                seen.setdefault(key, place)


@attrs.define
class _DocumentReader:
    """Reads one document, noting problems on the way."""

    document: Document
    problems: Problems
    extra_lists: Mapping[str, Sequence[str]]
    language: str = ""
    rules: dict[str, Expression] = attrs.field(factory=dict)
    slot_types: dict[str, str] = attrs.field(factory=lambda: {name: name for name in SLOT_TYPES})
    examples: dict[str, str] = attrs.field(factory=dict)
    """Every list that there is, with something that may be said in its place."""
    choices: dict[str, Sequence[str]] = attrs.field(factory=dict)
    """Every closed list, with its values as they are spoken."""
    words: frozenset[str] = frozenset()
    values: list[str] = attrs.field(factory=list)

    def read(self) -> CommandFile | None:
        data = as_mapping(self.document, (), self.document.data, self.problems)
        check_keys(self.document, (), data, _TOP_KEYS, self.problems)
        language = data.get("language")
        if not isinstance(language, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]+)?", language):
            self.problems.add(
                self.document, ("language",), f"language must be a code such as en, not {shown(language)}"
            )
            return None
        self.language = language.partition("-")[0]
        rules = self._rules(data)
        lists = self._lists(data)
        intents, commands = self._intents(data)
        skip_words = as_texts(self.document, ("skip_words",), data.get("skip_words", []), self.problems)
        document = {
            "language": self.language,
            "intents": intents,
            "lists": lists,
            "expansion_rules": rules,
            "skip_words": [self._spoken(word) for word in skip_words],
        }
        return CommandFile(self.language, document, commands, self.slot_types, self.words, tuple(self.values))

    def _spoken(self, text: str) -> str:
        return normalise(text, self.language)

    def _rules(self, data: Mapping[str, Any]) -> dict[str, str]:
        way: Way = ("expansion_rules",)
        rules = as_mapping(self.document, way, data.get("expansion_rules"), self.problems)
        bodies: dict[str, str] = {}
        for name, body in rules.items():
            expression = self._parsed((*way, name), body)
            if expression is not None:
                self.rules[name] = expression
                bodies[name] = normalised_template(body, self.language)
        for name, message in check_rules(self.rules).items():
            self.problems.add(self.document, (*way, name), message)
            del self.rules[name]
        return bodies

    def _lists(self, data: Mapping[str, Any]) -> dict[str, Any]:
        way: Way = ("lists",)
        lists = as_mapping(self.document, way, data.get("lists"), self.problems)
        own = {name: self._list((*way, name), name, value) for name, value in lists.items()}
        free = {name: {"wildcard": True} for name in SLOT_TYPES if name not in own}
        count = len(self.values)
        extra = {name: {"values": self._values((), values)} for name, values in self.extra_lists.items()}
        del self.values[count:]  # the caller knows the values of the extra lists
        for name, values in self.extra_lists.items():
            self.examples[name] = next(iter(values), "")
            self.choices[name] = values
        for name, kind in self.slot_types.items():
            self.examples.setdefault(name, SLOT_TYPES[kind].example.get(self.language, ""))
        return free | extra | own

    def _list(self, way: Way, name: str, value: Any) -> Mapping[str, Any]:
        entry = as_mapping(self.document, way, value, self.problems)
        check_keys(self.document, way, entry, _LIST_KEYS, self.problems)
        kinds = [kind for kind in ("values", "range", "wildcard") if entry.get(kind)]
        if len(kinds) != 1:
            self.problems.add(self.document, way, "a list must have either values, or a range, or wildcard: true")
            return {"wildcard": True}
        if kinds == ["wildcard"]:
            self.slot_types[name] = self._slot_type(way, entry)
            return {"wildcard": True}
        self.slot_types.pop(name, None)
        if kinds == ["range"]:
            self.examples[name] = str(as_mapping(self.document, way, entry["range"], self.problems).get("from", ""))
            return {"range": self._range((*way, "range"), entry["range"])}
        before = len(self.values)
        values = self._values((*way, "values"), entry["values"])
        self.examples[name] = next(iter(self.values[before:]), "")
        self.choices[name] = self.values[before:]
        return {"values": values}

    def _slot_type(self, way: Way, entry: Mapping[str, Any]) -> str:
        kind = entry.get("type", "text")
        if kind not in SLOT_TYPES:
            known = ", ".join(SLOT_TYPES)
            self.problems.add(self.document, (*way, "type"), f"type must be one of {known}, not {shown(kind)}")
            return "text"
        return str(kind)

    def _range(self, way: Way, value: Any) -> Mapping[str, Any]:
        entry = as_mapping(self.document, way, value, self.problems)
        start, stop = entry.get("from"), entry.get("to")
        if type(start) is not int or type(stop) is not int or start > stop:
            self.problems.add(
                self.document, way, f"a range must have whole numbers from <= to, not {shown(start)}, {shown(stop)}"
            )
            return {"from": 0, "to": 0}
        return {**entry, "words": False}  # spoken numbers are digits by then

    def _values(self, way: Way, value: Any) -> list[Mapping[str, Any]]:
        if not isinstance(value, list):
            self.problems.add(self.document, way, f"values must be a list, not {shown(value)}")
            return []
        return [entry for index, item in enumerate(value) if (entry := self._value((*way, index), item)) is not None]

    def _value(self, way: Way, item: Any) -> Mapping[str, Any] | None:
        spoken, meaning = (item.get("in"), item.get("out")) if isinstance(item, dict) else (item, item)
        if not isinstance(item, dict) and way in self.document.plain:
            self.problems.add(self.document, way, not_a_text(self.document, way, item))
            return None
        for key in ("in", "out"):
            written = self.document.plain.get((*way, key), "")
            if written.lower() in _SPOKEN_BOOLS or (written and key == "in"):
                self.problems.add(self.document, (*way, key), quote_it(written))
                return None
        if not isinstance(spoken, str) or not isinstance(meaning, str | int | float):
            self.problems.add(self.document, way, f"a value must be a text, or have in and out, not {shown(item)}")
            return None
        expression = self._parsed(way, spoken)
        if expression is None:
            return None
        self.words |= literal_words(expression, self.rules, self.language)
        self.values.append(example(expression, self.rules, {}))
        return {
            **(item if isinstance(item, dict) else {}),
            "in": normalised_template(spoken, self.language),
            "out": meaning,
        }

    def _intents(self, data: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Command]]:
        way: Way = ("intents",)
        intents = as_mapping(self.document, way, data.get("intents"), self.problems)
        if not intents:
            self.problems.add(self.document, way, "a command file must have at least one intent")
        documents: dict[str, Any] = {}
        commands: dict[str, Command] = {}
        for name, value in intents.items():
            entry = as_mapping(self.document, (*way, name), value, self.problems)
            check_keys(self.document, (*way, name), entry, _INTENT_KEYS, self.problems)
            blocks, slots, sentences = self._blocks((*way, name, "data"), entry.get("data"))
            documents[name] = {"data": blocks}
            commands[name] = self._command((*way, name), name, entry, slots, sentences)
        return documents, commands

    def _command(
        self,
        way: Way,
        name: str,
        entry: Mapping[str, Any],
        slots: Mapping[str, tuple[str, ...]],
        sentences: Sequence[Expression],
    ) -> Command:
        tool, server = entry.get("tool"), entry.get("server")
        target = f"{server}/{tool}" if server is not None else tool
        if not isinstance(target, str) or not _TOOL.fullmatch(target):
            self.problems.add(
                self.document, (*way, "tool"), f"{name} must have a tool as server/tool, not {shown(target)}"
            )
            target = "none/none"
        arguments = None
        if "arguments" in entry:
            arguments = as_mapping(self.document, (*way, "arguments"), entry["arguments"], self.problems)
            self._check_arguments((*way, "arguments"), arguments, slots)
        first = [example(sentence, self.rules, self.examples) for sentence in sentences[:1]]
        phrases = as_texts(self.document, (*way, "vocabulary"), entry.get("vocabulary", first), self.problems)
        server_name, _, tool_name = target.partition("/")
        spoken = tuple(phrase for phrase in phrases if phrase)
        asks = tuple(self._asks((*way, "asks"), entry.get("asks"), slots))
        return Command(name, server_name, tool_name, arguments, spoken, asks, self._samples(sentences))

    def _samples(self, sentences: Sequence[Expression]) -> tuple[str, ...]:
        """Return the first sentences, each with other values; those with free text only if there are no others."""
        found: dict[str, None] = {}
        for sentence in sentences:
            values = {name: texts[len(found) % len(texts)] for name, texts in self.choices.items() if texts}
            found.setdefault(example(sentence, self.rules, self.examples | values, FREE_TEXT))
        whole = [text for text in found if FREE_TEXT not in text]
        return tuple((whole or list(found))[:MAX_SAMPLES])

    def _asks(self, way: Way, value: Any, slots: Mapping[str, tuple[str, ...]]) -> Iterator[AskedSlot]:
        """Yield the slots that are asked for, noting those that cannot be."""
        for slot, question in as_mapping(self.document, way, value, self.problems).items():
            known = ", ".join(sorted(name for name, lists in slots.items() if lists)) or "none"
            if not slots.get(slot):
                self.problems.add(
                    self.document,
                    (*way, slot),
                    f"no sentence fills the slot {shown(slot)} from a list; there are: {known}",
                )
            elif not isinstance(question, str) or not question.strip():
                self.problems.add(
                    self.document, (*way, slot), f"a question must be a text such as 'How long?', not {shown(question)}"
                )
            else:
                yield AskedSlot(slot, question.strip(), slots[slot])

    def _check_arguments(self, way: Way, arguments: Mapping[str, Any], slots: Collection[str]) -> None:
        for name, value in arguments.items():
            for slot in _slots_in(value):
                if slot not in slots:
                    known = ", ".join(sorted(slots)) or "none"
                    self.problems.add(
                        self.document, (*way, name), f"no sentence has the slot {{{slot}}}; there are: {known}"
                    )

    def _blocks(
        self, way: Way, value: Any
    ) -> tuple[list[Mapping[str, Any]], Mapping[str, tuple[str, ...]], Sequence[Expression]]:
        """Return the blocks for hassil, the slots that they fill and from which lists, and the sentences."""
        if not isinstance(value, list) or not value:
            self.problems.add(self.document, way, "data must be a list of blocks with sentences")
            return [], {}, ()
        blocks: list[Mapping[str, Any]] = []
        slots: dict[str, tuple[str, ...]] = {}
        sentences: list[Expression] = []
        for index, item in enumerate(value):
            block = as_mapping(self.document, (*way, index), item, self.problems)
            check_keys(self.document, (*way, index), block, _DATA_KEYS, self.problems)
            here: Way = (*way, index, "sentences")
            texts = as_texts(self.document, here, block.get("sentences"), self.problems)
            for at, text in enumerate(texts):
                expression = self._sentence((*here, at), text)
                if expression is not None:
                    for slot in slots_of(expression, self.rules):
                        lists = () if slot.is_inline_range else (slot.list_name,)
                        slots[slot.slot_name] = tuple(dict.fromkeys((*slots.get(slot.slot_name, ()), *lists)))
                    sentences.append(expression)
            constants = as_mapping(self.document, (*way, index, "slots"), block.get("slots"), self.problems)
            slots = {**dict.fromkeys(constants, ()), **slots}
            blocks.append({**block, "sentences": [normalised_template(text, self.language) for text in texts]})
        return blocks, slots, sentences

    # --- templates -------------------------------------------------------------------------------

    def _sentence(self, way: Way, text: str) -> Expression | None:
        """Return a checked sentence, None if it cannot be read."""
        expression = self._parsed(way, text)
        if expression is None:
            return None
        for part in walk(expression, self.rules):
            if isinstance(part, RuleReference) and part.rule_name not in self.rules:
                self.problems.add(self.document, way, f"there is no expansion rule <{part.rule_name}>")
        for slot in slots_of(expression, self.rules):
            if slot.list_name not in self.examples and not slot.is_inline_range:
                known = ", ".join(sorted(self.examples))
                self.problems.add(self.document, way, f"there is no list {{{slot.list_name}}}; there are: {known}")
        if not literal_words(expression, self.rules, self.language):
            self.problems.add(
                self.document, way, f"a sentence must have a word besides its slots, not only {shown(text)}"
            )
        self.words |= literal_words(expression, self.rules, self.language)
        return expression

    def _parsed(self, way: Way, text: Any) -> Expression | None:
        if not isinstance(text, str) or not text.strip():
            message = f"a sentence must be a text, not {shown(text)}" if isinstance(text, str) else ""
            self.problems.add(self.document, way, message or not_a_text(self.document, way, text))
            return None
        try:
            return parsed(text)
        except ValueError as error:
            self.problems.add(self.document, way, str(error))
            return None


def _slots_in(value: Any) -> Iterator[str]:
    """Yield the slots that an argument names, however deep in tables and lists."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _slots_in(each)
    elif isinstance(value, str):
        yield from (slot for slot, _ in PLACEHOLDER.findall(value))
