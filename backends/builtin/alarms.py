"""Alarms of a user, and the tools for them. Each answer is a sentence that a voice can say."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, Final

from pydantic import Field

from backends.builtin.owned import OwnedStore
from backends.builtin.planned import ALARM, CancelWording, Planned, Plans, Wanted
from backends.builtin.schedules import local
from backends.builtin.spoken_times import clock_with_part
from backends.builtin.wording import plural, told, upper_first

MAX_ALARMS: Final = 50
MAX_NAME_CHARS: Final = 60

When = Annotated[
    str | None,
    Field(
        description='When, as people say it: "7 am", "tomorrow at 19:30", "weekdays at 6:45", "every monday at noon".',
        max_length=200,
    ),
]
WhichAlarm = Annotated[
    str, Field(description='Which one, by its time, such as "7 am" or "tomorrow"; empty for any.', max_length=200)
]
AlarmName = Annotated[str, Field(description="What it is for; empty if nothing was said.", max_length=200)]
Number = Annotated[int, Field(description="Or by its number, as an earlier answer gave it; 0 for any.", ge=0)]


class Alarms:
    """The tools for alarms at a time of day."""

    def __init__(
        self,
        store: OwnedStore,
        now: Callable[[], float],
        on_change: Callable[[], None],
        zone: tzinfo | None = None,
    ) -> None:
        """``on_change`` is called after each change; ``zone`` None is the machine's."""
        self._plans = Plans(store, ALARM, zone)
        self._now = now
        self._on_change = on_change

    async def set_alarm(self, when: When = None, name: AlarmName = "") -> str:
        """Set an alarm for a time of day, once or every week on some days; without a time it is asked for."""
        if not (when or "").strip():
            return told("For when? Say: wake me at seven.")
        now_s = self._now()
        schedule = self._plans.scheduled(when or "", now_s, needs_time=True)
        text = name.strip()[:MAX_NAME_CHARS]
        self._plans.add(text, schedule, most=MAX_ALARMS)
        self._on_change()
        said = self._plans.when_words(schedule, now_s)
        if text:
            return told("{name} alarm set for {when}.", name=upper_first(text), when=said)
        return told("Alarm set for {when}.", when=said)

    async def list_alarms(self, when: WhichAlarm = "", name: AlarmName = "") -> str:
        """Tell which alarms are set."""
        now_s = self._now()
        alarms = self._plans.kept(now_s)
        found = self._plans.named(alarms, name, when, now_s)
        if not alarms:
            return told("No alarm is set.")
        if not found:
            return told("There is no such alarm.")
        titles = "; ".join(self._title(alarm, now_s) for alarm in found)
        return f"{upper_first(plural(len(found), 'alarm'))}: {titles}."

    async def cancel_alarm(
        self,
        when: WhichAlarm = "",
        name: AlarmName = "",
        number: Number = 0,
        every: Annotated[bool, Field(description="All of them.")] = False,
    ) -> str:
        """Cancel an alarm."""
        now_s = self._now()
        wording = CancelWording(
            told("No alarm is set."),
            told("There is no such alarm."),
            lambda count, titles: told("There are {count}: {titles}. Which one?", count=count, titles=titles),
            self._title,
        )
        cancelled = self._plans.cancel(now_s, Wanted(name, when, number, every), wording)
        self._on_change()
        if len(cancelled) > 1:
            return told("{count} alarms are cancelled.", count=len(cancelled))
        return told("The alarm for {when} is cancelled.", when=self._plans.when_words(cancelled[0].schedule, now_s))

    def _title(self, alarm: Planned, now_s: float) -> str:
        when = self._plans.when_words(alarm.schedule, now_s)
        return f"{alarm.text}, {when}" if alarm.text else when


def alarm_words(text: str, due_s: float, zone: tzinfo | None) -> str:
    """Return what is said when an alarm rings, in the language that it was set in."""
    time = clock_with_part(local(due_s, zone))
    return told("It is {time}: {text}.", time=time, text=text) if text else told("It is {time}. Your alarm!", time=time)
