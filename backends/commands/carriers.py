"""Free text whose place in a sentence is plain, such as the thing of "could you get milk onto my list"; pure.

Rules kept here:

* A carrier is words that can hold nothing else between them: what changes a list, then the thing, then the list. What
  stands between is still looked at by the slot's converter, and left alone if it may be half of another order.
* What is taken is put to the user as a question (``backends/commands/families.py``): it is never acted on unheard.

English only, as the head is.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from backends.commands.slot_text import SlotText
from backends.commands.spoken_moments import to_moment, to_reminder, to_reminder_text
from backends.commands.spoken_names import to_item
from backends.commands.spoken_numbers import normalise

MAX_ITEM_WORDS: Final = 6
MAX_LETTERS: Final = 400  # of a sentence; a longer one is dictation
_LANGUAGE: Final = "en"
_OF_A_LIST: Final = r"(?:my|the|our|this|that|a)\s(?:[\w-]+\s){0,3}?(?:lists?|cart|basket|bag)\b"
_SENTENCE_WORDS: Final = re.compile(
    r"\b(?:if|unless|not|isnt|arent|dont|lists?|add|added|put|remove|removed|delete|it|them|that|what|whats|everything"
    r"|anything|something|all|items?|stuff|things?|sure)\b"
)
"""What no thing of a plain carrier holds: it is a piece of the sentence then."""


_TAIL: Final = re.compile(r"(?:\W+(?:please|thanks|thank you|for me))*\W*$", re.IGNORECASE)


@attrs.frozen
class Carried:
    """Free text that was found."""

    slots: Mapping[str, Any]
    said: Mapping[str, str]
    """The words of each, as they were written."""


Read = Callable[[str], Mapping[str, str] | None]


def _item(source: str) -> Mapping[str, str] | None:
    words = normalise(source, _LANGUAGE)
    if len(words.split()) > MAX_ITEM_WORDS or _SENTENCE_WORDS.search(words):
        return None
    item = to_item(SlotText(tuple(words.split()), source, _LANGUAGE))
    return None if item is None else {"item": item}


def _reminder(source: str) -> Mapping[str, str] | None:
    source = _REMIND_ME.sub("", source)
    slot = SlotText(tuple(normalise(source, _LANGUAGE).split()), source, _LANGUAGE)
    whole = to_reminder(slot)
    if to_moment(slot) is not None:
        return None
    if whole is not None:
        return whole
    text = to_reminder_text(slot)
    return None if text is None or text.lower() in _NO_REMINDER else {"text": text}


_REMIND_ME: Final = re.compile(r"^(?:to )?remind me (?=(?:to|about|of|that) )", re.IGNORECASE)
"""Said twice: "set a reminder to remind me to …"."""
_NO_REMINDER: Final = frozenset({"me", "something", "this", "that", "it", "do something", "do this", "later"})


@attrs.frozen
class Carrier:
    """A sentence with a place for free text, the group ``free``."""

    pattern: re.Pattern[str]
    read: Read


def _carriers(read: Read, *patterns: str) -> tuple[Carrier, ...]:
    return tuple(Carrier(re.compile(pattern, re.IGNORECASE), read) for pattern in patterns)


CARRIERS: Final[Mapping[str, Sequence[Carrier]]] = {
    "add_to_list": _carriers(
        _item,
        rf"\b(?:add|put|place|include|throw|stick|write|get|have)\s(?P<free>.+?)\s(?:added\s|put\s)?(?:down\s)?"
        rf"(?:to|on|onto|in|into)\s{_OF_A_LIST}",
        rf"\b(?:to|on|for)\s{_OF_A_LIST}\W+(?:please\s)?(?:add|put|include)\s(?P<free>.+?)"
        r"(?:\s(?:as well|too|please))?$",
        rf"\b(?:need|want|would like|id like)\s(?P<free>.+?)\s(?:added|put|placed)?\s?(?:to|on|onto)\s{_OF_A_LIST}",
        rf"\b(?:to|on)\s{_OF_A_LIST}\W+(?:i|we)\s(?:need|want)\s(?P<free>.+?)(?:\s(?:added|put)(?:\son)?)?$",
        rf"(?:^|\b(?:sure|that)\s)(?P<free>.+?)\s(?:needs?|has|have|should|must|gets?|ought)(?:\sto)?"
        rf"(?:\s(?:be|go|added|put))*\s(?:to|on|onto)\s{_OF_A_LIST}",
        rf"{_OF_A_LIST}\s(?:needs|should have)\s(?P<free>.+?)\son\sit\b",
        rf"(?:^|\b)(?:is|are|do i have|do we have|have i got)\s(?:the\s)?(?P<free>.+?)\s(?:already\s)?(?:listed\s)?on\s"
        rf"{_OF_A_LIST}.*\b(?:add|put)\b",
        r"\b(?:out of|low on|no more|need to do)\s(?P<free>[^,;.]+?)\W+"
        r"(?:(?:and|so|can you|please|i)\s)*(?:need\s(?:it|them)\s)?(?:to be\s)?(?:add|added|put)\b",
        rf"\badd\s(?P<free>.+?)\s(?:if|unless)\s(?:it|they)\b.*{_OF_A_LIST}",
    ),
    "remove_from_list": _carriers(
        _item,
        rf"\b(?:remove|delete|take|cross|strike|scratch|check|tick|drop|erase|eliminate|get|have)\s(?:off\s|out\s)?"
        rf"(?P<free>.+?)\s(?:removed\s|deleted\s|taken\s|crossed\s)?(?:off|from|of|out of|on)(?:\sof|\sfrom|\son)?\s"
        rf"{_OF_A_LIST}",
        rf"\b(?:no longer|do not|don't|dont)\s(?:need|want)\s(?P<free>.+?)\son\s{_OF_A_LIST}",
        rf"{_OF_A_LIST}\W+(?:and\s|please\s)*(?:remove|delete|erase|take off|cross off)\s(?P<free>.+?)(?:\splease)?$",
        r"\b(?:finished|done with|already did|already bought)\s(?P<free>[^,;.]+?)\W+(?:so|and|please)\b.*"
        r"\b(?:cross|take|remove|delete|check)\b",
    ),
    "set_reminder": _carriers(
        _reminder,
        r"\b(?:remind(?:ed)? me|reminded|reminder(?:\s(?:set|for me))?|let me forget|notified|nudge(?: me)?|"
        r"(?<!reminding )tell me)\s(?P<free>(?:to|about|of|that)\s.+)$",
        r"\breminder(?:\sset)?\sfor\s(?!me\b)(?P<free>.+)$",
        r"\b(?:make sure|see to it|see)(?:\sthat)?\si\s(?:remember|(?:do not|don't|dont) forget)\s"
        r"(?P<free>(?:to|about)\s.+)$",
    ),
}
"""By class of the head."""


def carried(name: str, text: str) -> Carried:
    """Return the free text of a sentence of the class ``name``: nothing where its place is not plain.

    >>> carried("add_to_list", "could you get Milk onto my shopping list").slots
    {'item': 'Milk'}
    """
    sentence = _TAIL.sub("", text)
    for carrier in CARRIERS.get(name, ()) if len(text) <= MAX_LETTERS else ():
        found = carrier.pattern.search(sentence)
        slots = None if found is None else carrier.read(found["free"].strip())
        if slots is not None:
            return Carried(slots, {slot: words for slot, words in slots.items() if slot != "when"})
    return Carried({}, {})
