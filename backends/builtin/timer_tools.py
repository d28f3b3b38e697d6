"""The tools for timers. Each answer is a sentence that a voice can say."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from backends.builtin.timers import Timers
from backends.builtin.wording import duration_words, told, upper_first

TimerName = Annotated[str, Field(description="Which timer, by its name; empty for the only one.", max_length=200)]
TimerSeconds = Annotated[float, Field(description="Or by the time it was set for; 0 for any.")]


class TimerTools:
    """The tools for timers."""

    def __init__(self, timers: Timers, now: Callable[[], float], on_change: Callable[[], None]) -> None:
        """``on_change`` is called after each change."""
        self._timers = timers
        self._now = now
        self._on_change = on_change

    async def set_timer(
        self,
        seconds: Annotated[float | None, Field(description="How long from now, in seconds.")] = None,
        name: Annotated[str, Field(description='What it is for, such as "pasta".', max_length=200)] = "",
    ) -> str:
        """Set a timer that says so when it is over; without a duration it is asked for."""
        if seconds is None:
            return told("For how long? Say: set a timer for ten minutes.")
        timer = self._timers.set(seconds, name, now_s=self._now())
        self._on_change()
        duration = duration_words(timer.seconds)
        if not timer.name:
            return told("Timer set for {duration}.", duration=duration)
        return told("{name} timer set for {duration}.", name=upper_first(timer.name), duration=duration)

    async def list_timers(self, name: TimerName = "", seconds: TimerSeconds = 0) -> str:
        """Tell which timers are running and how much time they have left."""
        return self._timers.text(self._now(), name, seconds)

    async def cancel_timer(
        self,
        name: TimerName = "",
        seconds: TimerSeconds = 0,
        every: Annotated[bool, Field(description="All of them.")] = False,
    ) -> str:
        """Cancel a timer."""
        return self._changed_to(self._timers.cancel(name, seconds, every=every))

    async def pause_timer(self, name: TimerName = "", seconds: TimerSeconds = 0) -> str:
        """Pause a timer; it goes on when it is resumed."""
        return self._changed_to(self._timers.pause(name, seconds, now_s=self._now()))

    async def resume_timer(self, name: TimerName = "", seconds: TimerSeconds = 0) -> str:
        """Let a paused timer go on."""
        return self._changed_to(self._timers.resume(name, seconds, now_s=self._now()))

    async def extend_timer(
        self,
        by_seconds: Annotated[float, Field(description="How much longer, in seconds.", ge=1)],
        name: TimerName = "",
        seconds: TimerSeconds = 0,
    ) -> str:
        """Give a timer more time."""
        return self._changed_to(self._timers.adjust(by_seconds, name, seconds, now_s=self._now()))

    async def shorten_timer(
        self,
        by_seconds: Annotated[float, Field(description="How much shorter, in seconds.", ge=1)],
        name: TimerName = "",
        seconds: TimerSeconds = 0,
    ) -> str:
        """Take time off a timer."""
        return self._changed_to(self._timers.adjust(-by_seconds, name, seconds, now_s=self._now()))

    async def rename_timer(
        self,
        new_name: Annotated[str, Field(description='What it is for, such as "pasta".', max_length=200)],
        name: TimerName = "",
        seconds: TimerSeconds = 0,
    ) -> str:
        """Give a timer another name."""
        return self._changed_to(self._timers.rename(new_name, name, seconds))

    def _changed_to(self, text: str) -> str:
        self._on_change()
        return text
