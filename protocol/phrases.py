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
NO_MODEL: Final = "Sorry, I cannot answer that now."
NOT_DONE: Final = "All right, I will not do that."
NOT_ALLOWED: Final = "I am not allowed to do that."
SHALL_I: Final = "Shall I run {tool}?"
DID_NOT_WORK: Final = "Sorry, that did not work. {why}"

GERMAN: Final[Mapping[str, str]] = {
    FAILED: "Entschuldigung, da ist etwas schiefgegangen.",
    TOO_SLOW: "Entschuldigung, das hat zu lange gedauert.",
    NOT_UNDERSTOOD: "Entschuldigung, das habe ich nicht verstanden.",
    NO_MODEL: "Entschuldigung, das kann ich gerade nicht beantworten.",
    NOT_DONE: "Gut, ich lasse es.",
    NOT_ALLOWED: "Das darf ich nicht.",
    SHALL_I: "Soll ich {tool} ausführen?",
    DID_NOT_WORK: "Entschuldigung, das hat nicht geklappt. {why}",
}


def phrase(sentence: str, language: str, **slots: str) -> str:
    """Return ``sentence`` in ``language`` (such as "de" or "de-AT"), with its slots filled."""
    is_german = language.lower().split("-")[0] == "de"
    return (GERMAN[sentence] if is_german else sentence).format(**slots).strip()
