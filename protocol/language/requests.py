"""What a sentence asks for that no command fits: talk, work for a large model, or an action; pure.

Rules kept here:

* A small model without tools only talks: greetings, small talk, general questions. What begins like a command, or
  asks for what only a tool knows (the time, sums, timers, lists, the home, anything of the user's own), is an action.
* In doubt it is an action: the answer "I did not understand" is better than one that is made up.
* What a model says it has done is a claim, and is believed only after a tool has done something.

English and German have tables; in another language everything is an action for a small model.
"""

from collections.abc import Mapping
from typing import Final

from protocol.language.languages import primary
from protocol.language.phrases import NOT_UNDERSTOOD, YOU_CAN_SAY, phrase
from protocol.language.request_tables import ENGLISH, GERMAN, Tables
from protocol.messages.understanding import Asked

_LANGUAGES: Final[Mapping[str, Tables]] = {"en": ENGLISH, "de": GERMAN}


def asked_for(text: str, language: str) -> Asked:
    """Return what a sentence that no command fits asks for; in a language without a table it is ``action``.

    >>> [asked_for(text, "en") for text in ("good morning", "why is the sky blue", "set an alarm for 7 am")]
    ['talk', 'talk', 'action']
    """
    tables = _tables(language)
    if tables is None:
        return "action"
    plain = _plain(text, tables)
    if tables.work.match(plain):
        return "work"
    if tables is not ENGLISH:  # the small model that talks knows English
        return "action"
    if tables.talk.match(_spoken(text)) or tables.talk.match(plain):
        return "talk"
    if tables.questions.match(plain) and not tables.known_by_tools.search(plain):
        return "talk"
    return "action"


def missing_ability(text: str, language: str) -> str | None:
    """Return the phrase that names what is asked for and missing; ``None`` for none.

    What is about something that can be done is not missing, it was not understood.
    """
    tables = _tables(language)
    if tables is None or tables.can.search(text):
        return None
    return next((sentence for sentence, pattern in tables.missing.items() if pattern.search(_spoken(text))), None)


def not_understood(text: str, language: str) -> str:
    """Return the answer to a sentence that was not understood."""
    missing = missing_ability(text, language)
    if missing is not None:
        return phrase(missing, language)
    example = example_for(text, language)
    told = phrase(NOT_UNDERSTOOD, language)
    return told if example is None else f"{told} {phrase(YOU_CAN_SAY, language, example=example)}"


def example_for(text: str, language: str) -> str | None:
    """Return a command that can be said, near to what was said; ``None`` in a language without a table."""
    tables = _tables(language)
    if tables is None:
        return None
    return next(example for example, pattern in tables.examples.items() if pattern.search(_spoken(text)))


def asks_for_help(text: str, language: str) -> bool:
    """Return whether the whole sentence asks what can be said.

    >>> [asks_for_help(text, "en") for text in ("What can I say?", "help", "help me with my homework")]
    [True, True, False]
    """
    tables = _tables(language)
    return tables is not None and tables.help.fullmatch(_plain(text, tables).rstrip(" .!?")) is not None


def claims_an_action(sentence: str, language: str) -> bool:
    """Return whether a model says that it has done something, or will do it."""
    tables = _tables(language) or ENGLISH
    return tables.claims.search(_spoken(sentence)) is not None


def _tables(language: str) -> Tables | None:
    return _LANGUAGES.get(primary(language))


def _spoken(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").split()).strip()


def _plain(text: str, tables: Tables) -> str:
    return tables.polite.sub("", _spoken(text))
