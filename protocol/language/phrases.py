"""What the server says by itself, in the client's language; pure.

Rules kept here:

* Sentences stand in English; ``german.py`` has the German ones. A client with another language hears English.
* Tools get the language with a call and translate their own answers; the built-in ones by ``phrase`` as well.
"""

from typing import Final

from protocol.language.german import SENTENCES
from protocol.language.languages import primary

FAILED: Final = "Sorry, something went wrong."
TOO_SLOW: Final = "Sorry, that took too long."
NOT_UNDERSTOOD: Final = "Sorry, I did not understand that."
YOU_CAN_SAY: Final = "You can say, for example: {example}."
HELP: Final = "You can say, for example: {examples}."
HELP_LAST: Final = "{first} or {last}"
NO_MODEL: Final = "Sorry, I cannot answer that now."
NOT_DONE: Final = "All right, I will not do that."
NOT_ALLOWED: Final = "I am not allowed to do that."
SHALL_I: Final = "Shall I do this: {title}?"
SHALL_I_DO: Final = 'I understood "{said}". Shall I do that?'
DID_NOT_WORK: Final = "Sorry, that did not work. {why}"
PART_DID_NOT_WORK: Final = 'I could not do "{part}". {why}'
PARTLY_UNDERSTOOD: Final = 'I understood "{known}", but not "{unknown}". I have done nothing.'
STOPPED_BEFORE: Final = "(Stopped before: {parts}.)"
ALREADY_DONE: Final = "I have begun that already, and cannot take it back."
NOT_TAKEN_BACK: Final = "Sorry, I could not take that back. {why}"
NOTHING_TO_TAKE_BACK: Final = "There is nothing that I could take back."
TAKEN_BACK: Final = "I took that back."
NOT_REALLY_DONE: Final = "Sorry, I could not do that."
DONE: Final = "Done."
DROPPED: Final = "OK, I won't."
ALL_RIGHT: Final = "OK."
NOTHING_SAID: Final = "I have not said anything yet."
MANY_PARTS: Final = "The answer has {count} parts."
NOT_READABLE: Final = "I got an answer that cannot be read aloud."
THERE_IS_MORE: Final = "There is more."
NO: Final = "No."
HOME_CANNOT: Final = "Sorry, Home Assistant cannot do that."
HOME_FAILED: Final = "Sorry, that did not work in Home Assistant."
HOME_PARTLY: Final = "It did not work for: {names}."
HOME_WHICH: Final = "There are several called {name}: {areas}. Which one?"

# what people ask for and this server cannot do; which words ask for it: protocol/language/requests.py
CANNOT_TRANSLATE: Final = "I can't translate."
CANNOT_WEATHER: Final = "I can't look up the weather."
CANNOT_NEWS: Final = "I can't look up news."
CANNOT_CALENDAR: Final = "I can't see your calendar."
CANNOT_MAIL: Final = "I can't read or send messages."
CANNOT_CALL: Final = "I can't make calls."
CANNOT_ORDER: Final = "I can't order or book things."
CANNOT_BANK: Final = "I can't see your accounts."
CANNOT_EXCHANGE: Final = "I can't look up exchange rates."
CANNOT_LOCATE: Final = "I can't find places or ways."
CANNOT_VOLUME: Final = "I can't change the volume."
CANNOT_PLAY: Final = "I can't play anything."
CANNOT_CONTROL: Final = "I can't control that."


def phrase(sentence: str, language: str, **slots: object) -> str:
    """Return ``sentence`` in ``language`` (such as "de" or "de-AT"), with its slots filled."""
    return (SENTENCES[sentence] if is_german(language) else sentence).format(**slots).strip()


def is_german(language: str) -> bool:
    """Return whether a language such as "de-AT" is German."""
    return primary(language) == "de"
