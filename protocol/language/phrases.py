"""What the server says by itself, in the client's language; pure.

Rules kept here:

* Sentences stand in English; the table has the German ones. A client with another language hears English.
* What tools say is theirs: they are told the language and translate for themselves.
"""

from collections.abc import Mapping
from typing import Final

FAILED: Final = "Sorry, something went wrong."
TOO_SLOW: Final = "Sorry, that took too long."
NOT_UNDERSTOOD: Final = "Sorry, I did not understand that."
YOU_CAN_SAY: Final = "You can say, for example: {example}."
HELP: Final = "You can say, for example: {examples}."
HELP_LAST: Final = "{first} or {last}"
NO_MODEL: Final = "Sorry, I cannot answer that now."
NOT_DONE: Final = "All right, I will not do that."
NOT_ALLOWED: Final = "I am not allowed to do that."
SHALL_I: Final = "Shall I run {tool}?"
DID_NOT_WORK: Final = "Sorry, that did not work. {why}"
NOT_REALLY_DONE: Final = "Sorry, I could not do that."
DONE: Final = "Done."
DROPPED: Final = "OK, I won't."
ALL_RIGHT: Final = "OK."
NOTHING_SAID: Final = "I have not said anything yet."
MANY_PARTS: Final = "The answer has {count} parts."

# what people ask for and this server cannot do; which words ask for it: protocol/language/requests.py
CANNOT_ALARM: Final = "I can't set alarms yet, but I can set a timer."
CANNOT_REMIND: Final = "I can't keep reminders with a text yet, but I can set a timer."
CANNOT_TRANSLATE: Final = "I can't translate."
CANNOT_WEATHER: Final = "I can't look up the weather."
CANNOT_NEWS: Final = "I can't look up news."
CANNOT_CALENDAR: Final = "I can't see your calendar."
CANNOT_MAIL: Final = "I can't read or send messages."
CANNOT_CALL: Final = "I can't make calls."
CANNOT_ORDER: Final = "I can't order or book things."
CANNOT_BANK: Final = "I can't see your accounts."
CANNOT_LOCATE: Final = "I can't find places or ways."
CANNOT_VOLUME: Final = "I can't change the volume."
CANNOT_PLAY: Final = "I can't play anything."
CANNOT_CONTROL: Final = "I can't control that."

GERMAN: Final[Mapping[str, str]] = {
    FAILED: "Entschuldigung, da ist etwas schiefgegangen.",
    TOO_SLOW: "Entschuldigung, das hat zu lange gedauert.",
    NOT_UNDERSTOOD: "Entschuldigung, das habe ich nicht verstanden.",
    NO_MODEL: "Entschuldigung, das kann ich gerade nicht beantworten.",
    NOT_DONE: "Gut, ich lasse es.",
    NOT_ALLOWED: "Das darf ich nicht.",
    SHALL_I: "Soll ich {tool} ausführen?",
    DID_NOT_WORK: "Entschuldigung, das hat nicht geklappt. {why}",
    NOT_REALLY_DONE: "Entschuldigung, das konnte ich nicht tun.",
    DONE: "Erledigt.",
    DROPPED: "Gut, ich lasse es.",
    ALL_RIGHT: "Okay.",
    NOTHING_SAID: "Ich habe noch nichts gesagt.",
    MANY_PARTS: "Die Antwort hat {count} Teile.",
    HELP: "Du kannst zum Beispiel sagen: {examples}.",
    HELP_LAST: "{first} oder {last}",
    YOU_CAN_SAY: "Du kannst zum Beispiel sagen: {example}.",
    CANNOT_ALARM: "Wecker kann ich noch nicht stellen, aber einen Timer.",
    CANNOT_REMIND: "An einen Text kann ich noch nicht erinnern, aber einen Timer stellen.",
    CANNOT_TRANSLATE: "Übersetzen kann ich nicht.",
    CANNOT_WEATHER: "Das Wetter kann ich nicht nachsehen.",
    CANNOT_NEWS: "Nachrichten kann ich nicht nachsehen.",
    CANNOT_CALENDAR: "Deinen Kalender sehe ich nicht.",
    CANNOT_MAIL: "Nachrichten kann ich weder lesen noch senden.",
    CANNOT_CALL: "Anrufen kann ich niemanden.",
    CANNOT_ORDER: "Bestellen oder buchen kann ich nichts.",
    CANNOT_BANK: "Deine Konten sehe ich nicht.",
    CANNOT_LOCATE: "Orte und Wege kann ich nicht finden.",
    CANNOT_VOLUME: "Die Lautstärke kann ich nicht ändern.",
    CANNOT_PLAY: "Abspielen kann ich nichts.",
    CANNOT_CONTROL: "Das kann ich nicht steuern.",
}


def phrase(sentence: str, language: str, **slots: str) -> str:
    """Return ``sentence`` in ``language`` (such as "de" or "de-AT"), with its slots filled."""
    is_german = language.lower().split("-")[0] == "de"
    return (GERMAN[sentence] if is_german else sentence).format(**slots).strip()
