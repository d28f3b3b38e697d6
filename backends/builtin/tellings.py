"""What users are told when something is due: the texts, and what of several things is told together; pure.

Rules kept here:

* A text is in the language that the thing was asked for in.
* What is late says so. What is very late does not ring any more: it is told in one summary.
"""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any, Final

import attrs

from backends.builtin.alarms import alarm_words
from backends.builtin.owned import Body, OwnedThing, Telling
from backends.builtin.planned import ALARM, REMINDER, planned_of
from backends.builtin.schedules import local
from backends.builtin.spoken_times import moment_words
from backends.builtin.timers import KIND as TIMER
from backends.builtin.timers import timer_of, title_of
from backends.builtin.wording import LANGUAGE, count_words, duration_words, listed, told, upper_first
from backends.mcp.announcements import MAX_TEXT_CHARS

LATE_S: Final = 5.0  # something that is told later than this says so
PAST_S: Final = 12 * 3_600.0  # what was due before that is told in a summary: nobody is woken by it any more
MAX_SUMMED_UP: Final = 5  # more are too many to listen to at once


@attrs.frozen
class Message:
    """A text for one user, and what is told with it."""

    user: str
    session_id: str
    """The session that asked for it; it may be gone."""
    text: str
    ids: tuple[int, ...]


def telling_body(thing: OwnedThing) -> Body:
    """Return what has to be known of a thing that is due."""
    said = {"kind": thing.kind, "session": str(thing.body["session"]), "language": str(thing.body["language"])}
    if thing.kind == TIMER:
        timer = timer_of(thing)
        return {**said, "text": timer.name, "seconds": timer.seconds}
    return {**said, "text": planned_of(thing).text}


def messages(tellings: Sequence[Telling], now_s: float, zone: tzinfo | None) -> Sequence[Message]:
    """Return what is said of what is due, in this order; what is long past is summed up for each user."""
    fresh = [telling for telling in tellings if now_s - telling.due_s <= PAST_S]
    past: dict[str, list[Telling]] = {}
    for telling in tellings:
        if now_s - telling.due_s > PAST_S:
            past.setdefault(telling.user, []).append(telling)
    return [
        *(_message([telling], _spoken(telling, now_s, zone)) for telling in fresh),
        *(_message(missed, _summary(missed, now_s, zone)) for missed in past.values()),
    ]


def _message(tellings: Sequence[Telling], text: str) -> Message:
    last = tellings[-1]
    ids = tuple(telling.id for telling in tellings)
    return Message(last.user, str(last.body["session"]), text[:MAX_TEXT_CHARS], ids)


def _spoken(telling: Telling, now_s: float, zone: tzinfo | None) -> str:
    body = telling.body
    LANGUAGE.set(str(body["language"]))  # no request is being answered
    late_s = now_s - telling.due_s
    text = str(body["text"])
    if late_s <= LATE_S:
        return _in_time(body, text, telling.due_s, zone)
    ago = duration_words(late_s)
    if body["kind"] == REMINDER:
        return told("It was due {duration} ago: {text}.", duration=ago, text=text)
    if body["kind"] == ALARM:
        what = told("Your alarm was due {duration} ago.", duration=ago)
        return f"{what} {_sentence(text)}".strip()
    return f"{_in_time(body, text, telling.due_s, zone)} {told('It was due {duration} ago.', duration=ago)}"


def _in_time(body: Mapping[str, Any], text: str, due_s: float, zone: tzinfo | None) -> str:
    if body["kind"] == REMINDER:
        return told("Your reminder: {text}.", text=text)
    if body["kind"] == ALARM:
        return alarm_words(text, due_s, zone)
    return told("Your {title} is done.", title=title_of(text, float(body["seconds"])))


def _summary(missed: Sequence[Telling], now_s: float, zone: tzinfo | None) -> str:
    LANGUAGE.set(str(missed[-1].body["language"]))
    shown = [_missed(telling, now_s, zone) for telling in missed[-MAX_SUMMED_UP:]]
    rest = len(missed) - len(shown)
    if rest:
        shown.append(told("{count} more", count=count_words(rest)))
    return told("You missed: {things}.", things=listed(shown))


def _missed(telling: Telling, now_s: float, zone: tzinfo | None) -> str:
    text = str(telling.body["text"])
    if telling.body["kind"] == TIMER:
        return title_of(text, float(telling.body["seconds"]))
    when = moment_words(local(telling.due_s, zone), local(now_s, zone))
    if telling.body["kind"] == ALARM:
        return told("the alarm for {when}", when=when)
    return told("{text}, at {when}", text=text, when=when)


def _sentence(text: str) -> str:
    return f"{upper_first(text)}." if text else ""
