"""The classes of the head (``backends/understanding/head.py``) and the intents that they stand for; a table.

A class whose intent is in no command file cannot be done here. English only, as the head is.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs


@attrs.frozen
class Family:
    """What one class stands for."""

    intent: str
    """Of the shipped command files."""
    question: str
    """Such as "Shall I …?", with the words of slots; of ``[a|b]`` the first is taken whose slots were said."""
    hints: Sequence[tuple[re.Pattern[str], Mapping[str, Any]]] = ()
    """Slots by words that are none of their values: the first that fits."""
    without_number: str | None = None
    """The intent that is taken instead where this one lacks something and no number was said."""


def _hint(words: str, **slots: object) -> tuple[re.Pattern[str], Mapping[str, Any]]:
    return re.compile(rf"\b(?:{words})\b"), slots


_SLOT: Final = re.compile(r"\{(\w+)\}")
_LISTS: Final = (
    _hint(r"buy|store|shop|shopping|grocer\w*|pick up|supermarket|market", list_name="shopping"),
    _hint(r"tasks?|chores?|to do|todo|do|finish|accomplish|complete", list_name="to do"),
)
_TOPICS: Final = (
    _hint(r"up|running|uptime|booted|rebooted|restarted|started", topic="uptime"),
    _hint(r"charge|charging|charged|power|plugged", topic="battery"),
    _hint(r"busy|overloaded|load|slow|hot", topic="cpu"),
)

FAMILIES: Final[Mapping[str, Family]] = {
    "add_note": Family("AddNote", "Shall I take a note?"),
    "add_to_list": Family("AddToList", "Shall I add [{item}|something] to the [{list_name}|list]?"),
    "calculate": Family("Calculate", "Shall I calculate {expression}?"),
    "cancel_alarm": Family("CancelAlarm", "Shall I cancel the alarm?"),
    "cancel_all_timers": Family("CancelAllTimers", "Shall I cancel all timers?"),
    "cancel_reminder": Family("CancelReminder", "Shall I cancel the reminder?"),
    "cancel_timer": Family("CancelTimer", "Shall I cancel the [{duration} |]timer?"),
    "clear_list": Family("ClearList", "Shall I clear the [{list_name}|list]?", _LISTS[:1]),
    "convert_units": Family(
        "ConvertUnits", "Shall I convert [{quantity}|{from_unit}] to {unit}?", without_number="ConvertOne"
    ),
    "delete_note": Family("DeleteNote", "Shall I delete that note?"),
    "extend_timer": Family("ExtendTimer", "Shall I give the timer {more_duration}?"),
    "get_date": Family("GetDate", "Do you want to know the date[ in {place}|]?"),
    "get_time": Family("GetTime", "Do you want to know the time[ in {place}|]?"),
    "list_alarms": Family("ListAlarms", "Shall I list your alarms?"),
    "list_notes": Family("ListNotes", "Shall I read your notes?"),
    "list_reminders": Family("ListReminders", "Shall I list your reminders?"),
    "list_timers": Family("ListTimers", "Shall I list your timers?"),
    "pause_timer": Family("PauseTimer", "Shall I pause the [{duration} |]timer?"),
    "read_list": Family("ReadList", "Shall I read the [{list_name}|list]?", _LISTS),
    "remove_from_list": Family("RemoveFromList", "Shall I take [{item}|something] off the [{list_name}|list]?"),
    "resume_timer": Family("ResumeTimer", "Shall I let the [{duration} |]timer go on?"),
    "run_program": Family("RunProgram", "Shall I open {program}?"),
    "set_alarm": Family("SetAlarm", "Shall I set an alarm?"),
    "set_reminder": Family("SetReminder", "Shall I set a reminder[: {text}, {when}|: {text}|]?"),
    "set_timer": Family("SetTimer", "Shall I set a timer for {seconds}?"),
    "shorten_timer": Family("ShortenTimer", "Shall I take {more_duration} off the timer?"),
    "system_info": Family("SystemInfo", "Do you want to know how the computer is doing?", _TOPICS),
}
"""Class to what it stands for."""


def question_for(family: Family, said: Mapping[str, str]) -> str:
    """Return the question whether the call is to be made; ``said`` holds the words of the slots.

    >>> question_for(FAMILIES["cancel_timer"], {}), question_for(FAMILIES["cancel_timer"], {"duration": "ten minute"})
    ('Shall I cancel the timer?', 'Shall I cancel the ten minute timer?')
    """

    def first(part: re.Match[str]) -> str:
        return next((way for way in part[1].split("|") if said.keys() >= set(_SLOT.findall(way))), "")

    return _SLOT.sub(lambda slot: said.get(slot[1], "that"), re.sub(r"\[([^\]]*)\]", first, family.question))
