"""Exact commands: sentences of a grammar and the tool calls that they stand for, matched by hassil.

Rules kept here:

* A whole sentence matches or nothing does; what a free slot holds has to make sense (``backends/commands/slots.py``).
* Hypotheses are tried in their order, exactly; only if none fits, with words exchanged for the grammar's words that
  sound alike. The exchange is bounded, needs a long enough sentence, and lowers the confidence.
* A word is never exchanged for a name, and what no hypothesis can make sense of may be taken in as an unknown name.
* A user's sentences come before the built-in ones.
* ``match`` runs on the event loop: its tries are limited, and it never waits.
* The built-in sentences are compiled once a process: a change of a user's file costs that user's language only.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import attrs
from hassil import Intents, RecognizeResult, merge_dict, recognize_all
from hassil.expression import Group
from hassil.models import MatchEntity

from backends.commands.answers import AnswerSentences, answers_in
from backends.commands.arguments import arguments_of
from backends.commands.automaton import automaton_of
from backends.commands.continuation import Prefixes, is_begun, may_continue
from backends.commands.files import MAX_SAMPLES, Command, CommandFile, CommandFileError, load_files
from backends.commands.filling import FilledCommand, SlotSearch, search_for
from backends.commands.hypotheses import (
    Hypothesis,
    WordExchange,
    exchanged,
    exchanges,
    heard_as,
    variants,
    without_fillers,
)
from backends.commands.meant import ENGLISH, match_of, own_sentences
from backends.commands.shipped import KEPT, shipped_files
from backends.commands.slot_text import SlotText, plain
from backends.commands.slots import SLOT_TYPES
from backends.commands.spelling import Speller
from backends.commands.spoken_numbers import Token, number_words
from backends.commands.steps import TooManyStepsError, count_in, counted_steps, take_steps
from protocol.language.languages import primary
from protocol.messages.meaning import Meaning, OwnSentence
from protocol.messages.searching import SentenceAutomaton
from protocol.messages.understanding import CommandMatch, CommandSamples, SlotQuestion

MAX_HYPOTHESES = 5
MAX_WORDS = 40  # a longer utterance is dictation
MAX_LETTERS = 1_000  # likewise, before it is taken apart
MAX_STEPS = 5_000  # of one utterance as it was heard, with all its hypotheses (``steps.py``)
PARSE_STEPS = 100  # what a parse costs however little it finds, and each of its words: 0.3 ms for ten
STEPS_OF_A_WORD = 4
CONVERSION_STEPS = 60  # what a slot's converter costs: 0.2 ms
MAX_EXCHANGE_STEPS = 6_500  # of one utterance with exchanged words, besides
MAX_LAST_STEPS = 1_500  # of one utterance with slots that take in anything, besides
MAX_EXCHANGED_WORDS = 20  # a longer sentence is taken as it was heard
MAX_RESULTS = 50  # parses of one sentence that are looked at
MAX_TRIES = 24  # sentences with exchanged words, per utterance
LETTERS_PER_EDIT = 16  # one whole edit needs a sentence of so many letters
RANK_FACTOR = 0.97  # of confidence, for each hypothesis before the one that fits
MIN_CONFIDENCE = 0.6
MAX_VOCABULARY = 60
MIN_WORD_LETTERS = 4  # shorter ones are in every language model's head
MIN_BUILTIN_VOCABULARY = 15  # of the 60, however many values a user's lists have

log = logging.getLogger("sayso.commands")


@attrs.frozen
class _Found:
    """A sentence that was understood."""

    command: Command
    slots: Mapping[str, Any]
    question: SlotQuestion | None
    """What the sentence leaves out and has to be asked for."""
    has_free_text: bool


@attrs.frozen
class _Grammar:
    """The sentences of one origin in one language."""

    intents: Intents
    commands: Mapping[str, Command]
    slot_types: Mapping[str, str]
    language: str
    prefixes: Prefixes
    answers: Mapping[tuple[str, str], AnswerSentences]
    """By intent and slot."""
    searches: dict[str, SlotSearch] = attrs.field(factory=dict)
    """By intent, made at first use."""

    def parse(self, heard: Hypothesis, *, is_last_resort: bool = False) -> _Found | None:
        """Return the best reading of which every slot makes sense."""
        take_steps(PARSE_STEPS + STEPS_OF_A_WORD * len(heard.tokens))
        results = islice(recognize_all(heard.text, self.intents), MAX_RESULTS)
        for result in sorted(results, key=_preference):
            slots = self._slots(result, heard, is_last_resort=is_last_resort)
            if slots is not None:
                return self._found(self.commands[result.intent.name], slots, has_free_text=self._has_free_text(result))
        return None

    def answer(self, asked: CommandMatch, heard: Hypothesis) -> _Found | None:
        """Return the asked command with what answers its question."""
        sentences = self.sentences_of(asked)
        if sentences is None:
            return None
        take_steps(PARSE_STEPS + STEPS_OF_A_WORD * len(heard.tokens))
        results = islice(recognize_all(heard.text, sentences.intents), MAX_RESULTS)
        for result in sorted(results, key=_preference):
            slots = self._slots(result, heard, is_last_resort=True, is_answer=True)
            if slots is not None:
                return self._found(self.commands[asked.intent], {**asked.slots, **slots}, has_free_text=True)
        return None

    def sentences_of(self, asked: CommandMatch) -> AnswerSentences | None:
        """Return how the question of ``asked`` is answered, None if this grammar does not ask it."""
        return None if asked.question is None else self.answers.get((asked.intent, asked.question.slot))

    def search(self, intent: str) -> SlotSearch:
        """Return how the slots of an intent are looked for in other words than its own."""
        if intent not in self.searches:
            asked = tuple(each.slot for each in self.commands[intent].asks)
            self.searches[intent] = search_for(self.intents, intent, asked, self.slot_types, self.language)
        return self.searches[intent]

    def _found(self, command: Command, slots: Mapping[str, Any], *, has_free_text: bool) -> _Found:
        lacking = next((asked.slot for asked in command.asks if asked.slot not in slots), None)
        question = None if lacking is None else self.answers[command.intent, lacking].question
        return _Found(command, slots, question, has_free_text)

    def _has_free_text(self, result: RecognizeResult) -> bool:
        kinds = self._kinds(result)
        free = [entity for entity in result.entities_list if entity.is_wildcard]
        return any(SLOT_TYPES[kinds[entity.name]].is_free_text for entity in free)

    def _slots(
        self, result: RecognizeResult, heard: Hypothesis, *, is_last_resort: bool, is_answer: bool = False
    ) -> Mapping[str, Any] | None:
        """Return what the slots stand for, None if one of them stands for nothing."""
        slots: dict[str, Any] = {}
        kinds = self._kinds(result)
        for entity in result.entities_list:
            if not entity.is_wildcard:
                slots[entity.name] = plain(entity.value) if isinstance(entity.value, float) else entity.value
                continue
            kind = SLOT_TYPES[kinds[entity.name]]
            if kind.is_last_resort and not is_last_resort:
                return None
            take_steps(CONVERSION_STEPS)
            convert = kind.answer if is_answer and kind.answer is not None else kind.convert
            value = convert(_slot_text(entity, heard, self.language))
            if value is None:
                return None
            slots[entity.name] = value
        return slots

    def _kinds(self, result: RecognizeResult) -> Mapping[str, str]:
        """Return the types of the sentence's free slots by the names that they are filled under."""
        sentence = result.intent_sentence
        if sentence is None or not isinstance(sentence.expression, Group):
            return self.slot_types
        slots = sentence.expression.list_references(self.intents.expansion_rules)
        return {slot.slot_name: self.slot_types.get(slot.list_name, "text") for slot in slots}


