"""Commands for a home (``FurtherSentences``): Home Assistant's sentences with the names of its devices and rooms.

Rules kept here:

* ``take`` puts names in force, and blocks for a part of a second if there are thousands: use a thread. ``match`` runs
  on the event loop with what is in force.
* A sentence that is a name alone is no command: a lamp called "Stop" does not go on when somebody says so.
* A name is matched as it is spoken, and sent as it is written. Its text is never read as a template.
* Home Assistant unlocks by "turn off" and opens a garage by "turn on": such calls have a tool's name of their own, so
  that they can be confirmed.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from string import Formatter
from typing import Any, Final

import attrs
from hassil import Intents, RecognizeResult, recognize_all

from backends.commands.continuation import Prefixes, is_begun, may_continue
from backends.commands.spoken_numbers import normalise
from backends.commands.templates import ARTICLES
from backends.home_assistant.name_lists import NameLists, name_lists
from backends.home_assistant.sentences import NAMES, HomeSentences
from config.home_assistant import OPEN, SERVER, UNLOCK
from protocol.messages.home import HomeNames
from protocol.messages.understanding import CommandMatch, CommandSamples

REST_S: Final = 0.0002  # that the thread of ``take`` leaves to the event loop after each ms of work
MAX_HYPOTHESES: Final = 3  # each costs up to 10 ms of the event loop
MAX_WORDS: Final = 20  # of one command; a sentence of several is cut before it comes here
MAX_RESULTS: Final = 50
RANK_FACTOR: Final = 0.97
BARE: Final = frozenset({"en", "de"})
"""Languages whose articles are known, so that a name alone is seen among sentences that need no word."""
CONFIRMED: Final = frozenset({UNLOCK, OPEN})
PLACES: Final = frozenset({"area", "floor"})
SWITCHES: Final = frozenset({"HassTurnOn", "HassTurnOff"})
ADJUSTED: Final = frozenset({"cover", "valve"})
"""What "open the blinds" may go on for: "to 50 percent"."""
ENTRANCES: Final = frozenset({"garage", "gate", "door"})
"""Covers that somebody could come in by."""
SAMPLES: Final[Mapping[str, Mapping[str, Sequence[str]]]] = {
    "en": {
        "HassTurnOn": ("turn on the {light}", "turn on the lights in the {area}", "open the {cover}"),
        "HassTurnOff": ("turn off the {light}", "turn off the {switch}", "close the {cover}"),
        "HassLightSet": ("set {light} to 50 percent", "set the color of {light} to blue"),
        "HassSetPosition": ("set {cover} to 50 percent",),
        "HassClimateSetTemperature": ("set the temperature in the {area} to 21 degrees",),
        "HassMediaPause": ("pause the {media_player}",),
    },
    "de": {
        "HassTurnOn": ("schalte {light} ein", "schalte das Licht in {area} ein", "öffne {cover}"),
        "HassTurnOff": ("schalte {light} aus", "schalte {switch} aus", "schließe {cover}"),
        "HassLightSet": ("stelle die Helligkeit von {light} auf 50 Prozent",),
        "HassClimateSetTemperature": ("stelle die Temperatur in {area} auf 21 Grad",),
        "HassMediaPause": ("pausiere {media_player}",),
    },
}
"""Sentences as a person would say them, with a device by its domain."""


@attrs.frozen
class HomeReading:
    """One way of reading a sentence."""

    intent: str
    tool: str
    slots: Mapping[str, Any]
    named: str
    """The name in it, as it was spoken; empty if there is none."""
    literal_letters: int
    """Of the template's own words."""
    is_named_last: bool
    """Whether nothing comes behind the name, and nothing can but more of a name."""


@attrs.frozen(eq=False)
class _Known:
    """One language with the names in force."""

    sentences: HomeSentences
    prefixes: Prefixes
    """Of all sentences; the names are filled in when they are needed."""
    names: NameLists | None = None
    """``None`` if there is nothing to control."""

    def match(self, text: str, confidence: float) -> CommandMatch | None:
        """Return the call that ``text`` stands for."""
        heard = normalise(text, self.sentences.language)
        reading = _read(self, heard)
        if reading is None:
            return None
        return CommandMatch(
            intent=reading.intent,
            server=SERVER,
            tool=reading.tool,
            arguments=reading.slots,
            confidence=round(confidence, 3),
            text=heard,
            may_continue=self.may_continue(reading, heard),
            slots=reading.slots,
        )

    def may_continue(self, reading: HomeReading, heard: str) -> bool:
        """Return whether a longer sentence begins like ``heard``."""
        if reading.is_named_last:
            return self.names is None or self.names.is_begun(reading.named)
        if self.names is not None:
            self.prefixes.fill(self.names.phrases_for(heard))
        return may_continue([self.prefixes], heard)

    def begins(self, text: str) -> bool:
        """Return whether ``text`` is the beginning of a sentence."""
        heard = normalise(text, self.sentences.language)
        if self.names is None:
            return False
        self.prefixes.fill(self.names.phrases_for(heard))
        return is_begun([self.prefixes], heard)


