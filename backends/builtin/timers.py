"""Timers of a user. Keeps them in the store and decides; the clock is an argument, nothing waits here.

Times are Unix seconds, so that a timer outlives the process and its machine's sleep.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs

from backends.builtin.asker import asker
from backends.builtin.owned import Body, OwnedStore, OwnedThing
from backends.builtin.things import MeantThing, SeveralMeant, hinted
from backends.builtin.wording import (
    LANGUAGE,
    digits,
    duration_in_front,
    duration_words,
    listed,
    plural,
    told,
    upper_first,
)

KIND: Final = "timer"

MAX_TIMERS = 100
MAX_SECONDS = 7 * 86_400.0  # beyond a week people mean a calendar
MAX_NAME_CHARS = 60


class TimerError(ValueError):
    """A timer cannot be set; the message is fit to be spoken."""


@attrs.frozen
class Timer:
    """One timer."""

    thing: OwnedThing
    name: str
    """What it is for; empty if it has no name."""
    seconds: float
    due_s: float
    """Unix time."""
    left_s: float | None = None
    """Of a paused timer: what was left when it was paused."""

    @property
    def title(self) -> str:
        """How it is called in the language of the request: "pasta timer" or "ten-minute timer"."""
        return title_of(self.name, self.seconds)

    @property
    def is_paused(self) -> bool:
        """Whether its clock stands still."""
        return self.left_s is not None

    def left_at(self, now_s: float) -> float:
        """Return how many seconds it has left."""
        return max(0.0, self.due_s - now_s) if self.left_s is None else self.left_s


class Timers:
    """The timers of the user who asks."""

    def __init__(self, store: OwnedStore) -> None:
        self._store = store

    def set(self, seconds: float, name: str, *, now_s: float) -> Timer:
        """Add a timer; raises ``TimerError`` for a duration or a number of timers out of bounds."""
        if not 1 <= seconds <= MAX_SECONDS:
            raise TimerError(
                told(
                    "A timer must run for one second to seven days, not {seconds} seconds.",
                    seconds=digits(f"{seconds:,.12g}"),
                )
            )
        body = {
            "name": _clean(name),
            "seconds": seconds,
            "due_s": now_s + seconds,
            "left_s": None,
            "session": asker().session_id,
            "language": LANGUAGE.get(),
        }
        with self._store.changing(asker().user) as change:
            if len(change.things(KIND)) >= MAX_TIMERS:
                raise TimerError(told("There are {count} timers already.", count=MAX_TIMERS))
            return timer_of(change.add(KIND, body))

    def cancel(self, name: str = "", seconds: float = 0, *, every: bool = False) -> str:
        """Cancel the timer that is meant, or every one, and say what was done."""
        if every:
            with self._store.changing(asker().user) as change:
                timers = change.things(KIND)
                if len(timers) > 1:
                    change.remove(timers)
                    return told("{count} timers are cancelled.", count=len(timers))
        return self._change(name, seconds, lambda timer: (None, told("The {title} is cancelled.", title=timer.title)))

    def pause(self, name: str = "", seconds: float = 0, *, now_s: float) -> str:
        """Stop the clock of the timer that is meant."""

        def change(timer: Timer) -> tuple[Timer, str]:
            left_s = timer.left_at(now_s)
            text = told(
                "The {title} is paused, with {duration} left.", title=timer.title, duration=duration_words(left_s)
            )
            return attrs.evolve(timer, left_s=left_s), text

        return self._change(name, seconds, change)

    def resume(self, name: str = "", seconds: float = 0, *, now_s: float) -> str:
        """Let a paused timer go on; one that runs goes on anyway."""

        def change(timer: Timer) -> tuple[Timer, str]:
            left_s = timer.left_at(now_s)
            text = told(
                "The {title} is running, with {duration} left.", title=timer.title, duration=duration_words(left_s)
            )
            return attrs.evolve(timer, due_s=now_s + left_s, left_s=None), text

        paused = [timer for timer in self._kept() if timer.is_paused]
        if not name and not seconds and len(paused) == 1:  # no name is needed if only one can go on
            return self._change("", 0, change, only=paused[0].thing.id)
        return self._change(name, seconds, change)

    def adjust(self, by_s: float, name: str = "", seconds: float = 0, *, now_s: float) -> str:
        """Give a timer more time, or less; raises ``TimerError`` if it would be over, or run for too long."""

        def change(timer: Timer) -> tuple[Timer, str]:
            left_s = timer.left_at(now_s) + by_s
            if not 1 <= left_s <= MAX_SECONDS:
                has = duration_words(timer.left_at(now_s))
                raise TimerError(
                    told(
                        "The {title} has {duration} left, and may have up to seven days.",
                        title=timer.title,
                        duration=has,
                    )
                )
            text = told("The {title} has {duration} left now.", title=timer.title, duration=duration_words(left_s))
            return attrs.evolve(timer, due_s=now_s + left_s, left_s=left_s if timer.is_paused else None), text

        if not abs(by_s) >= 1:
            raise TimerError(told("A timer is changed by one second or more."))
        return self._change(name, seconds, change)

    def rename(self, new_name: str, name: str = "", seconds: float = 0) -> str:
        """Call a timer something else; an empty name takes its name away."""

        def change(timer: Timer) -> tuple[Timer, str]:
            renamed = attrs.evolve(timer, name=_clean(new_name))
            return renamed, told("The {title} is now the {new}.", title=timer.title, new=renamed.title)

        return self._change(name, seconds, change)

    def text(self, now_s: float, name: str = "", seconds: float = 0) -> str:
        """Say what is running, or how the timers that are meant are doing."""
        timers = self.by_due()
        found = _meant(timers, _clean(name), seconds)
        if not found:
            return _unclear(timers, found, _clean(name), seconds)
        lines = [
            told(
                "{title}: paused, {duration} left" if timer.is_paused else "{title}: {duration} left",
                title=timer.title,
                duration=duration_words(timer.left_at(now_s)),
            )
            for timer in found
        ]
        return f"{upper_first(plural(len(lines), 'timer'))}: {'; '.join(lines)}." if len(lines) > 1 else f"{lines[0]}."

    def by_due(self) -> Sequence[Timer]:
        """Return the timers, the next one first and paused ones last."""
        return sorted(self._kept(), key=lambda timer: (timer.is_paused, timer.due_s))

    def _change(
        self,
        name: str,
        seconds: float,
        change: Callable[[Timer], tuple[Timer | None, str]],
        *,
        only: int | None = None,
    ) -> str:
        """Replace the one timer that is meant (``only``: its number) by what ``change`` makes of it, None for nothing.

        Returns the sentence of ``change``, or what has to be said first where not exactly one timer is meant.
        """
        with self._store.changing(asker().user) as change_:
            timers = _timers(change_.things(KIND))
            meant = [timer for timer in timers if only in {None, timer.thing.id}]
            found = _meant(meant, _clean(name), seconds)
            if len(found) != 1:
                return _unclear(timers, found, _clean(name), seconds)
            changed, text = change(found[0])
            if changed is None:
                change_.remove([found[0].thing])
            else:
                change_.replace(found[0].thing, _body(changed))
        return text

    def _kept(self) -> Sequence[Timer]:
        return _timers(self._store.things(asker().user, KIND))


def due_s(thing: OwnedThing) -> float | None:
    """Return the Unix time at which a kept timer is over, None while it is paused."""
    timer = timer_of(thing)
    return None if timer.is_paused else timer.due_s


def title_of(name: str, seconds: float) -> str:
    """Return what a timer of that name, or without one, is called."""
    if name:
        return told("{name} timer", name=name)
    return told("{duration} timer", duration=duration_in_front(seconds))


def _meant(timers: Sequence[Timer], name: str, seconds: float) -> Sequence[Timer]:
    if name:
        timers = [timers[at] for at in hinted(name, [timer.name for timer in timers])]
    return [timer for timer in timers if not seconds or timer.seconds == seconds]


def _unclear(timers: Sequence[Timer], found: Sequence[Timer], name: str, seconds: float) -> str:
    """Return what to say where the words mean no timer, or more than one."""
    if not timers:
        return told("There is no timer.")
    if not found:
        return told("There is no {title}.", title=title_of(name, seconds))
    titles = listed(timer.title for timer in found)
    question = told("There are {count}: {titles}. Which one?", count=plural(len(found), "timer"), titles=titles)
    raise SeveralMeant(question, [MeantThing(timer.title, _arguments_of(timer)) for timer in found])


def _arguments_of(timer: Timer) -> Mapping[str, str | float]:
    return {"name": timer.name} if timer.name else {"seconds": timer.seconds}


def _clean(name: str) -> str:
    words = name.strip(" .!?,'\"")[:MAX_NAME_CHARS].strip()
    return "" if words.lower() in {"timer", "the", "my"} else words


def timer_of(thing: OwnedThing) -> Timer:
    """Return what is kept as a timer."""
    kept = thing.body
    left_s = kept["left_s"]
    return Timer(
        thing,
        str(kept["name"]),
        float(kept["seconds"]),
        float(kept["due_s"]),
        None if left_s is None else float(left_s),
    )


def _timers(things: Sequence[OwnedThing]) -> Sequence[Timer]:
    return [timer_of(thing) for thing in things]


def _body(timer: Timer) -> Body:
    return {**timer.thing.body, "name": timer.name, "due_s": timer.due_s, "left_s": timer.left_s}
