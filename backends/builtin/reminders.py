"""Reminders of a user: a text and a time, and the tools for them."""

from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, Final

from pydantic import Field

from backends.builtin.alarms import Number
from backends.builtin.owned import OwnedStore
from backends.builtin.planned import REMINDER, CancelWording, Planned, Plans, Wanted
from backends.builtin.wording import plural, told, upper_first

MAX_REMINDERS: Final = 100
MAX_TEXT_CHARS: Final = 200
MAX_SPOKEN: Final = 10  # more are too many to listen to at once

Text = Annotated[str | None, Field(description='What of, such as "call mom".', max_length=MAX_TEXT_CHARS)]
When = Annotated[
    str | None,
    Field(
        description='When, as people say it: "in ten minutes", "tomorrow at 9", "every monday at noon".', max_length=200
    ),
]
WhichText = Annotated[str, Field(description="Which one, by words of it; empty for any.", max_length=MAX_TEXT_CHARS)]
WhichTime = Annotated[
    str, Field(description='Or by its time, such as "9 am" or "tomorrow"; empty for any.', max_length=200)
]


class Reminders:
    """The tools for reminders."""

    def __init__(
        self,
        store: OwnedStore,
        now: Callable[[], float],
        on_change: Callable[[], None],
        zone: tzinfo | None = None,
    ) -> None:
        """``on_change`` is called after each change; ``zone`` None is the machine's."""
        self._plans = Plans(store, REMINDER, zone)
        self._now = now
        self._on_change = on_change

    async def set_reminder(self, text: Text = None, when: When = None) -> str:
        """Remind of something, after a while or at a time, once or every week; what is missing is asked for."""
        what = (text or "").strip(" \t\n.,;:!?")
        if not what:
            return told("What shall I remind you of?")
        if not (when or "").strip():
            return told("When shall I remind you?")
        now_s = self._now()
        schedule = self._plans.scheduled(when or "", now_s, needs_time=False)
        self._plans.add(what, schedule, most=MAX_REMINDERS)
        self._on_change()
        return told("I will remind you {when}: {text}.", when=self._plans.when_it_comes(schedule, now_s), text=what)

    async def list_reminders(self, text: WhichText = "", when: WhichTime = "") -> str:
        """Tell what there are reminders of, and when."""
        now_s = self._now()
        reminders = self._plans.kept(now_s)
        if not reminders:
            return told("There are no reminders.")
        found = self._plans.named(reminders, text, when, now_s)
        if not found:
            return told("There is no such reminder.")
        titles = [self._title(reminder, now_s) for reminder in found[:MAX_SPOKEN]]
        return f"{upper_first(plural(len(found), 'reminder'))}: {'; '.join(titles)}."

    async def cancel_reminder(
        self,
        text: WhichText = "",
        when: WhichTime = "",
        number: Number = 0,
        every: Annotated[bool, Field(description="All of them.")] = False,
    ) -> str:
        """Cancel a reminder."""
        now_s = self._now()
        wording = CancelWording(
            told("There are no reminders."),
            told("There is no such reminder."),
            lambda count, titles: told("There are {count}: {titles}. Which reminder?", count=count, titles=titles),
            lambda reminder, _: reminder.text,
        )
        cancelled = self._plans.cancel(now_s, Wanted(text, when, number, every), wording)
        self._on_change()
        if len(cancelled) > 1:
            return told("{count} reminders are cancelled.", count=len(cancelled))
        return told("The reminder is cancelled: {text}.", text=cancelled[0].text)

    def _title(self, reminder: Planned, now_s: float) -> str:
        when = self._plans.when_words(reminder.schedule, now_s)
        return told("{text}, at {when}", text=reminder.text, when=when)
