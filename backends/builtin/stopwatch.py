"""The stopwatch of a user, and the tools for it. It counts by the clock, so that it goes on over a restart."""

from collections.abc import Callable
from typing import Final

import attrs

from backends.builtin.asker import asker
from backends.builtin.owned import OwnedChange, OwnedStore, OwnedThing
from backends.builtin.wording import duration_words, told, upper_first

KIND: Final = "stopwatch"


@attrs.frozen
class Stopwatch:
    """What it shows."""

    counted_s: float = 0.0
    """Until it was started the last time."""
    started_s: float | None = None
    """Unix time; None while it stands."""
    lap_s: float = 0.0
    """What it showed when the last lap ended."""

    def shows_s(self, now_s: float) -> float:
        """Return what it shows; a clock that was set back takes nothing away."""
        return self.counted_s + (0.0 if self.started_s is None else max(0.0, now_s - self.started_s))


class StopwatchTools:
    """The tools for the stopwatch."""

    def __init__(self, store: OwnedStore, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def start_stopwatch(self) -> str:
        """Start the stopwatch, or let it go on."""

        def start(watch: Stopwatch, now_s: float) -> tuple[Stopwatch, str]:
            if watch.started_s is not None:
                return watch, told("The stopwatch is running already: {duration}.", duration=_shown(watch, now_s))
            text = told("The stopwatch is running.")
            if watch.counted_s:
                text = told("The stopwatch goes on at {duration}.", duration=_shown(watch, now_s))
            return attrs.evolve(watch, started_s=now_s), text

        return self._change(start)

    async def stop_stopwatch(self) -> str:
        """Stop the stopwatch and tell what it shows."""

        def stop(watch: Stopwatch, now_s: float) -> tuple[Stopwatch, str]:
            if watch.started_s is None:
                return watch, told("The stopwatch is not running.")
            stopped = attrs.evolve(watch, counted_s=watch.shows_s(now_s), started_s=None)
            return stopped, told("The stopwatch is stopped at {duration}.", duration=_shown(stopped, now_s))

        return self._change(stop)

    async def lap_stopwatch(self) -> str:
        """Tell how long the lap took that ends now, and begin the next one."""

        def lap(watch: Stopwatch, now_s: float) -> tuple[Stopwatch, str]:
            if watch.started_s is None:
                return watch, told("The stopwatch is not running.")
            shown_s = watch.shows_s(now_s)
            text = told(
                "This lap: {lap}. Together: {duration}.",
                lap=duration_words(shown_s - watch.lap_s),
                duration=duration_words(shown_s),
            )
            return attrs.evolve(watch, lap_s=shown_s), text

        return self._change(lap)

    async def read_stopwatch(self) -> str:
        """Tell what the stopwatch shows."""
        things = self._store.things(asker().user, KIND)
        watch = _watch(things[-1] if things else None)
        shown = _shown(watch, self._now())
        if watch.started_s is None:
            return told("The stopwatch stands at {duration}.", duration=shown)
        return told("{duration} so far.", duration=upper_first(shown))

    async def reset_stopwatch(self) -> str:
        """Set the stopwatch to zero and stop it."""
        return self._change(lambda _, __: (Stopwatch(), told("The stopwatch is at zero.")))

    def _change(self, change: Callable[[Stopwatch, float], tuple[Stopwatch, str]]) -> str:
        with self._store.changing(asker().user) as transaction:
            things = transaction.things(KIND)
            kept = things[-1] if things else None
            before = _watch(kept)
            after, text = change(before, self._now())
            _keep(transaction, kept, before, after)
        return text


def _keep(change: OwnedChange, kept: OwnedThing | None, before: Stopwatch, after: Stopwatch) -> None:
    if after == before:
        return
    if kept is None:
        change.add(KIND, attrs.asdict(after))
    else:
        change.replace(kept, attrs.asdict(after))


def _watch(kept: OwnedThing | None) -> Stopwatch:
    return Stopwatch() if kept is None else Stopwatch(**kept.body)


def _shown(watch: Stopwatch, now_s: float) -> str:
    return duration_words(watch.shows_s(now_s))