@attrs.frozen
class _Language:
    """All that is known of one language."""

    grammars: tuple[_Grammar, ...]
    """In order of precedence."""
    speller: Speller
    vocabulary: tuple[str, ...]
    fillers: tuple[tuple[str, ...], ...]
    """What may stand before and behind a command and says nothing."""


class HassilGrammar:
    """Home Assistant's sentence templates as a ``CommandGrammar``.

    ``folders`` hold users' YAML files (format: ``backends/commands/files.py``), ``programs`` are the spoken names that
    may be started; without any, the sentences that start programs are left out.
    """

    def __init__(self, folders: Sequence[Path] = (), *, programs: Sequence[str] = ()) -> None:
        """Load all files; raises ``CommandFileError`` with every problem of all of them."""
        names = tuple(programs)
        own = sorted(path for folder in folders for path in folder.glob("*.y*ml"))
        users = load_files(own, extra_lists={"program": list(programs)})
        shipped = shipped_files(names)
        codes = {file.language for file in (*users, *shipped)}
        self._languages = {
            code: _language(code, [file for file in users if file.language == code], names) for code in codes
        }
        for code in codes:  # hassil compiles sentences on first use; that must not happen during a turn
            self.match(["what time is it"], code)
        self._automata = {
            code: automaton_of(code, [(each.intents, each.slot_types) for each in known.grammars])
            for code, known in self._languages.items()
        }
        self._own_sentences = own_sentences([file for file in users if file.language == ENGLISH])
        every = [(file.language, command) for file in (*users, *shipped) for command in file.commands.values()]
        self._samples = tuple(self._samples_of(code, command) for code, command in every)

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that the first matching hypothesis stands for; confidence 1.0 is the first one, exactly."""
        known = self._languages.get(primary(language))
        if known is None:
            return None
        code = primary(language)
        short = (_short(text, code, known) for text in hypotheses[:MAX_HYPOTHESES])
        heard = list(dict.fromkeys(each for each in short if each is not None))
        for search, max_steps in (
            (_as_heard, MAX_STEPS),
            (_sounding_alike, MAX_EXCHANGE_STEPS),
            (_last_resort, MAX_LAST_STEPS),
        ):
            with suppress(TooManyStepsError), counted_steps(max_steps):
                found = search(known, heard, code)
                if found is not None:
                    return found
        return None

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        """Return the call that ``text`` stands for, word for word; at most three parses."""
        known = self._languages.get(primary(language))
        heard = None if known is None else _short(text, primary(language), known)
        if known is None or heard is None:
            return None
        try:
            with counted_steps(MAX_STEPS):
                for variant in variants(heard, known.fillers, primary(language)):
                    found = _parse(known, variant)
                    if found is not None:
                        return _match(found, 1.0, variant, known)
        except TooManyStepsError:
            return None
        return None

    def answer(self, asked: CommandMatch, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return ``asked`` with what answers its question, by the first hypothesis that does; ``None`` if none does."""
        known = self._languages.get(primary(language))
        if known is None:
            return None
        for rank, text in enumerate(hypotheses[:MAX_HYPOTHESES]):
            heard = _short(text, primary(language), known)
            if heard is not None:
                answers = (grammar.answer(asked, heard) for grammar in known.grammars)
                found = next((found for found in answers if found is not None), None)
                if found is not None:
                    return _match(found, min(asked.confidence, RANK_FACTOR**rank), heard, known)
        return None

    def begins(self, text: str, language: str) -> bool:
        """Return whether ``text`` is the beginning of a sentence; takes up to 20 ms."""
        known = self._languages.get(primary(language))
        prefixes = () if known is None else tuple(grammar.prefixes for grammar in known.grammars)
        return known is not None and is_begun(prefixes, heard_as(text, primary(language), known.fillers).text)

    def automaton(self, language: str) -> SentenceAutomaton | None:
        """Return the sentences without free words, to be looked for in sound; ``None`` for a language without any."""
        return self._automata.get(primary(language))

    def own_sentences(self) -> Sequence[OwnSentence]:
        """Return examples of the user's own English commands; the same object until the files change."""
        return self._own_sentences

    def meant(self, meaning: Meaning, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that a meaning stands for, with what the first hypothesis says of its slots."""
        return match_of(self, meaning, hypotheses, language)

    def filled(self, intent: str, text: str, language: str, given: Mapping[str, Any]) -> FilledCommand | None:
        """Return the call of an intent with what the text says, else ``given``; ``None`` if a slot is missing."""
        known = self._languages.get(primary(language))
        grammars = () if known is None else known.grammars
        grammar = next((grammar for grammar in grammars if intent in grammar.commands), None)
        if known is None or grammar is None:
            return None
        heard, search = _short(text, primary(language), known), grammar.search(intent)
        filling = None if heard is None else search.fill(heard.source, heard.tokens, given)
        if heard is None or filling is None:
            return None
        lacking = None if filling.lacking is None else grammar.answers[intent, filling.lacking].question
        match = _match(_Found(grammar.commands[intent], filling.slots, lacking, has_free_text=False), 1.0, heard, known)
        return FilledCommand(match, filling.said, search.sentence(filling.said))

    def vocabulary(self, language: str, asked: CommandMatch | None = None) -> tuple[str, ...]:
        """Return at most ``MAX_VOCABULARY`` phrases: the user's own sentences and values, then the built-in ones.

        While a question is open the words of its answers stand before them.
        """
        known = self._languages.get(primary(language))
        if known is None:
            return ()
        sentences = [] if asked is None else [grammar.sentences_of(asked) for grammar in known.grammars]
        words = [word for each in sentences if each is not None for word in each.vocabulary]
        return tuple(dict.fromkeys((*words, *known.vocabulary)))[:MAX_VOCABULARY]

    def _samples_of(self, language: str, command: Command) -> CommandSamples:
        """Return a command's samples; the first phrase of its vocabulary, chosen by a person, if that is a sentence."""
        samples = command.samples
        for phrase in command.phrases[:1]:
            match = self.match([phrase], language)
            if match is not None and match.intent == command.intent and match.confidence == 1.0:
                samples = (phrase, *(each for each in samples if each.lower() != phrase.lower()))[:MAX_SAMPLES]
        return CommandSamples(language, command.intent, command.server, command.tool, samples)

    def samples(self) -> tuple[CommandSamples, ...]:
        """Return what can be said in every language, the user's own sentences first."""
        return self._samples


def _as_heard(known: _Language, hypotheses: Sequence[Hypothesis], language: str) -> CommandMatch | None:
    """Return the match of the first hypothesis that is a sentence without any change."""
    for rank, heard in enumerate(hypotheses):
        for variant in variants(heard, known.fillers, language):
            found = _parse(known, variant)
            if found is not None:
                return _match(found, RANK_FACTOR**rank, variant, known)
    return None


def _sounding_alike(known: _Language, hypotheses: Sequence[Hypothesis], language: str) -> CommandMatch | None:
    """Return the match of the sentence that needs the cheapest exchange of words, and leaves the fewest unknown."""
    tries: list[tuple[int, float, int, Sequence[WordExchange]]] = []
    for rank, heard in enumerate(hypotheses):
        if len(heard.tokens) > MAX_EXCHANGED_WORDS:
            continue
        letters = sum(len(token.text) for token in heard.tokens)
        strange = {at for at, token in enumerate(heard.tokens) if not known.speller.knows(token.text)}
        for changes in exchanges(known.speller, heard, strange):
            cost = sum(change.correction.cost for change in changes)
            confidence = RANK_FACTOR**rank * (1 - 2 * cost / letters)
            if cost <= letters / LETTERS_PER_EDIT and confidence >= MIN_CONFIDENCE:
                changed = {at for change in changes for at in range(change.at, change.at + change.size)}
                tries.append((len(strange - changed), -confidence, rank, changes))
    for _, confidence, rank, changes in sorted(tries, key=lambda attempt: attempt[:3])[:MAX_TRIES]:
        changed_text = exchanged(hypotheses[rank], changes, language)
        found = _parse(known, changed_text)
        if found is not None:
            return _match(found, -confidence, changed_text, known)
    return None


def _last_resort(known: _Language, hypotheses: Sequence[Hypothesis], _language: str) -> CommandMatch | None:
    """Return the match of what was heard best, with slots that take in what is not known ("the place Narnia")."""
    for heard in hypotheses[:1]:
        for variant in dict.fromkeys((heard, without_fillers(heard, known.fillers))):
            found = _parse(known, variant, is_last_resort=True)
            if found is not None:
                return _match(found, 1.0, variant, known)
    return None


def _parse(known: _Language, heard: Hypothesis, *, is_last_resort: bool = False) -> _Found | None:
    parses = (grammar.parse(heard, is_last_resort=is_last_resort) for grammar in known.grammars)
    return next((found for found in parses if found is not None), None)


def _match(found: _Found, confidence: float, heard: Hypothesis, known: _Language) -> CommandMatch:
    command = found.command
    return CommandMatch(
        intent=command.intent,
        server=command.server,
        tool=command.tool,
        arguments=arguments_of(command, found.slots),
        confidence=round(confidence, 3),
        text=heard.text,
        may_continue=may_continue((grammar.prefixes for grammar in known.grammars), heard.text),
        slots=found.slots,
        question=found.question,
        has_free_text=found.has_free_text,
    )


def _short(text: str, language: str, known: _Language) -> Hypothesis | None:
    """Return a hypothesis; ``None`` if there is nothing in it, or more than a command has."""
    if len(text) > MAX_LETTERS:
        return None
    heard = heard_as(text, language, known.fillers)
    return heard if 0 < len(heard.tokens) <= MAX_WORDS else None


def _preference(result: RecognizeResult) -> tuple[int, int, int, str]:
    """Order readings as hassil does: fewer free slots, more words of the template, less text in free slots."""
    free = [entity for entity in result.entities_list if entity.is_wildcard]
    return len(free), -result.text_chunks_matched, sum(len(entity.text) for entity in free), result.intent.name


def _slot_text(entity: MatchEntity, heard: Hypothesis, language: str) -> SlotText:
    """Return a slot's words, and the stretch of the source that they came from."""
    start, end = entity.text_span or (0, 0)
    inside: list[Token] = []
    at = 0
    for token in heard.tokens:
        if at < end and at + len(token.text) > start:
            inside.append(token)
        at += len(token.text) + 1
    source = heard.source[inside[0].start : inside[-1].end] if inside else ""
    return SlotText(tuple(token.text for token in inside), source, language)


# --- putting a language together -----------------------------------------------------------------


def _language(code: str, users: Sequence[CommandFile], programs: tuple[str, ...]) -> _Language:
    return _put_together(code, users, programs) if users else _shipped_language(code, programs)


def _put_together(code: str, users: Sequence[CommandFile], programs: tuple[str, ...]) -> _Language:
    builtin = [file for file in shipped_files(programs) if file.language == code]
    files = [*users, *builtin]
    words = number_words(code).union(
        *(file.words for file in files), *(kind.words(code) for kind in SLOT_TYPES.values())
    )
    names = frozenset[str]().union(*(kind.names(code) for kind in SLOT_TYPES.values()))
    fillers = {tuple(phrase.split()) for file in files for phrase in file.document["skip_words"] if phrase}
    return _Language(
        (*([_grammar(code, users)] if users else ()), *([_shipped_grammar(code, programs)] if builtin else ())),
        Speller(words, names),
        _vocabulary(users, builtin, programs),
        tuple(sorted(fillers)),
    )


@lru_cache(KEPT)
def _shipped_language(code: str, programs: tuple[str, ...]) -> _Language:
    """Return a language in which the user has no sentences."""
    return _put_together(code, (), programs)


@lru_cache(KEPT)
def _shipped_grammar(code: str, programs: tuple[str, ...]) -> _Grammar:
    return _grammar(code, [file for file in shipped_files(programs) if file.language == code])


def _grammar(code: str, files: Sequence[CommandFile]) -> _Grammar:
    document: dict[str, Any] = {}
    commands: dict[str, Command] = {}
    slot_types: dict[str, str] = {}
    for file in files:
        own = {key: value for key, value in file.document.items() if key != "language"}
        merge_dict(document, deepcopy(own))  # it extends the lists of the first in place
        commands |= file.commands
        slot_types |= file.slot_types
    intents = Intents.from_dict({**document, "language": code})
    count_in(intents)
    kinds = {name: SLOT_TYPES.get(slot_types.get(name, name)) for name in {*slot_types, *SLOT_TYPES}}
    known = {name: kind.values(code) for name, kind in kinds.items() if kind is not None and kind.values is not None}
    answers = answers_in(code, tuple(files), slot_types)
    return _Grammar(intents, commands, slot_types, code, Prefixes(intents, known), answers)


def _vocabulary(
    users: Sequence[CommandFile], builtin: Sequence[CommandFile], programs: Sequence[str]
) -> tuple[str, ...]:
    own = [*_words(users), *programs, *(value for file in users for value in file.values)]
    shipped = _words(builtin)
    room = MAX_VOCABULARY - min(MIN_BUILTIN_VOCABULARY, len(shipped))
    return tuple(list(dict.fromkeys([*list(dict.fromkeys(own))[:room], *shipped]))[:MAX_VOCABULARY])


def _words(files: Sequence[CommandFile]) -> list[str]:
    """Return the words of the files' phrases, once each.

    Whisper takes a prompt of whole sentences for speech that is going on, and repeats them: of 16 spoken sentences 3
    or 4 had to be decoded again, of those prompted with words 1 or 2, and "pasta timer" was heard better.
    """
    phrases = [phrase for file in files for command in file.commands.values() for phrase in command.phrases]
    words = (word for phrase in phrases for word in phrase.split() if len(word) >= MIN_WORD_LETTERS)
    return list(dict.fromkeys(words))


__all__ = ["CommandFileError", "HassilGrammar"]
