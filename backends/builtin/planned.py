"""What a user has planned for a time: alarms and reminders, kept in the store. The clock is an argument."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import Final

import attrs

from backends.builtin import schedules
from backends.builtin.asker import asker
from backends.builtin.moments import ClockTime, NamedMoment, named_moment
from backends.builtin.owned import OwnedStore, OwnedThing
from backends.builtin.schedules import Schedule, local
from backends.builtin.spoken_times import delay_words, moment_words, rule_words
from backends.builtin.things import MeantThing, SeveralMeant, hinted
from backends.builtin.wording import LANGUAGE, listed, plural, told

ALARM: Final = "alarm"
REMINDER: Final = "reminder"
DEFAULT_CLOCK: Final = ClockTime(9)  # of a day that was named without a time: when most people are up
MAX_DELAY_S: Final = 400 * 86_400.0
SHORT_DELAY_S: Final = 2 * 3_600.0  # a shorter one is told as a delay, a longer one by the clock


class PlanError(ValueError):
    """Something cannot be planned; the message is fit to be spoken."""


@attrs.frozen
class Planned:
    """An alarm or a reminder."""

    thing: OwnedThing
    schedule: Schedule
    text: str
    """What it is for."""


@attrs.frozen
class Wanted:
    """What shall be cancelled."""

    text: str
    when: str
    number: int
    """Of the thing; 0 for any."""
    every: bool
    """Whether all that fit."""


@attrs.frozen
class CancelWording:
    """What is said where nothing, or not one thing, can be cancelled."""

    nothing: str
    no_such: str
    which: Callable[[str, str], str]
    """Of how many there are, and their titles."""
    title: Callable[[Planned, float], str]


class Plans:
    """The alarms, or the reminders, of the user who asks."""

    def __init__(self, store: OwnedStore, kind: str, zone: tzinfo | None = None) -> None:
        """``zone`` None is the machine's."""
        self.zone = zone
        self._store = store
        self._kind = kind

    def add(self, text: str, schedule: Schedule, *, most: int) -> Planned:
        """Keep one; raises ``PlanError`` if there are ``most``."""
        body = {
            "text": text,
            "schedule": schedules.to_json(schedule),
            "session": asker().session_id,
            "language": LANGUAGE.get(),
        }
        with self._store.changing(asker().user) as change:
            if len(change.things(self._kind)) >= most:
                raise PlanError(told("There are {count} already; cancel some first.", count=most))
            return planned_of(change.add(self._kind, body))

    def kept(self, now_s: float) -> Sequence[Planned]:
        """Return what is planned, the next one first."""
        return self._by_due(self._store.things(asker().user, self._kind), now_s)

    def remove(self, now_s: float, choose: Callable[[Sequence[Planned]], Sequence[Planned]]) -> Sequence[Planned]:
        """Cancel what ``choose`` returns of what is kept, in one change; an error of it changes nothing."""
        with self._store.changing(asker().user) as change:
            chosen = choose(self._by_due(change.things(self._kind), now_s))
            change.remove([planned.thing for planned in chosen])
        return chosen

    def cancel(self, now_s: float, wanted: Wanted, wording: CancelWording) -> Sequence[Planned]:
        """Cancel what is wanted, in one change.

        Raises ``PlanError`` where there is nothing of it, and ``SeveralMeant`` where it has to be asked which.
        """

        def choose(kept: Sequence[Planned]) -> Sequence[Planned]:
            if not kept:
                raise PlanError(wording.nothing)
            found = [each for each in kept if wanted.number in {0, each.thing.id}]
            found = list(self.named(found, wanted.text, wanted.when, now_s))
            if not found:
                raise PlanError(wording.no_such)
            if len(found) > 1 and not wanted.every:
                titles = [wording.title(each, now_s) for each in found]
                question = wording.which(plural(len(found), self._kind), listed(titles))
                pairs = zip(titles, found, strict=True)
                raise SeveralMeant(question, [MeantThing(title, {"number": each.thing.id}) for title, each in pairs])
            return found

        return self.remove(now_s, choose)

    def named(self, planned: Sequence[Planned], text: str, when: str, now_s: float) -> Sequence[Planned]:
        """Return those of ``planned`` that are due at ``when`` and have ``text``, where these are not empty."""
        found = self.fitting(when, planned, now_s)
        return [found[at] for at in hinted(text, [each.text for each in found])] if text.strip() else found

    def scheduled(self, when: str, now_s: float, *, needs_time: bool) -> Schedule:
        """Return when ``when`` is; raises ``PlanError`` in words.

        With ``needs_time`` a day alone, or a part of it, is not enough.
        """
        moment = moment_of(when)
        if needs_time and moment.delay_s is None and (moment.clock is None or moment.is_vague):
            raise PlanError(told("At what time?"))
        if moment.delay_s is not None and not 1 <= moment.delay_s <= MAX_DELAY_S:
            raise PlanError(told("That is too far away."))
        schedule = schedules.schedule_of(moment, now_s, self.zone, default=DEFAULT_CLOCK)
        if schedule is None:
            raise PlanError(told("That time is over, or there is no such day."))
        return schedule

    def fitting(self, when: str, planned: Sequence[Planned], now_s: float) -> Sequence[Planned]:
        """Return those of ``planned`` that are due at the time that ``when`` names; all if it is empty."""
        if not when.strip():
            return planned
        moment = moment_of(when)
        return [each for each in planned if schedules.same_time(each.schedule, moment, now_s, self.zone)]

    def when_words(self, schedule: Schedule, now_s: float) -> str:
        """Return when something is due, as people say it: "7 tomorrow morning"."""
        due = local(schedule.due_s(now_s, self.zone), self.zone)
        return rule_words(due, schedule.weekdays) if schedule.weekdays else moment_words(due, local(now_s, self.zone))

    def when_it_comes(self, schedule: Schedule, now_s: float) -> str:
        """Return when something that was just planned is due: "in ten minutes", "at 9 tomorrow morning"."""
        left_s = schedule.due_s(now_s, self.zone) - now_s
        if schedule.at_s is not None and left_s <= SHORT_DELAY_S:
            return delay_words(left_s)
        return told("at {when}", when=self.when_words(schedule, now_s))

    def _by_due(self, things: Sequence[OwnedThing], now_s: float) -> Sequence[Planned]:
        return sorted(map(planned_of, things), key=lambda planned: planned.schedule.due_s(now_s, self.zone))


def planned_of(thing: OwnedThing) -> Planned:
    """Return what is kept as an alarm or a reminder."""
    return Planned(thing, schedules.from_json(thing.body["schedule"]), str(thing.body["text"]))


def moment_of(when: str) -> NamedMoment:
    """Return the point in time that is named in the language of the request; raises ``PlanError``."""
    moment = named_moment(when, LANGUAGE.get())
    if moment is None:
        raise PlanError(told("I do not understand the time {when}.", when=when.strip() or "?"))
    return moment