class HomeGrammar:
    """The sentences of some languages, and the newest names."""

    def __init__(self, sentences: Sequence[HomeSentences]) -> None:
        """Compile the sentences; takes up to a second for each language."""
        nothing: Mapping[str, Sequence[str]] = dict.fromkeys(NAMES, ())
        self.names = HomeNames()
        """Those in force."""
        self._known: Mapping[str, _Known] = {
            each.language: _Known(each, Prefixes(_plain(each), nothing)) for each in sentences
        }
        self._samples: tuple[CommandSamples, ...] = ()
        for each in sentences:  # hassil compiles sentences at first use, which must not be during a turn
            next(iter(recognize_all("-", each.intents)), None)

    def take(self, names: HomeNames) -> None:
        """Put names in force."""
        known = {code: attrs.evolve(each, names=_lists(names, code)) for code, each in self._known.items()}
        samples = tuple(sample for each in known.values() for sample in _samples(each, names))
        self.names, self._known, self._samples = names, known, samples

    def match(self, hypotheses: Sequence[str], language: str) -> CommandMatch | None:
        """Return the call that the first matching hypothesis stands for; confidence 1.0 is the first one."""
        known = self._find(language)
        if known is None:
            return None
        found = (known.match(text, RANK_FACTOR**rank) for rank, text in enumerate(hypotheses[:MAX_HYPOTHESES]))
        return next((match for match in found if match is not None), None)

    def match_exactly(self, text: str, language: str) -> CommandMatch | None:
        """Return the call that ``text`` stands for."""
        return self.match((text,), language)

    def begins(self, text: str, language: str) -> bool:
        """Return whether ``text`` is the beginning of a sentence about this home."""
        known = self._find(language)
        return known is not None and known.begins(text)

    def vocabulary(self, language: str) -> tuple[str, ...]:
        """Return a handful of names, areas first."""
        known = self._find(language)
        return () if known is None or known.names is None else known.names.vocabulary

    def samples(self) -> Sequence[CommandSamples]:
        """Return what can be said, with names of this home."""
        return self._samples

    def _find(self, language: str) -> _Known | None:
        return self._known.get(language) or self._known.get(language.partition("-")[0].lower())


def _lists(names: HomeNames, language: str) -> NameLists | None:
    """Return names as they are spoken; without any entity there is nothing to say."""
    return name_lists(names, language, partial(time.sleep, REST_S)) if names.entities else None


def _plain(sentences: HomeSentences) -> Intents:
    """Return the sentences that a longer one is looked for among.

    Those with a name and a place are not: whoever gives both has said a sentence already with the name, and the
    others would wait for a place after each name.
    """
    kept = Intents.from_dict(dict(sentences.document))
    for name, intent in kept.intents.items():
        blocks = zip(intent.data, sentences.blocks[name], strict=True)
        intent.data[:] = [data for data, block in blocks if not ("name" in block.slots and block.slots & PLACES)]
    return kept


def _read(known: _Known, heard: str) -> HomeReading | None:
    """Return the best reading: one with a name before one without, then the longest name, then the most words."""
    if known.names is None or not 0 < len(heard.split()) <= MAX_WORDS:
        return None
    found = recognize_all(heard, known.sentences.intents, slot_lists=known.names.lists_for(heard))
    results = islice(found, MAX_RESULTS)
    readings = [_reading(result, heard) for result in results if _has_own_word(result, heard, known.sentences)]
    return min(readings, key=_order, default=None)


def _order(reading: HomeReading) -> tuple[int, int, bool, str]:
    """Order readings: of two things with one name, that which must be confirmed decides."""
    return -len(reading.named), -reading.literal_letters, reading.tool not in CONFIRMED, reading.intent


def _reading(result: RecognizeResult, heard: str) -> HomeReading:
    slots = {entity.name: _whole(entity.value) for entity in result.entities_list}
    named = next((entity.text for entity in result.entities_list if entity.name == "name"), "")
    about = {**result.context, **slots}
    tool = _tool(result.intent.name, about.get("domain"), about.get("device_class"), slots.get("position"))
    switches = result.intent.name in SWITCHES and about.get("domain") not in ADJUSTED
    is_last = switches and bool(named) and heard.endswith(named.strip())
    return HomeReading(result.intent.name, tool, slots, named.strip(), result.text_chunks_matched, is_last)


def _has_own_word(result: RecognizeResult, heard: str, sentences: HomeSentences) -> bool:
    """Return whether a word was said besides what fills slots, and articles."""
    sentence = result.intent_sentence
    if sentence is None:
        return False
    if sentences.language not in BARE and not sentence.get_required_clauses(sentences.intents.expansion_rules):
        return False
    rest = list(heard)
    for entity in result.entities_list:
        if entity.text_span is not None:
            start, end = entity.text_span
            rest[start:end] = " " * (end - start)
    return any(word not in ARTICLES for word in "".join(rest).split())


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _tool(intent: str, domain: str | None, device_class: str | None, position: int | None) -> str:
    """Return the tool's name; one of its own for what lets somebody in."""
    if intent == "HassTurnOff" and domain == "lock":
        return UNLOCK
    opens = intent == "HassTurnOn" or (intent == "HassSetPosition" and position != 0)
    return OPEN if opens and domain == "cover" and device_class in ENTRANCES else intent


# --- what can be said ------------------------------------------------------------------------------


def _samples(known: _Known, names: HomeNames) -> Iterator[CommandSamples]:
    """Yield sentences with names of this home; a sentence that does not fit it is left out."""
    if known.names is None:
        return
    code = known.sentences.language
    named = {entity.domain: entity.names[0] for entity in reversed(names.entities)}
    filling = {**named, "area": names.areas[0].names[0] if names.areas else ""}
    for intent, templates in SAMPLES.get(code, {}).items():
        texts = [text for each in templates if (text := _filled(each, filling))]
        fit = [text for text in texts if (found := _read(known, normalise(text, code))) and found.intent == intent]
        if fit:
            yield CommandSamples(code, intent, SERVER, intent, tuple(fit))


def _filled(template: str, filling: Mapping[str, str]) -> str:
    """Return a sample; empty if the home has nothing for one of its places."""
    wanted = [name for _, name, _, _ in Formatter().parse(template) if name is not None]
    return template.format(**filling) if all(filling.get(name) for name in wanted) else ""
